package daemon

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
)

// Ten readings a second, and an upstream.
func busy(upstreams string) string {
	return "sensors: [{id: a, driver: dial, name: a, every: 100ms}]\nalarms: [{id: warm, point: a/temperature, above: 8}]\n" +
		"outputs: [{id: bell, driver: bell}]\nupstreams:\n" + upstreams
}

func mqttUpstream(id, url, more string) string {
	return fmt.Sprintf("  - {id: %s, driver: mqtt, url: %q, timeout: 3s, heartbeat: 1s, batch: {linger: 50ms}%s}\n", id, url, more)
}

// isGateway tells the agent's connections from the receiver's.
func isGateway(client string) bool { return strings.HasPrefix(client, "frostline-") }

// carries reports whether a message carries records: not status, not info, not an empty batch.
func carries(topic string, payload []byte) bool {
	return !strings.HasSuffix(topic, "/status") && !strings.HasSuffix(topic, "/info") && strings.Contains(string(payload), `"records":[{`)
}

// A broker that misbehaves: the condition is in status with its remedy and goes without a
// restart at most 30 s after its cause; measuring goes on; no committed record is lost.
func TestABrokerThatMisbehaves(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, code string
		keeps      bool // nothing leaves the outbox while it lasts
		options    func(sick *atomic.Bool) peers.EmbeddedOptions
	}{
		{"acknowledges nothing", "upstream-unacknowledged", true, func(sick *atomic.Bool) peers.EmbeddedOptions {
			return peers.EmbeddedOptions{Publish: func(client, topic string, payload []byte, _ bool) peers.Verdict {
				if sick.Load() && isGateway(client) && carries(topic, payload) {
					return peers.Ignore
				}
				return peers.Take
			}}
		}},
		{"drops by its ACL and says nothing", "upstream-not-seen", true, func(sick *atomic.Bool) peers.EmbeddedOptions {
			return peers.EmbeddedOptions{Publish: func(client, topic string, _ []byte, retain bool) peers.Verdict {
				if sick.Load() && isGateway(client) && !retain {
					return peers.Drop
				}
				return peers.Take
			}}
		}},
		{"refuses the login", "upstream-login", true, func(sick *atomic.Bool) peers.EmbeddedOptions {
			return peers.EmbeddedOptions{Login: func(user, _ string) bool { return !sick.Load() || user == "receiver" }}
		}},
		{"denies the topics", "upstream-not-seen", true, func(sick *atomic.Bool) peers.EmbeddedOptions {
			return peers.EmbeddedOptions{Subscribe: func(client, _ string) bool { return !sick.Load() || !isGateway(client) }}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sick := new(atomic.Bool)
			sick.Store(true)
			broker := peers.StartEmbedded(t, tc.options(sick))
			recv := receiver(t, mqttconn.Options{URL: broker.URL(), User: "receiver"})
			r := newRigOn(t, nil)
			r.start(busy(mqttUpstream("hq", broker.URL(), "")))
			within(t, undisturbed, "the condition in status", func() bool {
				c, ok := r.condition(tc.code, "upstream/hq")
				return ok && c.Remedy != ""
			})
			r.measuresOn(10, undisturbed)
			r.dial("a").set(9)
			eventually(t, "announced", func() bool { return len(r.bell.of("warm")) > 0 })
			if tc.keeps {
				r.durable()
				if u := r.status().Upstreams[0]; u.Taken != 0 || u.Waiting == 0 {
					t.Errorf("%d records counted as taken, %d wait", u.Taken, u.Waiting)
				}
				if got := account(recv).Received; got != 0 {
					t.Errorf("%d records left the outbox", got)
				}
			}
			sick.Store(false)
			r.gone(tc.code, "upstream/hq")
			r.allArrive(recv)
		})
	}
}

// A broker that hangs up at every third message: everything arrives all the same.
func TestABrokerThatHangsUpEveryFewMessages(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	broker := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(client, topic string, payload []byte, _ bool) peers.Verdict {
		if isGateway(client) && carries(topic, payload) && n.Add(1)%3 == 0 {
			return peers.HangUp
		}
		return peers.Take
	}})
	recv := receiver(t, mqttconn.Options{URL: broker.URL()})
	r := newRigOn(t, nil)
	r.start(busy(mqttUpstream("hq", broker.URL(), "")))
	r.measuresOn(30, undisturbed)
	r.allArrive(recv)
	r.measuresOn(20, undisturbed)
	r.allArrive(recv)
	if n.Load() < 9 {
		t.Errorf("only %d messages: the broker hardly ever hung up", n.Load())
	}
	stat, err := r.agent.store.Stat(t.Context())
	if err != nil || stat.Quarantined != 0 {
		t.Errorf("%d records set aside, %v: none is bad", stat.Quarantined, err)
	}
}

// A real Mosquitto whose ACL drops what the gateway publishes, and one that refuses its password.
// Both are corrected by the broker's operator alone.
func TestAMosquittoThatIsSetUpWrong(t *testing.T) {
	t.Parallel()
	const right = "user receiver\ntopic readwrite #\nuser gw\ntopic readwrite frostline/v1/s1/gw-01/#\n"
	for _, tc := range []struct {
		name, code      string
		acl, password   string
		correctACL      bool
		correctPassword bool
	}{
		{"the ACL drops", "upstream-not-seen", "user receiver\ntopic readwrite #\nuser gw\ntopic read frostline/v1/s1/gw-01/#\n", "secret", true, false},
		{"the ACL knows nothing of the gateway", "upstream-not-seen", "user receiver\ntopic readwrite #\n", "secret", true, false},
		{"the password is wrong", "upstream-login", right, "other", false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			broker := peers.Mosquitto(t, peers.BrokerOptions{
				Users: map[string]string{"receiver": "r", "gw": tc.password}, ACL: tc.acl,
				Extra: []string{"persistence true", "persistence_location " + state + "/"},
			})
			recv := receiver(t, mqttconn.Options{URL: broker.URL(), User: "receiver", Password: "r"})
			r := newRigOn(t, nil)
			r.start(busy(mqttUpstream("hq", broker.URL(), ", user: gw, password: secret")))
			r.shown(tc.code, "upstream/hq")
			r.measuresOn(10, undisturbed)
			if got := account(recv).Received; got != 0 {
				t.Errorf("%d records left the outbox", got)
			}
			broker.Stop()
			if tc.correctACL {
				overwrite(t, filepath.Join(broker.Dir, "acl"), []byte(right))
			}
			if tc.correctPassword {
				text := peers.PasswordFile(t, map[string]string{"receiver": "r", "gw": "secret"})
				if err := os.WriteFile(filepath.Join(broker.Dir, "passwords"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			broker.Start()
			r.gone(tc.code, "upstream/hq")
			r.allArrive(recv)
		})
	}
}

// influxGate stands before a real influxd and answers in its place what the test says.
type influxGate struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(body string) int // 0: influxd answers
}

func newInfluxGate(t *testing.T, in *peers.Influx) *influxGate {
	t.Helper()
	target, err := url.Parse(in.URL())
	if err != nil {
		t.Fatal(err)
	}
	g := &influxGate{answer: func(string) int { return 0 }}
	proxy := httputil.NewSingleHostReverseProxy(target)
	transport := &http.Transport{DisableKeepAlives: true}
	proxy.Transport = transport
	proxy.ErrorLog = log.New(io.Discard, "", 0) // the agent hangs up at the end of the test
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		g.mu.Lock()
		code := g.answer(string(body))
		g.mu.Unlock()
		if code != 0 {
			w.WriteHeader(code)
			return
		}
		q.Body = io.NopCloser(strings.NewReader(string(body)))
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *influxGate) answers(f func(body string) int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = f
}

// countsAgree waits until InfluxDB has as many records as the store had at this moment or more, and
// fails if it has more than the store has then.
func (r *rig) countsAgree(in *peers.Influx) {
	r.t.Helper()
	stored := len(r.records())
	there := 0
	eventually(r.t, fmt.Sprintf("InfluxDB has the %d records of the store", stored), func() bool {
		there = 0
		for _, m := range in.Measurements("cold") {
			there += in.Count("cold", m, "seq")
		}
		return there >= stored
	})
	if now := len(r.records()); there > now {
		r.t.Errorf("InfluxDB has %d records, the store %d", there, now)
	}
}

func influxUpstream(id, url, more string) string {
	return fmt.Sprintf("  - {id: %s, driver: influx, url: %q, bucket: cold, gzip: \"off\", timeout: 2s, batch: {linger: 50ms}%s}\n", id, url, more)
}

// InfluxDB answers 400 because of one record: that one is set aside, visible, and can be sent
// again; all others arrive at once.
func TestInfluxDBThatRejectsOneRecord(t *testing.T) {
	t.Parallel()
	in := peers.Influxd(t, peers.InfluxOptions{})
	in.CreateBucket("cold")
	gate := newInfluxGate(t, in)
	gate.answers(func(body string) int {
		if strings.Contains(body, "value=6.625,") || strings.Contains(body, "value=6.625 ") {
			return http.StatusBadRequest
		}
		return 0
	})
	r := newRig(t)
	r.start(strings.ReplaceAll(busy(influxUpstream("hq", gate.URL, "")), "100ms", "10s"))
	r.measured(1)
	for i := range 20 {
		if i == 10 {
			r.dial("a").set(6.625)
		} else {
			r.dial("a").set(4)
		}
		r.tick(10*time.Second, 1)
	}
	r.linger()
	r.shown("upstream-rejected", "upstream/hq")
	stored := len(r.records())
	eventually(t, "all but one record arrive", func() bool {
		there := 0
		for _, m := range in.Measurements("cold") {
			there += in.Count("cold", m, "seq")
		}
		return there == stored-1
	})
	stat, err := r.agent.store.Stat(t.Context())
	if err != nil || stat.Quarantined != 1 {
		t.Errorf("%d records set aside, %v; want 1", stat.Quarantined, err)
	}

	gate.answers(func(string) int { return 0 })
	var n control.CountReply
	if err := r.client().Post(t.Context(), "store/requeue", control.UpstreamRequest{Upstream: "hq", By: "li"}, &n); err != nil || n.Count != 1 {
		t.Fatalf("requeue: %d, %v", n.Count, err)
	}
	r.gone("upstream-rejected", "upstream/hq")
	r.countsAgree(in)
	var act *agent.Act
	for _, rec := range r.records(agent.KindAlarms) {
		if rec.Event.Act != nil {
			act = rec.Event.Act
		}
	}
	if act == nil || act.Verb != "requeue" || act.By != "li" {
		t.Errorf("the requeue is recorded as %+v", act)
	}
}

// An InfluxDB that refuses: the condition names what is wrong, goes when that is put right, and
// nothing is lost.
func TestAnInfluxDBThatRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, code string
		refuse     func(*influxGate, *peers.Influx)
		correct    func(*influxGate, *peers.Influx)
	}{
		{"has no such bucket", "upstream-missing", func(*influxGate, *peers.Influx) {}, func(_ *influxGate, in *peers.Influx) { in.CreateBucket("cold") }},
		{"refuses the token", "upstream-login", answering(http.StatusUnauthorized), answering(0)},
		{"denies the bucket", "upstream-denied", answering(http.StatusForbidden), answering(0)},
		{"asks to wait", "upstream-busy", answering(http.StatusServiceUnavailable), answering(0)},
		{"is rate limited", "upstream-busy", answering(http.StatusTooManyRequests), answering(0)},
		{"is not there", "upstream-unreachable", func(_ *influxGate, in *peers.Influx) { in.Stop() }, func(_ *influxGate, in *peers.Influx) { in.Start() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := peers.Influxd(t, peers.InfluxOptions{})
			if tc.code != "upstream-missing" {
				in.CreateBucket("cold")
			}
			gate := newInfluxGate(t, in)
			tc.refuse(gate, in)
			r := newRigOn(t, nil)
			to := gate.URL
			if tc.code == "upstream-unreachable" {
				to = in.URL()
			}
			r.start(busy(influxUpstream("hq", to, "")))
			r.shown(tc.code, "upstream/hq")
			r.measuresOn(10, undisturbed)
			if u := r.status().Upstreams[0]; u.Taken != 0 || u.Waiting == 0 {
				t.Errorf("%d records counted as taken, %d wait", u.Taken, u.Waiting)
			}
			tc.correct(gate, in)
			r.gone(tc.code, "upstream/hq")
			r.countsAgree(in)
		})
	}
}

func answering(code int) func(*influxGate, *peers.Influx) {
	return func(g *influxGate, _ *peers.Influx) { g.answers(func(string) int { return code }) }
}

// undisturbed is how long things may take that wait for no sick upstream: more than a slow
// machine needs, and less than the timeout of an upstream.
const undisturbed = 20 * time.Second

// Two upstreams, and something is wrong with one: the other keeps up, measuring goes on, and an
// alarm is announced.
func TestOneUpstreamDoesNotDisturbTheOther(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(t *testing.T) (upstream string)
	}{
		{"nobody there", func(t *testing.T) string {
			return mqttUpstream("bad", fmt.Sprintf("mqtt://127.0.0.1:%d", peers.FreePort(t)), "")
		}},
		{"a black hole", func(t *testing.T) string {
			p := peers.NewProxy(t, peers.StartEmbedded(t, peers.EmbeddedOptions{}).Addr())
			p.Hold()
			return mqttUpstream("bad", "mqtt://"+p.Addr(), "")
		}},
		{"slow", func(t *testing.T) string {
			b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(_, topic string, payload []byte, _ bool) peers.Verdict {
				if carries(topic, payload) {
					<-time.After(500 * time.Millisecond)
				}
				return peers.Take
			}})
			return mqttUpstream("bad", b.URL(), "")
		}},
		{"full", func(t *testing.T) string {
			full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInsufficientStorage) }))
			t.Cleanup(full.Close)
			return influxUpstream("bad", full.URL, "")
		}},
		{"rejects everything", func(t *testing.T) string {
			no := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
			t.Cleanup(no.Close)
			return influxUpstream("bad", no.URL, "")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := peers.StartEmbedded(t, peers.EmbeddedOptions{})
			recv := receiver(t, mqttconn.Options{URL: broker.URL()})
			bad := tc.spoil(t)
			r := newRigOn(t, nil)
			r.start(busy(bad + mqttUpstream("good", broker.URL(), "")))
			r.measured(5)
			for range 3 {
				r.measuresOn(10, undisturbed)
				within(t, undisturbed, "the good one keeps up", func() bool {
					for _, u := range r.status().Upstreams {
						if u.ID == "good" {
							return u.Waiting <= 5
						}
					}
					return false
				})
			}
			r.dial("a").set(9)
			within(t, undisturbed, "announced", func() bool { return len(r.bell.of("warm")) > 0 })
			r.allArrive(recv)
		})
	}
}
