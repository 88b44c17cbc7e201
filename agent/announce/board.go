package announce

import (
	"slices"

	"github.com/frostline/frostline/agent"
)

// mostStanding bounds a Board; the least important give way.
const mostStanding = 200

// Board keeps, from the notices that an output is told, which alarms are there: for a display
// or a stack light. The zero value is empty. It is not safe for concurrent use.
type Board struct {
	alarms []Standing
	told   bool // it was told all alarms once, so that late notices are no news
}

// Take brings the board up to a notice.
func (b *Board) Take(n Notice) {
	switch {
	case n.Standing != nil:
		b.told = true
		b.alarms = slices.DeleteFunc(slices.Clone(n.Standing), func(s Standing) bool { return !shown(s.Alarm.State) })
	case n.Event != nil && !(n.Event.Late && b.told):
		b.alarms = slices.DeleteFunc(b.alarms, func(s Standing) bool { return s.Alarm.ID == n.Event.ID })
		if shown(n.Event.State) {
			b.alarms = append(b.alarms, Standing{*n.Event, n.ZoneName})
		}
	}
	// A notice that was lost must not leave an alarm standing for ever.
	b.alarms = slices.DeleteFunc(b.alarms, func(s Standing) bool {
		return s.Alarm.State == agent.StateUnack && s.Alarm.Severity.Rank() > n.Sounding.Rank()
	})
	slices.SortStableFunc(b.alarms, func(x, y Standing) int { return importance(y.Alarm) - importance(x.Alarm) })
	if len(b.alarms) > mostStanding {
		b.alarms = b.alarms[:mostStanding]
	}
}

// Alarms are those that are there or want a person, the most important first, of equals the
// one that was told first. The caller must not change them.
func (b *Board) Alarms() []Standing { return b.alarms }

// Active is the highest severity among the alarms that are there, acknowledged or not; empty
// if there is none.
func (b *Board) Active() agent.Severity {
	var worst agent.Severity
	for _, s := range b.alarms {
		if s.Alarm.State != agent.StateRtnUnack && s.Alarm.Severity.Rank() > worst.Rank() {
			worst = s.Alarm.Severity
		}
	}
	return worst
}

// shown reports whether an alarm in this state wants to be seen by people on the spot.
func shown(s agent.AlarmState) bool {
	switch s {
	case agent.StateUnack, agent.StateAck, agent.StateRtnUnack, agent.StateLatched:
		return true
	}
	return false
}

// importance orders alarms: those that are there and nobody acknowledged first, by severity.
func importance(a agent.AlarmEvent) int {
	weight := 0
	switch a.State {
	case agent.StateUnack:
		weight = 3
	case agent.StateAck:
		weight = 2
	case agent.StateLatched:
		weight = 1
	}
	return 10*weight + a.Severity.Rank()
}
