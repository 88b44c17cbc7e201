package webhook_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var host = announce.Host{
	ID:  "hook",
	Log: slog.New(slog.DiscardHandler),
	Secret: func(ref string) (string, error) {
		switch ref {
		case "${env:TOKEN}":
			return "Bearer s3cret", nil
		case "${credential:key}":
			return "SEC0123456789", nil
		}
		return ref, nil
	},
	Zone: time.FixedZone("", 8*3600),
	Now:  func() agent.Instant { return agent.Instant{Wall: time.UnixMilli(1763751605123).UTC()} },
}

func open(t *testing.T, s webhook.Settings) (announce.Output, error) {
	t.Helper()
	c := webhook.Driver.Config().(*webhook.Settings)
	s.Audience, s.Timeout = c.Audience, max(s.Timeout, time.Second)
	if s.Form == "" {
		s.Form = c.Form
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := webhook.Driver.Open(t.Context(), host, &s)
	if err == nil {
		t.Cleanup(func() { o.Close(); o.Close() })
	}
	return o, err
}

func notice() announce.Notice {
	v, limit := 8400*agent.Unit/1000, 8*agent.Unit
	return announce.Notice{
		Site: "s1", Gateway: "gw-01", ZoneName: "Vaccine cold room",
		At: agent.Instant{Wall: time.UnixMilli(1763751600000).UTC(), Trust: agent.ClockSynced},
		Event: &agent.AlarmEvent{
			ID: "cr1-high:cr1-air/temperature:12345678:1", Alarm: "cr1-high", Kind: "limit", Severity: agent.SeverityCritical,
			Zone: "cold-room-1", Point: "cr1-air/temperature", Transition: agent.Raised, State: agent.StateUnack,
			Value: &v, Limit: &limit, Message: "Vaccine cold room temperature 8.4 °C, above 8 °C for 5 min",
		},
	}
}

const golden = `{"site":"s1","gateway":"gw-01","t":1763751600000,"event":"alarm","zone_name":"Vaccine cold room",` +
	`"id":"cr1-high:cr1-air/temperature:12345678:1","alarm":"cr1-high","kind":"limit","severity":"critical",` +
	`"zone":"cold-room-1","point":"cr1-air/temperature","transition":"raised","state":"unack","v":8.4,"limit":8,` +
	`"message":"Vaccine cold room temperature 8.4 °C, above 8 °C for 5 min"}`

func TestPayload(t *testing.T) {
	var body string
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body, header = string(b), r.Header
	}))
	defer srv.Close()
	o, err := open(t, webhook.Settings{URL: srv.URL, Headers: map[string]string{"Authorization": "${env:TOKEN}"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Announce(t.Context(), notice()); err != nil {
		t.Fatal(err)
	}
	if body != golden {
		t.Errorf("got\n%s\nwant\n%s", body, golden)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer s3cret",
		"Idempotency-Key": "cr1-high:cr1-air/temperature:12345678:1/raised",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}

	undated := notice()
	undated.At = agent.Instant{}
	if err := o.Announce(t.Context(), undated); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || got["t"] != nil || !strings.Contains(body, `"t":null`) {
		t.Errorf("undated: %s, %v", body, err)
	}
}

func TestWhatConcernsNobody(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("posted") }))
	defer srv.Close()
	o, err := open(t, webhook.Settings{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	quiet := notice()
	quiet.Event.Severity = agent.SeverityInfo
	for _, n := range []announce.Notice{{}, quiet} {
		if err := o.Announce(t.Context(), n); err != nil {
			t.Error(err)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		code      int
		fails     bool
		permanent bool
	}{
		{200, false, false}, {204, false, false}, {302, true, true}, {400, true, true}, {401, true, true},
		{408, true, false}, {425, true, false}, {429, true, false}, {500, true, false}, {503, true, false},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.code)
		}))
		o, err := open(t, webhook.Settings{URL: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		err = o.Announce(t.Context(), notice())
		if (err != nil) != c.fails || errors.Is(err, announce.ErrPermanent) != c.permanent {
			t.Errorf("%d: %v", c.code, err)
		}
		srv.Close()
	}
}

// TestUnreachable: an error is tried again and does not show the address, which may be secret.
func TestUnreachable(t *testing.T) {
	srv := httptest.NewServer(nil)
	url := srv.URL + "/s3cret-path"
	srv.Close()
	o, err := open(t, webhook.Settings{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	err = o.Announce(t.Context(), notice())
	if err == nil || errors.Is(err, announce.ErrPermanent) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

func TestHangs(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	o, err := open(t, webhook.Settings{URL: srv.URL, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := o.Announce(ctx, notice()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // the refused handshake is wanted
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	trusting, err := open(t, webhook.Settings{URL: srv.URL, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	if err := trusting.Announce(t.Context(), notice()); err != nil {
		t.Error(err)
	}
	strict, err := open(t, webhook.Settings{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := strict.Announce(t.Context(), notice()); err == nil {
		t.Error("an unknown certificate was accepted")
	}
}

func TestBadSettings(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []webhook.Settings{
		{URL: "ftp://example"}, {URL: "https://"}, {URL: "\x00"},
		{URL: "https://example", CA: "/nowhere.pem"}, {URL: "https://example", CA: empty},
	} {
		if _, err := open(t, s); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
	bad := webhook.Settings{Form: "teams", Audience: announce.Audience{Severity: "high", Tell: []agent.Transition{"gone"}, Flood: announce.Flood{Most: -1}}}
	err := bad.Validate()
	for _, want := range []error{
		webhook.ErrURL, webhook.ErrTimeout, webhook.ErrForm, announce.ErrSeverity, announce.ErrTell, announce.ErrFlood,
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
}

// Each person has an own address, or reads with the others at the output's; who was reached is not
// posted to again.
func TestPersons(t *testing.T) {
	var got []string
	fail := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ben" && fail {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var p announce.Payload
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			t.Error(err)
		}
		var names []string
		for _, one := range p.To {
			names = append(names, one.Name)
		}
		got = append(got, r.URL.Path+" "+strings.Join(names, "+")+" "+r.Header.Get("Idempotency-Key"))
	}))
	defer s.Close()
	o, err := open(t, webhook.Settings{URL: s.URL + "/group"})
	if err != nil {
		t.Fatal(err)
	}
	n := notice()
	n.Level = 2
	n.To = []announce.Recipient{
		{ID: "li", Name: "Li", Address: s.URL + "/li"}, {ID: "ann", Name: "Ann"}, {ID: "ben", Name: "Ben", Address: s.URL + "/ben"}, {ID: "cai", Name: "Cai"},
	}
	var left *announce.Remaining
	if err := o.Announce(t.Context(), n); !errors.As(err, &left) || len(left.To) != 1 || left.To[0].ID != "ben" {
		t.Fatalf("%v", err)
	}
	fail, n.To = false, left.To
	if err := o.Announce(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	key := n.Key()
	want := "/li Li " + key + "/li; /group Ann+Cai " + key + "/ann; /ben Ben " + key + "/ben"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("posted %s, want %s", text, want)
	}
	n.To = []announce.Recipient{{ID: "dee", Name: "Dee", Address: "nowhere"}}
	if err := o.Announce(t.Context(), n); !errors.Is(err, webhook.ErrURL) {
		t.Errorf("a bad address: %v", err)
	}
}
