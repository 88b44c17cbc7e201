// Package unknowncode is the alarm on a reader that read a code which stands for no item.
// It lasts until a person acknowledges it.
package unknowncode

import (
	"strings"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are none.
type Settings struct{}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "unknown-code", Scope: alarm.PerReader, Default: true, Severity: agent.SeverityInfo},
	Settings{},
	func(Settings) string { return "a code that stands for no item" },
	func(Settings, alarm.Target) alarm.Rule { return &rule{} })

type rule struct{ state state }

type state struct {
	Raised bool       `json:"r,omitempty"`
	Since  alarm.Line `json:"s,omitempty"`
	Code   string     `json:"c,omitempty"` // the newest
	Count  int64      `json:"n,omitempty"` // since it was raised
}

// maxCode bounds how much of a code is kept for the message; the scan's record has all of it.
const maxCode = 128

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	switch {
	case t.Acknowledged:
		s.Raised = false
	case in != nil && in.Unknown != nil:
		if !s.Raised {
			*s = state{Raised: true, Since: t.Now}
		}
		s.Code = strings.ToValidUTF8(in.Unknown.Code[:min(len(in.Unknown.Code), maxCode)], "�")
		s.Count++
	}
	return alarm.Condition{Active: s.Raised, Began: s.Since}
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	return alarm.Finding{Word: alarm.UnknownCode, Code: r.state.Code, Count: r.state.Count}
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
