package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

const store1 = `
zones: [{id: cold-room-1, name: Vaccine cold room}, {id: dock}]
sensors: [{id: a, driver: dial, name: a, every: 10s, zone: cold-room-1}]
scanners:
  - {id: in, driver: gun, name: in, zone: cold-room-1, direction: in}
  - {id: out, driver: gun, name: out, zone: cold-room-1, direction: out}
  - {id: count, driver: gun, name: count, zone: cold-room-1, direction: count}
  - {id: look, driver: gun, name: look, zone: dock}
alarms:
  - {id: warm, point: a/temperature, above: 8, severity: critical}
  - {id: few, kind: below-minimum}
  - {id: none, kind: out-of-stock}
  - {id: stranger, kind: unknown-code}
stock:
  items:
    - {id: vaccine, name: Vaccine A, codes: ["V1"], minimum: 2, zone: cold-room-1}
    - {id: insulin, name: Insulin B, codes: ["I*"], zone: cold-room-1}
outputs: [{id: bell, driver: bell}]
`

// scan has a reader see codes, far enough apart to be a package each.
func (r *rig) scan(reader agent.ReaderID, codes ...string) {
	r.t.Helper()
	for _, code := range codes {
		r.fake.Advance(4 * time.Second)
		before := r.agent.recorder.counts().Scans
		r.gun(reader).codes <- code
		eventually(r.t, "the scan is recorded", func() bool { return r.agent.recorder.counts().Scans > before })
	}
}

func (r *rig) balance(item agent.ItemID) int64 {
	for _, l := range r.status().Stock {
		if l.Item == item {
			return l.Balance
		}
	}
	return -1
}

// Scans become movements, movements balances, and balances alarms in the same engine; an
// excursion's alarm names what is in its zone. All of it survives a restart.
func TestStockFromScans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(store1)
	r.measured(1)
	standing := func() string {
		var all []string
		for _, a := range r.status().Alarms {
			if a.State == agent.StateUnack || a.State == agent.StateAck {
				all = append(all, fmt.Sprintf("%s:%s", a.Alarm, a.Item))
			}
		}
		return strings.Join(all, " ")
	}
	for _, step := range []struct {
		reader  agent.ReaderID
		codes   []string
		vaccine int64
		insulin int64
		has     string // an alarm that stands then
		hasNot  string
	}{
		{"in", []string{"V1", "V1", "V1", "I77"}, 3, 1, "", "few:vaccine"},
		{"look", []string{"V1"}, 3, 1, "", "few:vaccine"}, // moves nothing
		{"out", []string{"V1", "V1"}, 1, 1, "few:vaccine", "none:vaccine"},
		{"out", []string{"V1"}, 0, 1, "none:vaccine", ""},
		{"count", []string{"I1", "I2"}, 0, 2, "none:vaccine", ""},
		{"in", []string{"V1", "V1"}, 2, 2, "", "few:vaccine"},
	} {
		r.scan(step.reader, step.codes...)
		if v, i := r.balance("vaccine"), r.balance("insulin"); v != step.vaccine || i != step.insulin {
			t.Errorf("after %s %v: vaccine %d, insulin %d; want %d and %d", step.reader, step.codes, v, i, step.vaccine, step.insulin)
		}
		got := standing()
		if step.has != "" && !strings.Contains(got, step.has) {
			t.Errorf("after %s %v: alarms %q, want %s", step.reader, step.codes, got, step.has)
		}
		if step.hasNot != "" && strings.Contains(got, step.hasNot) {
			t.Errorf("after %s %v: alarms %q", step.reader, step.codes, got)
		}
	}
	r.scan("in", "X9")
	eventually(t, "unknown code", func() bool { return len(r.bell.of("stranger")) == 1 })

	r.dial("a").set(9)
	r.tick(10*time.Second, 1)
	eventually(t, "warm", func() bool { return len(r.bell.of("warm")) == 1 })
	if items := r.bell.of("warm")[0].Event.Items; fmt.Sprint(items) != "[insulin vaccine]" && fmt.Sprint(items) != "[vaccine insulin]" {
		t.Errorf("the excursion names %v", items)
	}
	moves := r.records(agent.KindStock)
	if len(moves) != 11 {
		t.Errorf("%d movements are recorded, want 11", len(moves))
	}
	for i := range moves {
		if m := moves[i].Event.Stock; m.Balance < 0 || m.Reader == "" || m.Code == "" || m.Zone != "cold-room-1" {
			t.Errorf("movement %+v", m)
		}
	}
	if n := len(r.records(agent.KindScans)); n != 13 {
		t.Errorf("%d scans are recorded, want 13", n)
	}
	r.stop()
	r.start(store1)
	r.measured(1)
	if v, i := r.balance("vaccine"), r.balance("insulin"); v != 2 || i != 2 {
		t.Errorf("after a restart: vaccine %d, insulin %d", v, i)
	}
}
