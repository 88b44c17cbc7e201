package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/control"
)

// inbox is what persons' webhooks took: "person transition level", with late and drill.
type inbox struct {
	mu  sync.Mutex
	got []string
}

func (b *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var p announce.Payload
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	line := fmt.Sprintf("%s %s %d", strings.TrimPrefix(r.URL.Path, "/"), p.Transition, p.Level)
	switch {
	case err != nil:
		line = err.Error()
	case p.Late:
		line += " late"
	case p.Drill:
		line += " drill"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, line)
}

func (b *inbox) has(line string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.got, line)
}

func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.got)
}

// climbing is a room with a bell at once, two keepers after 10 min and the region after 30.
func climbing(t *testing.T) (*rig, *inbox, string) {
	t.Helper()
	box := &inbox{}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	r := newRig(t)
	return r, box, strings.ReplaceAll(`
zones: [{id: cold}, {id: dock}]
sensors:
  - {id: a, driver: dial, name: a, every: 10s, zone: cold}
  - {id: b, driver: dial, name: b, every: 10s, zone: dock}
scanners: [{id: gate, driver: gun, name: gate, zone: cold, direction: in}]
alarms:
  - {id: warm, quantity: temperature, above: 8, severity: critical}
  - {id: stranger, kind: unknown-code}
outputs:
  - {id: bell, driver: bell}
  - {id: hook, driver: webhook, url: URL/all}
people:
  - {id: li, name: Li Wei, roles: [keeper], chat: {output: hook, address: URL/li}, badge: 04A2B3}
  - {id: ann, name: Ann Bauer, roles: [keeper], chat: {output: hook, address: URL/ann}}
  - {id: ben, name: Ben Okoro, roles: [region], chat: {output: hook, address: URL/ben}}
escalation:
  levels:
    - {to: [bell]}
    - {after: 10m, to: [keeper]}
    - {after: 30m, to: [region], advice: Call the keeper}
`, "URL", server.URL)
}

func (r *rig) hears(box *inbox, lines ...string) {
	r.t.Helper()
	for _, line := range lines {
		eventually(r.t, line, func() bool { return box.has(line) })
	}
}

func TestLevelsReachPersons(t *testing.T) {
	t.Parallel()
	r, box, text := climbing(t)
	r.start(text)
	r.measured(2)
	r.dial("a").set(9)
	r.tick(10*time.Second, 2)
	eventually(t, "the bell", func() bool { return len(r.bell.of("warm")) == 1 })
	if n := r.bell.of("warm")[0]; n.Level != 1 || n.Sounding != agent.SeverityCritical {
		t.Errorf("the bell was told %+v", n.Notice)
	}
	r.hears(box, "all raised 0") // no level names it: it is told at once
	for range 60 {
		r.tick(10*time.Second, 2)
	}
	r.hears(box, "li raised 2", "ann raised 2")
	if box.has("ben raised 3") {
		t.Error("the region was told with the keepers")
	}
	if err := r.client().Post(t.Context(), "ack", control.AckRequest{ID: "all", By: "Li Wei", Comment: "seen"}, new(control.AckReply)); err != nil {
		t.Fatal(err)
	}
	r.hears(box, "li acknowledged 2", "ann acknowledged 2", "all acknowledged 0")
	eventually(t, "the bell falls silent", func() bool {
		heard := r.bell.of("warm")
		return heard[len(heard)-1].Sounding == ""
	})
	for range 180 {
		r.tick(10*time.Second, 2)
	}
	r.durable()
	if box.has("ben raised 3") {
		t.Error("an acknowledged alarm climbed")
	}
	if got := changes(r.records(), "escalation"); len(got) != 4 || !strings.Contains(got[1], "told Li Wei, Ann Bauer after 10m") {
		t.Errorf("on record are %q", got)
	}
}

// changes lists the details of what is on record of a subject.
func changes(records []agent.Record, subject string) []string {
	var all []string
	for i := range records {
		if e := records[i].Event; records[i].Type == agent.TypeEvent && e.Change != nil && e.Change.Subject == subject {
			all = append(all, e.Change.State+" "+e.Change.Detail)
		}
	}
	return all
}

// A level that came due while the power was off goes out at the start, marked late; those who
// were told are not told again.
func TestLevelsAfterAPowerCut(t *testing.T) {
	t.Parallel()
	r, box, text := climbing(t)
	r.start(text)
	r.measured(2)
	r.dial("a").set(9)
	r.tick(10*time.Second, 2)
	for range 60 {
		r.tick(10*time.Second, 2)
	}
	r.hears(box, "li raised 2", "ann raised 2")
	r.durable()
	r.stop()
	wall := r.fake.Now().Wall.Add(time.Hour)
	r.fake.Reboot() // without a clock: nobody knows for how long
	before := box.count()
	r.start(text)
	r.measured(2)
	if box.has("ben raised 3 late") {
		t.Error("the region was told while nobody knew the time")
	}
	r.fake.step(wall, agent.ClockSynced)
	eventually(t, "the region", func() bool {
		r.fake.Advance(10 * time.Second)
		return box.has("ben raised 3 late")
	})
	r.durable()
	box.mu.Lock()
	defer box.mu.Unlock()
	for _, line := range box.got[before:] {
		if line != "ben raised 3 late" {
			t.Errorf("after the cut: %s", line)
		}
	}
}

// A badge acknowledges by name what sounds at the reader, moves no stock and is no stranger.
func TestBadge(t *testing.T) {
	t.Parallel()
	r, _, text := climbing(t)
	r.start(text)
	r.measured(2)
	r.dial("a").set(9)
	r.dial("b").set(9)
	r.tick(10*time.Second, 2)
	eventually(t, "both alarms", func() bool { return len(r.status().Alarms) == 2 })
	r.scan("gate", "04a2b3")
	eventually(t, "one is acknowledged", func() bool { return len(r.agent.recorder.unacknowledged()) == 1 })
	for _, a := range r.status().Alarms {
		if a.Zone == "cold" && (a.By != "Li Wei" || a.Comment != "badge at gate") || a.Zone == "dock" && a.State != agent.StateUnack || a.Alarm == "stranger" {
			t.Errorf("%+v", a)
		}
	}
	r.durable()
	r.stop()
	r.start(text)
	if n := len(r.status().Alarms); n != 2 {
		t.Errorf("%d alarms after a restart", n)
	}
}

func TestMuteButton(t *testing.T) {
	t.Parallel()
	r, _, text := climbing(t)
	text = strings.Replace(text, "sensors:\n", "sensors:\n  - {id: button, driver: lever, name: button, every: 10s}\n", 1)
	r.start(text + "\nmute: {point: button/contact, for: 5m}\n")
	r.measured(3)
	r.dial("button").set(1)
	r.tick(10*time.Second, 3)
	r.tick(10*time.Second, 3)
	eventually(t, "the bell is silenced once", func() bool { return r.bell.silenced() == 5*time.Minute })
	if got := changes(r.records(), "mute"); len(got) != 1 || got[0] != "muted by button/contact for 5m" {
		t.Errorf("on record are %q", got)
	}
}

func TestDrill(t *testing.T) {
	t.Parallel()
	r, box, text := climbing(t)
	r.start(text)
	r.measured(2)
	c := r.client()
	var d control.Drill
	if err := c.Post(t.Context(), "drill", control.DrillStart{By: "Ada"}, &d); !errors.Is(err, control.ErrUsage) {
		t.Errorf("a drill without end: %v", err)
	}
	if err := c.Post(t.Context(), "drill/answer", control.DrillAnswer{By: "Li Wei"}, &d); !errors.Is(err, control.ErrUsage) {
		t.Errorf("an answer to nothing: %v", err)
	}
	if err := c.Post(t.Context(), "drill", control.DrillStart{By: "Ada", WaitS: 600}, &d); err != nil || len(d.Persons) != 3 || !d.Running {
		t.Fatalf("%+v, %v", d, err)
	}
	r.hears(box, "li raised 1 drill", "ann raised 1 drill", "ben raised 1 drill", "all raised 1 drill")
	eventually(t, "the bell", func() bool { return len(r.bell.of("drill")) == 1 })
	if n := r.bell.of("drill")[0]; n.Sounding != agent.SeverityCritical || !strings.HasPrefix(n.Text(agent.Voice{}), "DRILL") {
		t.Errorf("the bell was told %+v", n.Notice)
	}
	if err := c.Post(t.Context(), "drill", control.DrillStart{By: "Ben", WaitS: 600}, &d); err == nil {
		t.Error("two drills at once")
	}
	r.fake.Advance(3 * time.Second)
	r.scan("gate", "04A2B3")
	if err := c.Post(t.Context(), "ack", control.AckRequest{ID: "drill", By: "ann bauer", Comment: "here"}, new(control.AckReply)); err != nil {
		t.Fatal(err)
	}
	if err := c.Post(t.Context(), "drill/answer", control.DrillAnswer{By: "ben"}, &d); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all answers", func() bool { return c.Get(t.Context(), "drill", &d) == nil && d.All() })
	var how []string
	for _, p := range d.Persons {
		how = append(how, p.Name+": "+p.How)
		if *p.AfterS < 3 {
			t.Errorf("%s answered after %v s", p.Name, *p.AfterS)
		}
	}
	if want := []string{"Li Wei: badge at gate", "Ann Bauer: command", "Ben Okoro: reply"}; !slices.Equal(how, want) {
		t.Errorf("answers are %q, want %q", how, want)
	}
	if err := c.Post(t.Context(), "drill/end", control.ByRequest{By: "Ada"}, &d); err != nil || d.Running {
		t.Fatalf("%+v, %v", d, err)
	}
	eventually(t, "the bell falls silent", func() bool {
		heard := r.bell.of("drill")
		return len(heard) == 2 && heard[1].Sounding == ""
	})
	eventually(t, "the record", func() bool { return len(changes(r.records(), "drill")) == 1 })
	if got := changes(r.records(), "drill"); !strings.HasSuffix(got[0], "3 of 3 persons answered") || len(r.status().Alarms) != 0 {
		t.Errorf("on record are %q, alarms %v", got, r.status().Alarms)
	}
}
