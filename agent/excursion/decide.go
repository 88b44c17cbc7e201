package excursion

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
)

// Person is who does something, with the roles that the config gives them.
type Person struct {
	Name  string
	UID   int // of the peer on the control socket
	Roles []string
}

// Errors of Name, Evaluate and Dispose.
var (
	ErrNobody       = errors.New("this needs a person's name")
	ErrRole         = errors.New("this needs a person with the role quality")
	ErrUnknown      = errors.New("no such case is open")
	ErrSeveral      = errors.New("several cases are open there; give the id of one")
	ErrNoText       = errors.New("an evaluation needs a text")
	ErrText         = errors.New("longer than 4000 bytes")
	ErrNoCause      = errors.New("a cause needs a word of its own: letters a to z, digits and '-'")
	ErrDisposition  = errors.New("not a disposition: want release, use-first or reject")
	ErrNotEvaluated = errors.New("not evaluated yet: what becomes of the goods is decided after that")
	ErrStillOut     = errors.New("still out of range: until it has ended, goods can only be rejected")
	ErrDisposed     = errors.New("already decided")
)

const maxText = 4000

// Name is a person's word on why it happened. id is a case's id, or its zone if only one case
// is open there; so in the methods below. On an error nothing has changed but the time.
func (e *Engine) Name(at agent.Instant, id string, why agent.ExcursionCause, who Person, comment string) (Output, error) {
	before, c, err := e.begin(at, id, &who, &comment)
	switch {
	case err != nil:
		return before, err
	case agent.CheckID(string(why)) != nil:
		return before, fmt.Errorf("%q: %w", why, ErrNoCause)
	}
	c.Cause, c.CauseBy = why, who.Name
	return e.told(before, c, agent.CaseCaused, who, comment), nil
}

// Evaluate is the word of a person with the role quality on what the excursion did to the goods.
// A later one stands in place of an earlier one; the record keeps both.
func (e *Engine) Evaluate(at agent.Instant, id, text string, who Person) (Output, error) {
	before, c, err := e.begin(at, id, &who, &text)
	switch {
	case err != nil:
		return before, err
	case !slices.Contains(who.Roles, agent.RoleQuality):
		return before, fmt.Errorf("%s: %w", who.Name, ErrRole)
	case text == "":
		return before, ErrNoText
	case c.Disposition != "":
		return before, fmt.Errorf("%s: %w: %s", c.ID, ErrDisposed, c.Disposition)
	}
	c.Evaluation = text
	return e.told(before, c, agent.CaseEvaluated, who, ""), nil
}

// Dispose is the decision of a person with the role quality about the goods. A case that has ended
// is closed by it. Rejecting goes while it is still out; the case then closes when it ends.
func (e *Engine) Dispose(at agent.Instant, id string, d agent.Disposition, who Person, comment string) (Output, error) {
	before, c, err := e.begin(at, id, &who, &comment)
	switch {
	case err != nil:
		return before, err
	case !slices.Contains(who.Roles, agent.RoleQuality):
		return before, fmt.Errorf("%s: %w", who.Name, ErrRole)
	case !slices.Contains(agent.Dispositions(), d):
		return before, fmt.Errorf("%q: %w", d, ErrDisposition)
	case c.Disposition != "":
		return before, fmt.Errorf("%s: %w: %s", c.ID, ErrDisposed, c.Disposition)
	case c.Evaluation == "":
		return before, fmt.Errorf("%s: %w", c.ID, ErrNotEvaluated)
	case c.State == agent.ExcursionOut && d != agent.DispositionReject:
		return before, fmt.Errorf("%s: %w", c.ID, ErrStillOut)
	}
	c.Disposition = d
	return e.told(before, c, agent.CaseDisposed, who, comment), nil
}

// begin brings the engine to an instant, and finds the case and the person.
func (e *Engine) begin(at agent.Instant, id string, who *Person, text *string) (Output, *openCase, error) {
	before := e.Step(Input{At: at})
	who.Name, *text = strings.TrimSpace(who.Name), strings.TrimSpace(*text)
	switch {
	case who.Name == "":
		return before, nil, ErrNobody
	case len(*text) > maxText || len(who.Name) > maxText:
		return before, nil, ErrText
	}
	c, err := e.find(id)
	if err != nil {
		return before, nil, fmt.Errorf("%s: %w", id, err)
	}
	return before, c, nil
}

func (e *Engine) find(id string) (*openCase, error) {
	var there []*openCase
	for _, c := range e.cases {
		switch {
		case string(c.ID) == id:
			return c, nil
		case c.Key == id && (c.State == agent.ExcursionOut || c.Disposition == ""):
			there = append(there, c)
		}
	}
	switch len(there) {
	case 0:
		return nil, ErrUnknown
	case 1:
		return there[0], nil
	}
	return nil, ErrSeveral
}

// told says what a person did, and lets go of a case that is done with.
func (e *Engine) told(before Output, c *openCase, t agent.ExcursionTransition, who Person, comment string) Output {
	now := e.line.Now()
	e.emit(c, t, now, func(ev *agent.ExcursionEvent) {
		uid := who.UID
		ev.By, ev.UID, ev.Comment = who.Name, &uid, comment
	})
	e.settle(c, now)
	return join(before, e.output())
}

// Relive repeats what a person did, from its record, after Restore: alarms and readings are
// stepped again and bring about again what follows from them, a person's acts are told by their
// records. It does nothing for other events.
func (e *Engine) Relive(ev *agent.Event) Output {
	x := ev.Excursion
	if x == nil || x.UID == nil {
		return Output{}
	}
	who := Person{x.By, *x.UID, []string{agent.RoleQuality}} // they had the role then
	out := e.Step(Input{At: ev.At})
	var then Output
	switch c, _ := e.find(string(x.ID)); {
	case c == nil || c.N >= x.N: // done and closed, or in the state already
		return out
	case x.Transition == agent.CaseCaused:
		then, _ = e.Name(ev.At, string(x.ID), x.Cause, who, x.Comment)
	case x.Transition == agent.CaseEvaluated:
		then, _ = e.Evaluate(ev.At, string(x.ID), x.Evaluation, who)
	case x.Transition == agent.CaseDisposed:
		then, _ = e.Dispose(ev.At, string(x.ID), x.Disposition, who, x.Comment)
	}
	return join(out, then)
}

// join is the outcome of two steps, one after the other.
func join(a, b Output) Output { return Output{append(a.Events, b.Events...), b.Next} }
