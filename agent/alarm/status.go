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
	Items    []agent.ItemID     `json:"items,omitempty"`
	By       string             `json:"by,omitempty"` // who acknowledged it
	Comment  string             `json:"comment,omitempty"`
}

// Active lists the alarms that are not normal, in the order of the config.
func (e *Engine) Active() []Status {
	var all []Status
	for _, i := range e.instances {
		if i.state == agent.StateNormal {
			continue
		}
		e.refresh(i, e.line.now)
		w := i.first()
		f := w.rule.Explain()
		all = append(all, Status{
			ID: i.id, Alarm: i.spec.ID, Kind: i.kind.Name, Severity: i.spec.Severity,
			Zone: i.zone, Point: i.point, Item: i.item, State: i.state,
			Value: f.Value, Limit: f.Limit, Raised: i.raised, Since: i.since, Began: i.began,
			Outside: w.cond.Held.Duration(), Message: e.message(i, f, agent.Raised, e.line.now),
			Items: i.items, By: i.by, Comment: i.why,
		})
	}
	return all
}

// Sounding is the highest severity among the alarms that are there and that nobody has
// acknowledged; empty if there is none. A buzzer follows it.
func (e *Engine) Sounding() agent.Severity {
	var worst agent.Severity
	for _, i := range e.instances {
		if i.state == agent.StateUnack && Rank(i.spec.Severity) > Rank(worst) {
			worst = i.spec.Severity
		}
	}
	return worst
}
