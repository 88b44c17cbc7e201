// Package health keeps what is wrong with the agent, in words an operator can act on.
//
// Every trouble the agent can be in is a declared Condition with a stable code, a
// sentence and a remedy; docs/conditions.md is generated from the table. Parts of the
// agent raise and clear conditions on a Tracker; status, metrics and the health page show them.
package health

import (
	"sort"
	"sync"

	"github.com/frostline/frostline/agent"
)

// Active is a condition that holds now for one subject.
type Active struct {
	Code     string         `json:"code"`
	Subject  string         `json:"subject,omitempty"` // sensor/cr1-air, upstream/hq-mqtt, bus/i2c-1, store …
	Severity agent.Severity `json:"severity"`
	Title    string         `json:"title"`
	Remedy   string         `json:"remedy"`
	Detail   string         `json:"detail,omitempty"` // this time's cause
	Since    agent.Instant  `json:"-"`
}

// Tracker holds the active conditions. Its methods are safe for concurrent use.
type Tracker struct {
	now func() agent.Instant

	mu      sync.Mutex
	active  map[key]Active
	notify  func(a Active, raised bool)
	untold  []change // not yet handed to notify, in the order in which they happened
	telling bool     // a caller is handing them on
}

type key struct{ code, subject string }

// change is a condition that began or ended.
type change struct {
	Active
	raised bool
}

// NewTracker makes an empty tracker that dates conditions with now. changed, if not nil,
// is called at each raise and clear (not at a mere change of detail): one call at a time, in
// the order in which they happened, without a lock held. Where several goroutines raise and
// clear at once, one of them makes the calls for all.
func NewTracker(now func() agent.Instant, changed func(a Active, raised bool)) *Tracker {
	return &Tracker{now: now, active: map[key]Active{}, notify: changed}
}

// Raise says that the condition holds for the subject. Raising what is raised only
// replaces the detail. An undeclared code panics: it is a defect of the caller.
func (t *Tracker) Raise(code, subject, detail string) {
	c, ok := conditions[code]
	if !ok {
		panic("health: undeclared condition " + code)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a, was := t.active[key{code, subject}]
	if !was {
		a = Active{Code: code, Subject: subject, Severity: c.Severity, Title: c.Title, Remedy: c.Remedy, Since: t.now()}
	}
	a.Detail = detail
	t.active[key{code, subject}] = a
	if !was {
		t.tell(change{a, true})
	}
}

// Clear says that the condition no longer holds for the subject.
func (t *Tracker) Clear(code, subject string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a, was := t.active[key{code, subject}]; was {
		delete(t.active, key{code, subject})
		t.tell(change{a, false})
	}
}

// tell hands on a change after those before it, unless another caller is already at it: that
// one then hands on this change too. The caller holds mu, which is let go during each call.
func (t *Tracker) tell(c change) {
	if t.notify == nil {
		return
	}
	t.untold = append(t.untold, c)
	if t.telling {
		return
	}
	t.telling = true
	for len(t.untold) > 0 {
		next := t.untold[0]
		t.untold = t.untold[1:]
		t.mu.Unlock()
		t.notify(next.Active, next.raised)
		t.mu.Lock()
	}
	t.untold, t.telling = nil, false
}

// Active lists what is wrong now, the worst first, then by code and subject.
func (t *Tracker) Active() []Active {
	t.mu.Lock()
	all := make([]Active, 0, len(t.active))
	for _, a := range t.active {
		all = append(all, a)
	}
	t.mu.Unlock()
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if ra, rb := a.Severity.Rank(), b.Severity.Rank(); ra != rb {
			return ra > rb
		}
		if a.Code != b.Code {
			return a.Code < b.Code
		}
		return a.Subject < b.Subject
	})
	return all
}

// Holds reports whether the condition holds for the subject.
func (t *Tracker) Holds(code, subject string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.active[key{code, subject}]
	return ok
}

// For is a view of the tracker that raises and clears for one subject.
func (t *Tracker) For(subject string) Subject { return Subject{t, subject} }

// Subject raises and clears conditions of one part of the agent.
type Subject struct {
	t       *Tracker
	subject string
}

// Raise says that the condition holds for this subject.
func (s Subject) Raise(code, detail string) { s.t.Raise(code, s.subject, detail) }

// Clear says that the condition no longer holds for this subject.
func (s Subject) Clear(code string) { s.t.Clear(code, s.subject) }
