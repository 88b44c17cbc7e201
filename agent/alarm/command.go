package alarm

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Command is what a person does about an alarm.
type Command struct {
	// Do is acknowledged, reset, shelved, unshelved, out-of-service or in-service.
	Do agent.Transition
	// ID is an occurrence's id, or "<alarm>:<point or item>", or an alarm's id alone where it
	// has only one instance to which this can be done.
	ID      string
	By      string // the person's name
	Comment string // why, or what they do about it
	// For is how long to shelve: at least a minute, at most MaxShelf.
	For time.Duration
}

// Errors of Command.
var (
	ErrNobody       = errors.New("an acknowledgement needs a person's name")
	ErrNoComment    = errors.New("an acknowledgement needs a comment")
	ErrNoName       = errors.New("this needs a person's name")
	ErrNoReason     = errors.New("this needs a reason")
	ErrShelfTime    = fmt.Errorf("an alarm is shelved for 1m to %s", Short(MaxShelf))
	ErrUnknown      = errors.New("no such alarm is open")
	ErrNoInstance   = errors.New("there is no such alarm")
	ErrSeveral      = errors.New("several alarms go by this name; give the id of one")
	ErrAcknowledged = errors.New("already acknowledged")
	ErrNotLatched   = errors.New("only a latched alarm can be reset")
	ErrNotAcked     = errors.New("acknowledge it first; a reset needs that somebody knows of it")
	ErrStands       = errors.New("it is so already")
	ErrCommand      = errors.New("nothing that a person does to an alarm")
)

// Command does what a person asks for. On an error nothing has changed but the time.
//
// An alarm that was announced by the message of another one (one cause, one message) is
// acknowledged together with that one.
func (e *Engine) Command(at agent.Instant, c Command) (Output, error) {
	c.By, c.Comment = strings.TrimSpace(c.By), strings.TrimSpace(c.Comment)
	if err := c.check(); err != nil {
		return e.output(), err
	}
	before := e.Step(Input{At: at})
	i, err := e.find(c)
	if err != nil {
		return before, fmt.Errorf("%s: %w", c.ID, err)
	}
	now := e.line.now
	switch c.Do {
	case agent.Acknowledged:
		for _, one := range append([]*instance{i}, e.spokenFor(i, c.ID)...) {
			e.acknowledge(one, c, now)
		}
	case agent.Reset:
		e.reset(i, c, now)
	default:
		e.lay(i, c.Do, &c, now)
	}
	e.settle(now, false)
	out := e.output()
	out.Events = append(before.Events, out.Events...)
	return out, nil
}

func (c *Command) check() error {
	acks := c.Do == agent.Acknowledged
	_, lays := overlays[""][c.Do]
	lays = lays || c.Do == agent.Unshelved || c.Do == agent.InService
	switch {
	case !acks && !lays && c.Do != agent.Reset:
		return fmt.Errorf("%q: %w", c.Do, ErrCommand)
	case c.By == "" && acks:
		return ErrNobody
	case c.By == "":
		return ErrNoName
	case c.Comment == "" && acks:
		return ErrNoComment
	case c.Comment == "":
		return ErrNoReason
	case c.Do == agent.Shelved && (c.For < time.Minute || c.For > MaxShelf):
		return ErrShelfTime
	}
	return nil
}

func (e *Engine) acknowledge(i *instance, c Command, now Line) {
	e.refresh(i, now)
	next, _ := after(i.state, agent.Acknowledged)
	i.state, i.since, i.by, i.why = next, e.line.instant(now), c.By, c.Comment
	i.realarm = 0
	if next == agent.StateAck && i.spec.ReAlarm > 0 {
		i.realarm = now + Millis(i.spec.ReAlarm)
	}
	ev := e.event(i, agent.Acknowledged, now)
	ev.By, ev.Comment = c.By, c.Comment
	e.emit(i.since, ev)
	if next == agent.StateNormal {
		i.close()
	}
	t := e.tick(now)
	t.Acknowledged = true
	for _, w := range i.watches {
		e.step(w, t, nil)
	}
	e.retime(now)
}

func (e *Engine) reset(i *instance, c Command, now Line) {
	e.refresh(i, now)
	i.state, _ = after(i.state, agent.Reset)
	i.since = e.line.instant(now)
	ev := e.event(i, agent.Reset, now)
	ev.By, ev.Comment = c.By, c.Comment
	e.emit(i.since, ev)
	i.close()
}

// can is nil if the command can be done to the instance.
func (c *Command) can(i *instance) error {
	switch c.Do {
	case agent.Acknowledged:
		if !waits(i) {
			return fmt.Errorf("%w by %s", ErrAcknowledged, i.by)
		}
	case agent.Reset:
		if i.state != agent.StateLatched {
			return ErrNotLatched
		}
		if i.by == "" {
			return ErrNotAcked
		}
	default:
		if _, ok := overlays[i.over.State][c.Do]; !ok {
			return ErrStands
		}
	}
	return nil
}

// find is the instance that the command is for, and to which it can be done.
func (e *Engine) find(c Command) (*instance, error) {
	ofOpen := c.Do == agent.Acknowledged || c.Do == agent.Reset
	var found *instance
	var refusal error
	for _, i := range e.instances {
		if ofOpen && (i.state == agent.StateNormal || i.state == agent.StateSuppressed) {
			continue
		}
		if ofOpen && i.cause != "" && string(i.cause) == c.ID && c.can(i) == nil {
			return i, nil // the one that spoke for it has returned already
		}
		if i.id != "" && string(i.id) == c.ID || i.over.ID != "" && string(i.over.ID) == c.ID || i.key == c.ID {
			return i, c.can(i)
		}
		if string(i.spec.ID) != c.ID {
			continue
		}
		err := c.can(i)
		switch {
		case err != nil:
			refusal = fmt.Errorf("%s: %w", i.key, err)
		case found == nil:
			found = i
		case found.cause == "" || found.cause != i.cause || !ofOpen:
			return nil, ErrSeveral
		}
	}
	switch {
	case found != nil:
		return found, nil
	case refusal != nil:
		return nil, refusal
	case ofOpen:
		return nil, ErrUnknown
	}
	return nil, ErrNoInstance
}

// waits reports whether the alarm waits for an acknowledgement.
func waits(i *instance) bool {
	if _, ok := after(i.state, agent.Acknowledged); !ok {
		return false
	}
	return i.state != agent.StateLatched || i.by == ""
}
