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

	mu     sync.Mutex
	active map[key]Active
	notify func(a Active, raised bool)
}

type key struct{ code, subject string }

// NewTracker makes an empty tracker that dates conditions with now. changed, if not nil,
// is called without a lock held at each raise and clear (not at a mere change of detail).
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
	a, was := t.active[key{code, subject}]
	if !was {
		a = Active{Code: code, Subject: subject, Severity: c.Severity, Title: c.Title, Remedy: c.Remedy, Since: t.now()}
	}
	a.Detail = detail
	t.active[key{code, subject}] = a
	t.mu.Unlock()
	if !was && t.notify != nil {
		t.notify(a, true)
	}
}

// Clear says that the condition no longer holds for the subject.
func (t *Tracker) Clear(code, subject string) {
	t.mu.Lock()
	a, was := t.active[key{code, subject}]
	delete(t.active, key{code, subject})
	t.mu.Unlock()
	if was && t.notify != nil {
		t.notify(a, false)
	}
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
		if ra, rb := rank(a.Severity), rank(b.Severity); ra != rb {
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

func rank(s agent.Severity) int {
	for i, w := range agent.Severities() {
		if w == s {
			return i
		}
	}
	return -1
}
