package alarm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/frostline/frostline/agent"
)

// Errors of Acknowledge.
var (
	ErrNobody       = errors.New("an acknowledgement needs a person's name")
	ErrNoComment    = errors.New("an acknowledgement needs a comment")
	ErrUnknown      = errors.New("no such alarm is open")
	ErrSeveral      = errors.New("several alarms go by this name; give the id of one")
	ErrAcknowledged = errors.New("already acknowledged")
)

// Acknowledge is a person's word that they know of an open alarm and what they do about it.
// id is an occurrence's id, or "<alarm>:<point or item>", or an alarm's id alone if only one
// of its instances waits for an acknowledgement. On an error nothing has changed but the time.
func (e *Engine) Acknowledge(at agent.Instant, id, by, comment string) (Output, error) {
	by, comment = strings.TrimSpace(by), strings.TrimSpace(comment)
	if by == "" {
		return Output{}, ErrNobody
	}
	if comment == "" {
		return Output{}, ErrNoComment
	}
	before := e.Step(Input{At: at})
	i, err := e.find(id)
	if err != nil {
		return before, fmt.Errorf("%s: %w", id, err)
	}
	next, ok := after(i.state, agent.Acknowledged)
	if !ok {
		return before, fmt.Errorf("%s: %w by %s", i.id, ErrAcknowledged, i.by)
	}
	now := e.line.now
	e.refresh(i, now)
	i.state, i.since, i.by, i.why = next, e.line.instant(now), by, comment
	ev := e.event(i, agent.Acknowledged, now)
	ev.By, ev.Comment = by, comment
	e.emit(i.since, ev)
	if next == agent.StateNormal {
		i.close()
	}
	t := e.tick(now)
	t.Acknowledged = true
	for _, w := range i.watches {
		e.step(w, t, nil)
	}
	e.settle(now, false)
	out := e.output()
	out.Events = append(before.Events, out.Events...)
	return out, nil
}

// find is the open instance that id names.
func (e *Engine) find(id string) (*instance, error) {
	var found *instance
	for _, i := range e.instances {
		if i.state == agent.StateNormal {
			continue
		}
		if string(i.id) == id || i.key == id {
			return i, nil
		}
		if string(i.spec.ID) != id {
			continue
		}
		switch {
		case found == nil:
			found = i
		case waits(found) && waits(i):
			return nil, ErrSeveral
		case waits(i):
			found = i
		}
	}
	if found == nil {
		return nil, ErrUnknown
	}
	return found, nil
}

func waits(i *instance) bool {
	_, ok := after(i.state, agent.Acknowledged)
	return ok
}
