package announce_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

func stands(id string, severity agent.Severity, state agent.AlarmState) agent.AlarmEvent {
	return agent.AlarmEvent{ID: agent.AlarmEventID(id), Severity: severity, State: state}
}

func TestBoard(t *testing.T) {
	const critical, warning, info = agent.SeverityCritical, agent.SeverityWarning, agent.SeverityInfo
	var b announce.Board
	for _, c := range []struct {
		event    agent.AlarmEvent
		sounding agent.Severity
		want     string
		active   agent.Severity
	}{
		{stands("a", warning, agent.StateUnack), warning, "a", warning},
		{stands("b", critical, agent.StateUnack), critical, "b a", critical},
		{stands("c", critical, agent.StateUnack), critical, "b c a", critical},
		{stands("b", critical, agent.StateAck), critical, "c a b", critical},
		{stands("c", critical, agent.StateRtnUnack), warning, "a b c", critical},
		{stands("b", critical, agent.StateNormal), warning, "a c", warning},
		{stands("d", info, agent.StateLatched), warning, "a d c", warning},
		{stands("a", warning, agent.StateShelved), "", "d c", info},
		{stands("a", warning, agent.StateUnack), warning, "a d c", warning},
		// A clear that was lost: what sounds says that a warning cannot be there.
		{stands("d", info, agent.StateNormal), "", "c", ""},
		{stands("e", info, agent.StateSuppressed), "", "c", ""},
		{stands("c", critical, agent.StateNormal), "", "", ""},
	} {
		b.Take(announce.Notice{Event: &c.event, Sounding: c.sounding})
		var got []string
		for _, s := range b.Alarms() {
			got = append(got, string(s.Alarm.ID))
		}
		if strings.Join(got, " ") != c.want || b.Active() != c.active {
			t.Errorf("after %s %s: %v, active %q; want %s, %q", c.event.ID, c.event.State, got, b.Active(), c.want, c.active)
		}
	}
	b.Take(announce.Notice{Sounding: critical, Standing: []announce.Standing{
		{Alarm: stands("x", info, agent.StateAck)}, {Alarm: stands("y", critical, agent.StateUnack), ZoneName: "Dock"}, {Alarm: stands("z", info, agent.StateShelved)},
	}})
	if a := b.Alarms(); len(a) != 2 || a[0].Alarm.ID != "y" || a[0].ZoneName != "Dock" {
		t.Errorf("%+v", a)
	}
	late := stands("x", info, agent.StateNormal)
	late.Late = true
	b.Take(announce.Notice{Sounding: critical, Event: &late})
	if len(b.Alarms()) != 2 {
		t.Error("a late notice changed what is known")
	}
	b.Take(announce.Notice{Standing: []announce.Standing{}})
	if len(b.Alarms()) != 0 {
		t.Errorf("%+v", b.Alarms())
	}
}

func TestBoardIsBounded(t *testing.T) {
	var b announce.Board
	for i := range 300 {
		ev := stands(fmt.Sprint(i), agent.SeverityWarning, agent.StateUnack)
		b.Take(announce.Notice{Event: &ev, Sounding: agent.SeverityWarning})
	}
	if n := len(b.Alarms()); n != 200 {
		t.Errorf("%d alarms", n)
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		s    string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "…"}, {"abcdef", 5, "ab…"}, {"冷库", 6, "冷库"}, {"冷库冷", 8, "冷…"}, {"冷库冷", 6, "冷…"}} {
		if got := announce.Clip(c.s, c.most); got != c.want || len(got) > c.most {
			t.Errorf("%q to %d: %q", c.s, c.most, got)
		}
	}
}
