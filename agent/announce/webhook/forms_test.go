package webhook_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/webhook"
)

var update = flag.Bool("update", false, "rewrite the golden requests")

// far is a service that notes requests and gives one answer.
type far struct {
	requests []string
	bodies   []string
	answer   string
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "User-Agent" && name != "Accept-Encoding" {
			fmt.Fprintf(&b, "%s: %s\n", name, r.Header.Get(name))
		}
	}
	f.requests = append(f.requests, b.String()+"\n"+string(body)+"\n")
	f.bodies = append(f.bodies, string(body))
	_, _ = io.WriteString(w, f.answer) // a client that is gone has its own error
}

const taken = `{"errcode":0,"errmsg":"ok","code":0,"msg":"success","id":"hwQ2YpKdmg","time":1}`

func flood() announce.Notice {
	n := notice()
	n.Event = nil
	n.Summary = &announce.Summary{
		Since: time.UnixMilli(1763751000000).In(host.Zone), Other: 4, Key: "cr1-high:cr1-air/temperature:12345678:1/raised/flood",
		Raised: map[agent.Severity]int{agent.SeverityWarning: 20, agent.SeverityCritical: 3},
		Zones:  map[string]int{"Vaccine cold room": 20, "Dock": 3},
	}
	return n
}

// TestForms: each form sends exactly the request that its service documents. The signatures in
// the goldens are what OpenSSL computes too; new ones must be compared again, as in
//
//	printf %s "$timestamp.$body" | openssl dgst -sha256 -hmac SEC0123456789
func TestForms(t *testing.T) {
	cleared := notice()
	cleared.Event.Transition, cleared.Event.State, cleared.Event.Severity = agent.Cleared, agent.StateRtnUnack, agent.SeverityWarning
	cleared.Event.Message = `冷库 temperature 7.2 °C, returned <after> "12 min" & more`
	cleared.ZoneName = "冷库"
	for _, form := range []webhook.Form{webhook.Plain, webhook.Slack, webhook.WeCom, webhook.DingTalk, webhook.Feishu, webhook.Ntfy} {
		f := &far{answer: taken}
		if form == webhook.Slack {
			f.answer = "ok"
		}
		srv := httptest.NewServer(f)
		s := webhook.Settings{URL: srv.URL + "/hook?access_token=abc", Form: form}
		if form == webhook.Plain || form == webhook.DingTalk || form == webhook.Feishu {
			s.Key = "${credential:key}"
		}
		o, err := open(t, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []announce.Notice{notice(), cleared, flood()} {
			if err := o.Announce(t.Context(), n); err != nil {
				t.Errorf("%s: %v", form, err)
			}
		}
		srv.Close()
		golden := filepath.Join("testdata", string(form)+".golden")
		got := strings.Join(f.requests, "----\n")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", form, err, got, want)
		}
	}
}

// TestUnsigned: without a key nothing is signed, and no clock is needed.
func TestUnsigned(t *testing.T) {
	for _, form := range []webhook.Form{webhook.Plain, webhook.DingTalk, webhook.Feishu} {
		f := &far{answer: taken}
		srv := httptest.NewServer(f)
		s := webhook.Driver.Config().(*webhook.Settings)
		s.URL, s.Form = srv.URL, form
		h := host
		h.Now = nil
		o, err := webhook.Driver.Open(t.Context(), h, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Announce(t.Context(), notice()); err != nil {
			t.Error(err)
		}
		if text := strings.Join(f.requests, ""); strings.Contains(text, "sign") || strings.Contains(text, "Signature") {
			t.Errorf("%s: %s", form, text)
		}
		o.Close()
		srv.Close()
	}
}

// TestClockUnset: a signature with no time would be refused: it is tried again when the clock is set.
func TestClockUnset(t *testing.T) {
	s := webhook.Driver.Config().(*webhook.Settings)
	s.URL, s.Key = "http://127.0.0.1:1", "k"
	h := host
	h.Now = func() agent.Instant { return agent.Instant{} }
	o, err := webhook.Driver.Open(t.Context(), h, s)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := o.Announce(t.Context(), notice()); !errors.Is(err, webhook.ErrClock) || errors.Is(err, announce.ErrPermanent) {
		t.Errorf("%v", err)
	}
}

// TestAnswersInTheBody: 200 does not mean taken.
func TestAnswersInTheBody(t *testing.T) {
	portal := "<html>Please log in to the hotel's network</html>"
	for _, c := range []struct {
		form   webhook.Form
		answer string
		want   string // taken, again, never
	}{
		{webhook.Plain, "", "taken"}, {webhook.Plain, portal, "taken"},
		{webhook.Slack, "ok", "taken"}, {webhook.Slack, portal, "again"},
		{webhook.Ntfy, `{"id":"x"}`, "taken"}, {webhook.Ntfy, portal, "again"}, {webhook.Ntfy, `{}`, "again"},
		{webhook.WeCom, `{"errcode":0,"errmsg":"ok"}`, "taken"},
		{webhook.WeCom, `{"errcode":93000,"errmsg":"invalid webhook url"}`, "never"},
		{webhook.WeCom, `{"errcode":45009,"errmsg":"api freq out of limit"}`, "again"},
		{webhook.WeCom, portal, "again"}, {webhook.WeCom, `{}`, "again"}, {webhook.WeCom, `null`, "again"}, {webhook.WeCom, ``, "again"},
		{webhook.DingTalk, `{"errcode":0,"errmsg":"ok"}`, "taken"},
		{webhook.DingTalk, `{"errcode":310000,"errmsg":"keywords not in content, more: [https://example/sign]"}`, "never"},
		{webhook.DingTalk, `{"errcode":310000,"errmsg":"invalid timestamp"}`, "again"},
		{webhook.DingTalk, `{"errcode":310000,"errmsg":"sign not match"}`, "again"},
		{webhook.DingTalk, `{"errcode":130101,"errmsg":"send too fast"}`, "again"},
		{webhook.Feishu, `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`, "taken"},
		{webhook.Feishu, `{"StatusCode":0,"StatusMessage":"success"}`, "taken"},
		{webhook.Feishu, `{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`, "again"},
		{webhook.Feishu, `{"code":11232,"msg":"frequency limited"}`, "again"},
		{webhook.Feishu, `{"code":19024,"msg":"Key Words Not Found"}`, "never"},
		{webhook.Feishu, `{"StatusCode":19001,"StatusMessage":"token"}`, "never"},
		{webhook.Feishu, `{"StatusCode":19001,"code":0}`, "never"},
	} {
		srv := httptest.NewServer(&far{answer: c.answer})
		o, err := open(t, webhook.Settings{URL: srv.URL, Form: c.form})
		if err != nil {
			t.Fatal(err)
		}
		got := "taken"
		switch err := o.Announce(t.Context(), notice()); {
		case errors.Is(err, announce.ErrPermanent):
			got = "never"
		case err != nil:
			got = "again"
		}
		if got != c.want {
			t.Errorf("%s answered %s: %s, want %s", c.form, c.answer, got, c.want)
		}
		srv.Close()
	}
}

// TestLong: a message is cut at the service's limit, between characters.
func TestLong(t *testing.T) {
	f := &far{answer: taken}
	srv := httptest.NewServer(f)
	defer srv.Close()
	o, err := open(t, webhook.Settings{URL: srv.URL, Form: webhook.WeCom})
	if err != nil {
		t.Fatal(err)
	}
	n := notice()
	n.Event.Message = strings.Repeat("疫", 5000)
	if err := o.Announce(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(strings.TrimPrefix(f.bodies[0], `{"msgtype":"text","text":{"content":"`), `"}}`)
	if len(text) > 2048+10 || len(text) < 2000 || !utf8.ValidString(text) || !strings.HasSuffix(text, "…") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestKeyWithoutASignature(t *testing.T) {
	s := webhook.Driver.Config().(*webhook.Settings)
	s.URL, s.Form, s.Key = "https://hooks.example/x", webhook.Slack, "k"
	if err := s.Validate(); !errors.Is(err, webhook.ErrKey) {
		t.Errorf("%v", err)
	}
}
