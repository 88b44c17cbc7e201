// Package central tests the files of this folder as they lie here, against a real
// Mosquitto and a real influxd: only paths and the port are replaced.
package central

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/influx"
	"github.com/frostline/frostline/sync/mqtt"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script runs one of this folder's scripts in dir and returns what it printed.
func script(t *testing.T, dir string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{path}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said.String())
	}
	return string(out), nil
}

func must(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, err := script(t, dir, env, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// needs skips the test where a program of the scripts is missing, and fails it in CI.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("central: %s is not installed", p)
		}
		t.Skipf("central: %s is not installed", p)
	}
}

// fleet makes an authority, the broker's certificate and two gateways' and the receiver's.
func fleet(t *testing.T) (dir string) {
	t.Helper()
	needs(t, "openssl")
	dir = t.TempDir()
	must(t, dir, nil, "certs.sh", "ca")
	must(t, dir, nil, "certs.sh", "server", "127.0.0.1")
	for _, id := range []string{"s1/gw-01", "s1/gw-02", "frostline-receiver"} {
		must(t, dir, nil, "certs.sh", "identity", id)
	}
	return dir
}

// central starts Mosquitto with the folder's own mosquitto.conf and acl. Each pair of
// changes replaces a text in mosquitto.conf, which must be there.
func central(t *testing.T, dir string, changes ...string) *peers.Broker {
	t.Helper()
	text, err := os.ReadFile("mosquitto.conf")
	if err != nil {
		t.Fatal(err)
	}
	acl, err := os.ReadFile("acl")
	if err != nil {
		t.Fatal(err)
	}
	port := peers.FreePort(t)
	changes = append(changes,
		"listener 8883\n", fmt.Sprintf("listener %d 127.0.0.1\n", port),
		"/etc/mosquitto/frostline/", dir+"/",
		"/var/lib/mosquitto/", dir+"/")
	conf := string(text)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(conf, changes[i]) {
			t.Fatalf("mosquitto.conf has no %q", changes[i])
		}
		conf = strings.ReplaceAll(conf, changes[i], changes[i+1])
	}
	if os.Getuid() == 0 {
		conf += "user root\n" // a test's directory is closed to Mosquitto's own user
	}
	file := filepath.Join(dir, "mosquitto.conf")
	for path, content := range map[string]string{file: conf, filepath.Join(dir, "acl"): string(acl)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := peers.Mosquitto(t, peers.BrokerOptions{ConfigFile: file, Port: port})
	for _, line := range strings.Split(b.Log(), "\n") {
		if strings.Contains(line, "Warning") && !strings.Contains(line, "should not be run as root") {
			t.Errorf("mosquitto: %s", line)
		}
	}
	return b
}

// identity is how an identity connects.
func identity(b *peers.Broker, dir, file string) mqttconn.Options {
	return mqttconn.Options{
		URL: "mqtts://" + b.Addr(), ClientID: file, CA: filepath.Join(dir, "ca.pem"),
		Cert: filepath.Join(dir, file+".pem"), Key: filepath.Join(dir, file+".key"),
	}
}

// client is a connection that remembers what arrives.
type client struct {
	*mqttconn.Conn
	mu  sync.Mutex
	got []string
}

func connect(t *testing.T, o mqttconn.Options, filters ...string) *client {
	t.Helper()
	c := &client{}
	o.OnMessage = func(m mqttconn.Message) {
		c.mu.Lock()
		c.got = append(c.got, m.Topic)
		c.mu.Unlock()
		m.Ack()
	}
	var err error
	if c.Conn, err = mqttconn.Dial(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if len(filters) > 0 {
		// Mosquitto's acl_file grants every subscription and filters what arrives.
		if err := c.Subscribe(t.Context(), filters...); err != nil && !errors.Is(err, mqttconn.ErrDenied) {
			t.Fatal(err)
		}
	}
	return c
}

func (c *client) topics() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.got, " ")
}

func (c *client) say(t *testing.T, topic string) {
	t.Helper()
	if err := c.Publish(t.Context(), topic, []byte("{}"), false); err != nil {
		t.Fatalf("%s: %v", topic, err)
	}
}

func TestEachGatewayHasItsOwnTopicsOnly(t *testing.T) {
	dir := fleet(t)
	b := central(t, dir)
	receiver := connect(t, identity(b, dir, "frostline-receiver"), "frostline/v1/+/+/+")
	spy := connect(t, identity(b, dir, "s1.gw-02"), "#", "frostline/v1/#", "frostline/v1/s1/gw-01/#", "frostline/v1/s1/gw-01/alarms")
	gateway := connect(t, identity(b, dir, "s1.gw-01"))

	own := []string{"alarms", "readings", "scans", "events", "stock", "status", "info", "alarms.c", "readings.c", "scans.c", "events.c", "stock.c"}
	for _, forbidden := range []string{
		"frostline/v1/s1/gw-02/readings", "frostline/v1/s2/gw-01/readings", "frostline/v1/s1/gw-01/cmd/reboot",
		"frostline/v1/s1/gw-01/reply/1", "frostline/v1/s1/gw-01", "frostline/v1/s1/readings", "frostline/v2/s1/gw-01/readings", "elsewhere",
	} {
		gateway.say(t, forbidden) // acknowledged, and dropped
	}
	var want []string
	for _, last := range own {
		gateway.say(t, "frostline/v1/s1/gw-01/"+last)
		want = append(want, "frostline/v1/s1/gw-01/"+last)
	}
	peers.Await(t, "the receiver has all", func() bool { return receiver.topics() == strings.Join(want, " ") })

	receiver.say(t, "frostline/v1/s1/gw-01/readings") // dropped
	spy.say(t, "frostline/v1/s1/gw-02/readings")
	peers.Await(t, "the spy's own echo", func() bool { return spy.topics() != "" })
	if got := spy.topics(); strings.Contains(got, "gw-01") {
		t.Errorf("a gateway reads another's: %s", got)
	}
	if got := strings.Fields(receiver.topics()); len(got) > len(want)+1 {
		t.Errorf("the receiver could write: %v", got)
	}
}

// host is what an upstream is given by this test.
func host(site agent.SiteID, gateway agent.GatewayID) upstream.Host {
	h := upstreamtest.Host(upstreamtest.Points())
	h.Site, h.Gateway = site, gateway
	return h
}

// deliver opens an upstream, delivers one batch and closes it.
func deliver(t *testing.T, d upstream.Driver, config any, h upstream.Host) error {
	t.Helper()
	up, err := d.Open(t.Context(), h, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := up.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return up.Deliver(ctx, upstreamtest.Points().Batch(agent.KindReadings, 1, 10))
}

func mqttConfig(o mqttconn.Options) *mqtt.Config {
	c := mqtt.Driver.Config().(*mqtt.Config)
	c.URL, c.CA, c.Cert, c.Key, c.User, c.Password = o.URL, o.CA, o.Cert, o.Key, o.User, o.Password
	c.Timeout = time.Second
	return c
}

func wantRefused(t *testing.T, err error, code string) {
	t.Helper()
	var r *upstream.Refused
	if !errors.As(err, &r) || r.Code != code {
		t.Errorf("error %v, want Refused with %s", err, code)
	}
}

func TestTheUpstreamWorksAsItsIdentityAndAsNoOther(t *testing.T) {
	dir := fleet(t)
	b := central(t, dir)
	for _, encoding := range []string{mqtt.EncodingPlain, mqtt.EncodingCompact} {
		c := mqttConfig(identity(b, dir, "s1.gw-01"))
		c.Encoding = encoding
		if err := deliver(t, mqtt.Driver, c, host("s1", "gw-01")); err != nil {
			t.Errorf("%s: %v", encoding, err)
		}
	}
	err := deliver(t, mqtt.Driver, mqttConfig(identity(b, dir, "s1.gw-01")), host("s1", "gw-02"))
	wantRefused(t, err, "upstream-not-seen")
	none := identity(b, dir, "s1.gw-01")
	none.Cert, none.Key = "", ""
	wantRefused(t, deliver(t, mqtt.Driver, mqttConfig(none), host("s1", "gw-01")), "upstream-tls")
}

func TestARevokedIdentityIsShutOut(t *testing.T) {
	dir := fleet(t)
	must(t, dir, nil, "certs.sh", "revoke", "s1/gw-01")
	b := central(t, dir, "#crlfile", "crlfile")
	wantRefused(t, deliver(t, mqtt.Driver, mqttConfig(identity(b, dir, "s1.gw-01")), host("s1", "gw-01")), "upstream-tls")
	if err := deliver(t, mqtt.Driver, mqttConfig(identity(b, dir, "s1.gw-02")), host("s1", "gw-02")); err != nil {
		t.Errorf("another identity: %v", err)
	}
}

// TestPasswordsInPlaceOfCertificates makes the change that README.md describes.
func TestPasswordsInPlaceOfCertificates(t *testing.T) {
	dir := fleet(t)
	logins := map[string]string{"s1/gw-01": "one", "s1/gw-02": "two"}
	if err := os.WriteFile(filepath.Join(dir, "passwords"), []byte(peers.PasswordFile(t, logins)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := central(t, dir, "require_certificate true\nuse_identity_as_username true\n", "password_file /etc/mosquitto/frostline/passwords\n")
	o := mqttconn.Options{URL: "mqtts://" + b.Addr(), CA: filepath.Join(dir, "ca.pem"), User: "s1/gw-01", Password: "one"}
	if err := deliver(t, mqtt.Driver, mqttConfig(o), host("s1", "gw-01")); err != nil {
		t.Error(err)
	}
	wantRefused(t, deliver(t, mqtt.Driver, mqttConfig(o), host("s1", "gw-02")), "upstream-not-seen")
	o.Password = "two"
	wantRefused(t, deliver(t, mqtt.Driver, mqttConfig(o), host("s1", "gw-01")), "upstream-login")
}

func TestWhatWaitsForTheReceiverSurvivesARestartOfTheBroker(t *testing.T) {
	dir := fleet(t)
	b := central(t, dir)
	o := identity(b, dir, "frostline-receiver")
	o.KeepSession = true
	away := connect(t, o, "frostline/v1/+/+/+")
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	gateway := connect(t, identity(b, dir, "s1.gw-01"))
	const many = 1500 // more than Mosquitto's own limit on waiting messages
	for range many {
		gateway.say(t, "frostline/v1/s1/gw-01/readings")
	}
	b.Stop()
	b.Start()
	back := connect(t, o)
	peers.Await(t, "what waited", func() bool { back.mu.Lock(); defer back.mu.Unlock(); return len(back.got) == many })
}

func TestTheScriptOfCertificatesRefusesNonsense(t *testing.T) {
	dir := fleet(t)
	for _, args := range [][]string{
		{}, {"help"}, {"ca"}, {"server"}, {"identity"}, {"identity", "s1/gw-01"}, {"identity", "s1/gw/01"}, {"identity", "S1/gw"},
		{"identity", "s1/+"}, {"identity", "s1/#"}, {"identity", "/gw"}, {"identity", "../x"}, {"revoke", "s1/gw-99"},
	} {
		if out, err := script(t, dir, nil, "certs.sh", args...); err == nil {
			t.Errorf("certs.sh %v: %s", args, out)
		}
	}
}

func TestInflux1IsSetUp(t *testing.T) {
	needs(t, "curl")
	in := peers.Influxd(t, peers.InfluxOptions{Auth: true})
	env := []string{"INFLUX_URL=" + in.URL(), "INFLUX_VERSION=1", "INFLUX_TOKEN=admin:admin-password", "INFLUX_BUCKET=cold", "INFLUX_KEEP_DAYS=0"}
	must(t, t.TempDir(), env, "influx-setup.sh", "bucket")
	token := strings.TrimSpace(must(t, t.TempDir(), env, "influx-setup.sh", "gateway", "s1/gw-01"))
	c := influx.Driver.Config().(*influx.Config)
	c.URL, c.Bucket, c.Token = in.URL(), "cold", token
	for range 2 {
		if err := deliver(t, influx.Driver, c, host("s1", "gw-01")); err != nil {
			t.Fatal(err)
		}
	}
	if n := in.Count("cold", "temperature", "value"); n != 10 {
		t.Errorf("%d points of 10", n)
	}
	in.CreateBucket("other")
	c.Bucket = "other"
	wantRefused(t, deliver(t, influx.Driver, c, host("s1", "gw-01")), "upstream-denied")
	env[2] = "INFLUX_TOKEN=admin:wrong"
	if out, err := script(t, t.TempDir(), env, "influx-setup.sh", "gateway", "s1/gw-02"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong password: %q, %v", out, err)
	}
}

// TestInflux2IsAskedForTheRightThings holds the script's requests against the API's
// documentation; the server is the test's own.
func TestInflux2IsAskedForTheRightThings(t *testing.T) {
	needs(t, "curl")
	var asked []string
	var gone atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if gone.Load() {
			w.WriteHeader(404)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		if got := req.Header.Get("Authorization"); got != "Token admin-token" {
			t.Errorf("authorization %q", got)
		}
		if len(body) > 0 && !json.Valid(body) {
			t.Errorf("no JSON: %s", body)
		}
		asked = append(asked, strings.TrimSpace(req.Method+" "+req.URL.RequestURI()+" "+string(body)))
		switch req.Method + req.URL.Path {
		case "GET/api/v2/orgs":
			_, _ = io.WriteString(w, `{"links":{"self":"/api/v2/orgs"},"orgs":[{"links":{"self":"/api/v2/orgs/0org"},"id":"0org","name":"hq"}]}`)
		case "GET/api/v2/buckets":
			_, _ = io.WriteString(w, `{"links":{"self":"x"}, "buckets": [{"id": "0bucket", "orgID": "0org", "name": "cold"}]}`)
		case "POST/api/v2/buckets", "POST/api/v2/authorizations":
			w.WriteHeader(201)
			_, _ = io.WriteString(w, `{"id": "0auth", "token": "gateway-token==", "status": "active"}`)
		default:
			w.WriteHeader(404)
		}
	}))
	defer s.Close()
	env := []string{"INFLUX_URL=" + s.URL, "INFLUX_TOKEN=admin-token", "INFLUX_ORG=hq"}
	must(t, t.TempDir(), env, "influx-setup.sh", "bucket")
	if token := must(t, t.TempDir(), env, "influx-setup.sh", "gateway", "s1/gw-01"); token != "gateway-token==\n" {
		t.Errorf("token %q", token)
	}
	want := []string{
		`GET /api/v2/orgs?org=hq`,
		`POST /api/v2/buckets {"orgID":"0org","name":"cold","retentionRules":[{"type":"expire","everySeconds":315360000}]}`,
		`GET /api/v2/orgs?org=hq`,
		`GET /api/v2/buckets?name=cold&orgID=0org`,
		`POST /api/v2/authorizations {"orgID":"0org","description":"frostline gateway s1/gw-01","permissions":[{"action":"write","resource":{"type":"buckets","id":"0bucket","orgID":"0org"}}]}`,
	}
	if got := strings.Join(asked, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("asked:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	gone.Store(true)
	if out, err := script(t, t.TempDir(), env, "influx-setup.sh", "gateway", "s1/gw-01"); err == nil {
		t.Errorf("without an answer: %q", out)
	}
}
