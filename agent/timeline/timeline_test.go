package timeline_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(boot byte, mono, wall time.Duration, trust agent.ClockTrust) agent.Instant {
	i := agent.Instant{Wall: noon.Add(wall), Mono: mono, Boot: agent.BootID{boot}, Trust: trust}
	if trust == agent.ClockUnset {
		i.Wall = time.Time{}
	}
	return i
}

// TestLine: spans come from the monotonic clock within a boot and from trusted wall clocks across
// boots; what nobody can tell does not move the line.
func TestLine(t *testing.T) {
	var l timeline.Line
	begin, rel := l.Place(at(1, time.Hour, 0, agent.ClockSynced))
	if rel != timeline.FirstEver {
		t.Errorf("first: %d", rel)
	}
	l.Advance(at(1, time.Hour, 0, agent.ClockSynced))
	for _, c := range []struct {
		name string
		at   agent.Instant
		want timeline.Relation
		off  time.Duration
	}{
		{"later", at(1, time.Hour+time.Minute, time.Minute, agent.ClockSynced), timeline.SameBoot, time.Minute},
		{"a step of the wall clock", at(1, time.Hour+2*time.Minute, -5*time.Hour, agent.ClockSynced), timeline.SameBoot, 2 * time.Minute},
		{"earlier", at(1, time.Hour, 0, agent.ClockSynced), timeline.SameBoot, 2 * time.Minute},
		{"rebooted", at(2, time.Second, -4*time.Hour, agent.ClockHeld), timeline.Rebooted, time.Hour + 2*time.Minute},
		{"of the boot before", at(1, 9*time.Hour, 0, agent.ClockSynced), timeline.Bygone, time.Hour + 2*time.Minute},
		{"no clock", at(3, time.Second, 0, agent.ClockUnset), timeline.Lost, time.Hour + 2*time.Minute},
		{"the clock went back", at(4, time.Second, -9*time.Hour, agent.ClockSynced), timeline.Lost, time.Hour + 2*time.Minute},
		{"goes on", at(4, 3*time.Second, 0, agent.ClockSynced), timeline.SameBoot, time.Hour + 2*time.Minute + 2*time.Second},
		{"back in time by years", at(5, 0, -100*365*24*time.Hour, agent.ClockSynced), timeline.Lost, time.Hour + 2*time.Minute + 2*time.Second},
	} {
		if rel := l.Advance(c.at); rel != c.want || (l.Now()-begin).Duration() != c.off {
			t.Errorf("%s: relation %d, want %d; %s, want %s", c.name, rel, c.want, (l.Now() - begin).Duration(), c.off)
		}
		text, err := json.Marshal(l.State())
		if err != nil {
			t.Fatal(err)
		}
		var s timeline.State
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		back, err := s.Restore()
		if err != nil || !reflect.DeepEqual(back, l) {
			t.Errorf("%s: restored %+v, want %+v (%v)", c.name, back, l, err)
		}
	}
}

func TestWallAndMono(t *testing.T) {
	var l timeline.Line
	l.Advance(at(1, time.Hour, 0, agent.ClockSynced))
	if w := l.Wall(l.Now() - timeline.Span(time.Minute)); !w.Equal(noon.Add(-time.Minute)) {
		t.Errorf("a minute before is %s", w)
	}
	if m := l.Mono(l.Now() + timeline.Span(time.Minute)); m != time.Hour+time.Minute {
		t.Errorf("a minute later is %s of the boot", m)
	}
	l.Advance(at(1, 2*time.Hour, 0, agent.ClockUnset))
	if w := l.Wall(l.Now()); !w.IsZero() {
		t.Errorf("an unset clock says %s", w)
	}
	if timeline.Span(time.Millisecond+1) != 2 || timeline.Span(1500*time.Millisecond).Seconds() != 1 {
		t.Error("spans round up, seconds down")
	}
}

func TestBadStates(t *testing.T) {
	for _, bad := range []string{`{"now":5}`, `{"now":0,"last":{"mono":1,"boot":"12345678-0100-0000-0000-000000000000","trust":"held"}}`} {
		var s timeline.State
		if err := json.Unmarshal([]byte(bad), &s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Restore(); !errors.Is(err, timeline.ErrMoment) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{`{"now":-1}`, `{"now":9e18}`, `{"now":9999999999999}`, `{"now":"x"}`} {
		var s timeline.State
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s: taken", bad)
		}
	}
}
