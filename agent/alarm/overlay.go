package alarm

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// MaxShelf is the longest time for which an alarm can be shelved: shelving bridges a shift,
// it does not switch an alarm off. That is what out of service is for.
const MaxShelf = 24 * time.Hour

// overlay is what a person laid over an alarm: below it the alarm goes on, and its
// transitions are recorded, but it shows the overlay's state and reaches nobody.
type overlay struct {
	State agent.AlarmState   `json:"state"`           // shelved or out-of-service
	ID    agent.AlarmEventID `json:"id"`              // of both its ends, where no occurrence was open
	Until Line               `json:"until,omitempty"` // of shelved
	By    string             `json:"by"`
	Why   string             `json:"why"`
}

// overlays say what can be laid over what; "" is no overlay.
var overlays = map[agent.AlarmState]map[agent.Transition]agent.AlarmState{
	"": {
		agent.Shelved:      agent.StateShelved,
		agent.OutOfService: agent.StateOutOfService,
	},
	agent.StateShelved: {
		agent.Shelved:      agent.StateShelved, // for another time, from now on
		agent.Unshelved:    "",
		agent.OutOfService: agent.StateOutOfService,
	},
	agent.StateOutOfService: {
		agent.InService: "",
	},
}

// shown is the alarm's state as people see it.
func (i *instance) shown() agent.AlarmState {
	if i.over.State != "" {
		return i.over.State
	}
	return i.state
}

// lay changes what lies over an alarm and says so. c is nil where its time is up.
func (e *Engine) lay(i *instance, t agent.Transition, c *Command, moment Line) {
	e.refresh(i, moment)
	at := e.line.instant(moment)
	was := i.over
	i.over = overlay{State: overlays[was.State][t], ID: was.ID}
	if i.over.State != "" && i.over.ID == "" {
		i.over.ID = e.nextID(i, at)
	}
	if c != nil && i.over.State != "" {
		i.over.By, i.over.Why = c.By, c.Comment
		if t == agent.Shelved {
			i.over.Until = moment + Millis(c.For)
		}
	}
	ev := e.event(i, t, moment)
	if i.over.State == "" {
		i.over = overlay{}
	}
	if ev.ID == "" {
		ev.ID = was.ID
		if ev.ID == "" {
			ev.ID = i.over.ID
		}
	}
	if c != nil {
		ev.By, ev.Comment = c.By, c.Comment
		ev.ForS = int64(c.For / time.Second)
	}
	i.since = at
	e.emit(at, ev)
	e.retime(moment)
}
