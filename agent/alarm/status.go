package alarm

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Status is an alarm that is not normal.
type Status struct {
	ID       agent.AlarmEventID `json:"id"`
	Alarm    agent.AlarmID      `json:"alarm"`
	Kind     string             `json:"kind"`
	Severity agent.Severity     `json:"severity"`
	Zone     agent.ZoneID       `json:"zone,omitempty"`
	Point    agent.PointID      `json:"point,omitempty"`
	Item     agent.ItemID       `json:"item,omitempty"`
	State    agent.AlarmState   `json:"state"`
	Value    *agent.Value       `json:"v,omitempty"` // newest
	Limit    *agent.Value       `json:"limit,omitempty"`
	Raised   agent.Instant      `json:"-"`
	Since    agent.Instant      `json:"-"`              // of the last transition
	Began    time.Time          `json:"began,omitzero"` // when the first value outside was measured; zero where unknown
	Outside  time.Duration      `json:"-"`              // how much time has counted so far
	Message  string             `json:"message"`
	Texts    map[string]string  `json:"texts,omitempty"` // as of agent.AlarmEvent
	Items    []agent.ItemID     `json:"items,omitempty"`
	By       string             `json:"by,omitempty"` // who acknowledged it
	Comment  string             `json:"comment,omitempty"`
	Until    agent.Instant      `json:"-"`               // of shelved: when that ends by itself
	Cause    agent.AlarmEventID `json:"cause,omitempty"` // of the occurrence whose message spoke for this one too
}

// Active lists the alarms that are not normal, in the order of the config.
func (e *Engine) Active() []Status {
	var all []Status
	for _, i := range e.instances {
		if i.shown() == agent.StateNormal {
			continue
		}
		e.refresh(i, e.line.now)
		w := i.first()
		f := w.rule.Explain()
		one := Status{
			ID: i.id, Alarm: i.spec.ID, Kind: i.kind.Name, Severity: i.spec.Severity,
			Zone: i.zone, Point: i.place(), Item: i.item, State: i.shown(),
			Value: f.Value, Limit: f.Limit, Raised: i.raised, Since: i.since, Began: i.began,
			Outside: w.cond.Held.Duration(),
			Items:   i.items, By: i.by, Comment: i.why, Cause: i.cause,
		}
		one.Message, one.Texts = e.tell(func(s speech) string { return s.standing(i, f) })
		if i.over.State != "" {
			one.By, one.Comment = i.over.By, i.over.Why
			if one.ID == "" {
				one.ID = i.over.ID
			}
			if i.over.Until != 0 {
				one.Until = e.line.instant(i.over.Until)
			}
		}
		all = append(all, one)
	}
	return all
}

// standing says how an alarm that is not normal stands: that it is there, or, while it only
// waits for somebody to acknowledge it, that it returned.
func (s speech) standing(i *instance, f Finding) string {
	line := &s.e.line
	if i.over.State != "" {
		return s.message(i, f, overlaid[i.over.State], line.now)
	}
	if i.state != agent.StateRtnUnack && i.state != agent.StateLatched {
		return s.message(i, f, agent.Raised, line.now)
	}
	returned, rel := line.place(i.since)
	if rel != sameBoot {
		returned = 0 // where on the line is not known
	}
	return s.message(i, f, agent.Cleared, returned)
}

// Sounding is the highest severity among the alarms that are there and that nobody has
// acknowledged; empty if there is none. A buzzer follows it.
func (e *Engine) Sounding() agent.Severity {
	var worst agent.Severity
	for _, i := range e.instances {
		if i.shown() == agent.StateUnack && i.spec.Severity.Rank() > worst.Rank() {
			worst = i.spec.Severity
		}
	}
	return worst
}
