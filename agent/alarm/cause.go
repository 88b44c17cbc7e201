package alarm

import (
	"slices"

	"github.com/frostline/frostline/agent"
)

// One cause, one message: when a bus dies, the alarms of all its devices follow within
// moments. The first that is raised speaks for those whose failure has begun by then: its
// message lists them and their points. Each still has its own transitions on record, which
// name the one that spoke for them as their cause and reach nobody. When they return, the last one
// speaks.

// cause is an occurrence that spoke for other alarms too.
type cause struct {
	ID   agent.AlarmEventID `json:"id"`
	At   Line               `json:"at"`
	Keys []string           `json:"keys"` // of the instances, the speaker's first
}

// speak finds who speaks for an alarm that is being raised: an earlier one, or itself for
// those on its bus. One that a person has silenced reaches nobody, so it speaks for itself alone.
func (e *Engine) speak(i *instance, moment Line) {
	i.cause = ""
	if i.kind.Scope != PerSensor || i.bus == "" || i.over.State != "" {
		return
	}
	for _, c := range e.causes {
		// Where it is not known when a failure began, only those of one moment are of one cause.
		if slices.Contains(c.Keys, i.key) && i.start <= c.At && (i.start != 0 || c.At == moment) {
			i.cause = c.ID
			return
		}
	}
	c := cause{ID: i.id, At: moment, Keys: []string{i.key}}
	for _, o := range e.instances {
		if o != i && o.spec == i.spec && o.bus == i.bus && o.cause == "" && o.state == agent.StateNormal && o.over.State == "" && len(e.failing(o, moment)) > 0 {
			c.Keys = append(c.Keys, o.key)
		}
	}
	if len(c.Keys) > 1 {
		e.causes = append(e.causes, c)
		i.cause = i.id
	}
}

// speakAgain finds who speaks for an alarm that asks again: the one that spoke before if it asks
// again too, or else itself for those of its cause that are still there and known of.
func (e *Engine) speakAgain(i *instance, moment Line) {
	if i.cause == "" || slices.ContainsFunc(e.instances, func(o *instance) bool {
		return o != i && o.id == i.cause && o.state == agent.StateUnack && o.over.State == ""
	}) {
		return
	}
	before, c := i.cause, cause{ID: i.id, At: moment, Keys: []string{i.key}}
	for _, o := range e.instances {
		if o != i && o.cause == before && o.state == agent.StateAck && o.active > 0 && o.over.State == "" {
			c.Keys = append(c.Keys, o.key)
			o.cause = i.id
		}
	}
	i.cause = ""
	e.causes = slices.DeleteFunc(e.causes, func(o cause) bool { return o.ID == i.id })
	if len(c.Keys) > 1 {
		e.causes = append(e.causes, c)
		i.cause = i.id
	}
}

// failing are the watches of an instance whose condition is there, as of a moment.
func (e *Engine) failing(i *instance, moment Line) []*watch {
	e.refresh(i, moment)
	return i.affected()
}

// spokenFor lists the alarms, other than i, that wait for an acknowledgement and were
// announced by i's message, or by that of the occurrence with the given id.
func (e *Engine) spokenFor(i *instance, id string) []*instance {
	if i.cause == "" || i.cause != i.id && string(i.cause) != id {
		return nil
	}
	var all []*instance
	for _, o := range e.instances {
		if o != i && o.cause == i.cause && waits(o) {
			all = append(all, o)
		}
	}
	return all
}

// quiet reports whether a transition of an alarm that shares its cause with others is left
// to another one's message.
func (e *Engine) quiet(i *instance, t agent.Transition) bool {
	switch {
	case i.cause == "":
		return false
	case t == agent.Cleared || t == agent.Latched:
		return slices.ContainsFunc(e.instances, func(o *instance) bool {
			return o != i && o.cause == i.cause && o.active > 0 && o.over.State == ""
		})
	case t == agent.Raised || t == agent.ReAlarmed:
		return i.cause != i.id
	}
	return t == agent.Acknowledged && i.cause != i.id
}

// together lists the instances that i speaks for in its message, i itself first; nil if it
// speaks for itself alone.
func (e *Engine) together(i *instance) []*instance {
	var all []*instance
	for _, c := range e.causes {
		if c.ID != i.cause || i.cause == "" {
			continue
		}
		for _, key := range c.Keys {
			if o := e.byKey[key]; o != nil {
				all = append(all, o)
			}
		}
	}
	return all
}

// forget drops causes of which no alarm is open any more.
func (e *Engine) forget() {
	e.causes = slices.DeleteFunc(e.causes, func(c cause) bool {
		return !slices.ContainsFunc(e.instances, func(i *instance) bool { return i.cause == c.ID })
	})
}

// pointsTogether lists the points of all that i speaks for.
func (e *Engine) pointsTogether(i *instance) []agent.PointID {
	var points []agent.PointID
	for _, o := range e.together(i) {
		for _, w := range o.watches {
			points = append(points, w.target.Point.Point)
		}
	}
	return points
}
