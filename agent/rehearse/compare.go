package rehearse

import (
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Outcome is a rehearsal with what is needed to hold it against another one.
type Outcome struct {
	Summary     Summary
	Transitions []Transition
}

// Take keeps a transition; it is what Run wants as took.
func (o *Outcome) Take(t *Transition) error {
	o.Transitions = append(o.Transitions, *t)
	return nil
}

// Change is how an alarm differs between two configs.
type Change string

// The changes.
const (
	Same    Change = "same"    // the same transitions at the same times
	Changed Change = "changed" // others
	Added   Change = "added"   // only the other config has the alarm
	Removed Change = "removed" // only the first config has it
)

// Difference is what another config would change about one alarm.
type Difference struct {
	Alarm  agent.AlarmID `json:"alarm"`
	Change Change        `json:"change"`
	Before *AlarmSummary `json:"before"` // nil where the first config does not have it
	After  *AlarmSummary `json:"after"`  // nil where the other does not
	// FirstDifference is the first time at which one of the two had a transition and the
	// other did not; zero where there is none.
	FirstDifference time.Time `json:"first_difference,omitzero"`
}

// Compare holds the outcome of another config against that of a first one, over the same
// rows: all alarms of the first in its order, then those that only the other has.
func Compare(before, after *Outcome) []Difference {
	was, is := before.byAlarm(), after.byAlarm()
	out := []Difference{}
	for i := range before.Summary.Alarms {
		a := &before.Summary.Alarms[i]
		d := Difference{Alarm: a.Alarm, Change: Removed, Before: a, After: after.Summary.alarm(a.Alarm)}
		d.FirstDifference = firstDifference(was[a.Alarm], is[a.Alarm])
		switch {
		case d.After != nil && d.FirstDifference.IsZero():
			d.Change = Same
		case d.After != nil:
			d.Change = Changed
		case a.Default: // it is there and had nothing to say
			d.Change = Changed
		}
		out = append(out, d)
	}
	for i := range after.Summary.Alarms {
		a := &after.Summary.Alarms[i]
		if before.Summary.alarm(a.Alarm) != nil {
			continue
		}
		d := Difference{Alarm: a.Alarm, Change: Added, After: a, FirstDifference: firstDifference(nil, is[a.Alarm])}
		if a.Default {
			d.Change = Changed
		}
		out = append(out, d)
	}
	return out
}

func (s *Summary) alarm(id agent.AlarmID) *AlarmSummary {
	i := slices.IndexFunc(s.Alarms, func(a AlarmSummary) bool { return a.Alarm == id })
	if i < 0 {
		return nil
	}
	return &s.Alarms[i]
}

func (o *Outcome) byAlarm() map[agent.AlarmID][]*Transition {
	all := map[agent.AlarmID][]*Transition{}
	for i := range o.Transitions {
		t := &o.Transitions[i]
		all[t.Alarm] = append(all[t.Alarm], t)
	}
	return all
}

// firstDifference is when two sequences of transitions of one alarm part; zero if they do not.
func firstDifference(a, b []*Transition) time.Time {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return b[i].Time
		case i >= len(b):
			return a[i].Time
		case a[i].Time.Equal(b[i].Time) && a[i].Point == b[i].Point && a[i].Item == b[i].Item && a[i].Transition == b[i].Transition:
			continue
		case b[i].Time.Before(a[i].Time):
			return b[i].Time
		}
		return a[i].Time
	}
	return time.Time{}
}
