package alarm

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// TroubleSettings are the settings of the kinds that watch the gateway itself.
type TroubleSettings struct {
	For time.Duration `yaml:"for" doc:"Raised when the trouble has lasted this long."`
}

// ErrTrouble is what TroubleSettings.Validate returns.
var ErrTrouble = errors.New("for must not be negative")

// Validate says what is wrong with the settings.
func (s *TroubleSettings) Validate() error {
	if s.For < 0 {
		return ErrTrouble
	}
	return nil
}

// String is how long the trouble has to last, in the config's words.
func (s TroubleSettings) String() string { return "for " + Short(s.For) }

// TroubleRule makes rules that watch those of the gateway's declared conditions whose code
// begins with the prefix.
func TroubleRule(prefix string) func(TroubleSettings, Target) Rule {
	return func(s TroubleSettings, _ Target) Rule { return &troubleRule{prefix: prefix, need: Millis(s.For)} }
}

// mostTroubles bounds what a rule remembers; a gateway has far fewer parts that can fail.
const mostTroubles = 64

type troubleRule struct {
	prefix string
	need   Line
	state  troubles
}

type troubles struct {
	Here []hereSince `json:"h,omitempty"` // in the order in which they came
	Last string      `json:"l,omitempty"` // the newest title, for the message when all are gone
	Code string      `json:"k,omitempty"` // the newest code, likewise
}

// retold is how long a trouble that was raised before a start may take to be told anew: a
// connection is tried again and again before it counts as failing.
const retold = Line(5 * time.Minute / time.Millisecond)

type hereSince struct {
	Code    string `json:"c"`
	Subject string `json:"s,omitempty"`
	Title   string `json:"t,omitempty"`
	Since   Line   `json:"b"`
	Raised  bool   `json:"r,omitempty"` // it has lasted long enough
	Until   Line   `json:"u,omitempty"` // from before a start: when it counts as gone unless told anew; 0 once it was
}

// Step implements Rule. What still holds after a start is told anew. What was raised before goes
// on until then; what was not begins anew.
func (r *troubleRule) Step(t Tick, in *Input) Condition {
	s := &r.state
	if t.Gap {
		s.Here = slices.DeleteFunc(s.Here, func(h hereSince) bool { return !h.Raised })
		for n := range s.Here {
			s.Here[n].Until = t.Now + max(r.need, retold)
		}
	}
	s.Here = slices.DeleteFunc(s.Here, func(h hereSince) bool { return h.Until != 0 && h.Until <= t.Now })
	if in != nil && in.Trouble != nil && strings.HasPrefix(in.Trouble.Code, r.prefix) {
		r.take(t.Now, in.Trouble)
	}
	var c Condition
	for n := range s.Here {
		h := &s.Here[n]
		c.Suspect = true
		if c.Began == 0 || h.Since < c.Began {
			c.Began = h.Since
		}
		if due := h.Since + r.need; due <= t.Now {
			c.Active, h.Raised = true, true
		} else {
			c.Next = Earlier(c.Next, due)
		}
		c.Next = Earlier(c.Next, h.Until)
	}
	if c.Began != 0 {
		c.Held = t.Now - c.Began
	}
	return c
}

func (r *troubleRule) take(now Line, in *Trouble) {
	s := &r.state
	at := slices.IndexFunc(s.Here, func(h hereSince) bool { return h.Code == in.Code && h.Subject == in.Subject })
	switch {
	case in.Here && at >= 0:
		s.Here[at].Until = 0
	case in.Here && len(s.Here) < mostTroubles:
		s.Here = append(s.Here, hereSince{Code: in.Code, Subject: in.Subject, Title: in.Title, Since: now})
		s.Last, s.Code = in.Title, in.Code
	case !in.Here && at >= 0:
		s.Here = slices.Delete(s.Here, at, at+1)
	}
}

// Explain implements Rule.
func (r *troubleRule) Explain() Finding {
	f := Finding{Word: TroubleHere, For: r.need.Duration(), Count: int64(len(r.state.Here))}
	for _, h := range r.state.Here {
		f.Troubles = append(f.Troubles, Trouble{Code: h.Code, Subject: h.Subject, Title: h.Title, Here: true})
	}
	if len(f.Troubles) == 0 {
		f.Troubles = []Trouble{{Code: r.state.Code, Title: r.state.Last}}
	}
	return f
}

// State implements Rule.
func (r *troubleRule) State() any { return &r.state }
