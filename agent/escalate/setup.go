package escalate

import (
	"cmp"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// Person is somebody who can be told.
type Person struct {
	ID    string
	Roles []string
	Rota  []Shift // when they are on duty; none: always
}

// Level says who is told when nobody has acknowledged for some time. Levels with the same time
// are one level.
type Level struct {
	After      time.Duration
	Persons    []string         // by id
	Roles      []string         // everybody on duty who has one of them
	Outputs    []string         // by id
	Severities []agent.Severity // for which alarms; none: warning and critical
	Places     []agent.ZoneID   // where; none: everywhere, and for alarms that have no place
	Advice     string           // what to do, for whoever this level tells
}

// Concerns reports whether the level is for alarms of a severity in a zone.
func (l *Level) Concerns(s agent.Severity, zone agent.ZoneID) bool {
	if len(l.Places) > 0 && !slices.Contains(l.Places, zone) {
		return false
	}
	if len(l.Severities) == 0 {
		return s == agent.SeverityWarning || s == agent.SeverityCritical
	}
	return slices.Contains(l.Severities, s)
}

// Tells reports whether the level tells a person, when on duty.
func (l *Level) Tells(p *Person) bool {
	return slices.Contains(l.Persons, p.ID) || slices.ContainsFunc(p.Roles, func(r string) bool { return slices.Contains(l.Roles, r) })
}

// Setup is what an engine is made from. Ids are those that the config checked.
type Setup struct {
	People   []Person
	Levels   []Level
	Quiet    []Shift // hold back what is not critical
	Location *time.Location
}

// rung is one level for one alarm: all that have the same time.
type rung struct {
	number int // from 1
	after  timeline.Moment
	levels []*Level
}

// rungs are the levels for an alarm, the earliest first.
func (s *Setup) rungs(e *agent.AlarmEvent) []rung {
	var all []rung
	for i := range s.Levels {
		l := &s.Levels[i]
		if !l.Concerns(e.Severity, e.Zone) {
			continue
		}
		after := timeline.Span(l.After)
		at := slices.IndexFunc(all, func(r rung) bool { return r.after == after })
		if at < 0 {
			at = len(all)
			all = append(all, rung{after: after})
		}
		all[at].levels = append(all[at].levels, l)
	}
	slices.SortFunc(all, func(a, b rung) int { return cmp.Compare(a.after, b.after) })
	for i := range all {
		all[i].number = i + 1
	}
	return all
}

// outputs lists the outputs that a rung names, each once.
func (r *rung) outputs() []string {
	var ids []string
	for _, l := range r.levels {
		ids = add(ids, l.Outputs...)
	}
	return ids
}

// advice is what the levels say to do.
func (r *rung) advice() string {
	text := ""
	for _, l := range r.levels {
		if l.Advice != "" && text != "" {
			text += " "
		}
		text += l.Advice
	}
	return text
}

// persons lists who is told by a rung, in the order of the people: all of them, and those on duty
// at a local time; a zero time has everybody on duty.
func (s *Setup) persons(r *rung, local time.Time) (all, onDuty []string) {
	for i := range s.People {
		p := &s.People[i]
		if !slices.ContainsFunc(r.levels, func(l *Level) bool { return l.Tells(p) }) {
			continue
		}
		all = append(all, p.ID)
		if len(p.Rota) == 0 || local.IsZero() || slices.ContainsFunc(p.Rota, func(s Shift) bool { return s.Covers(local) }) {
			onDuty = append(onDuty, p.ID)
		}
	}
	return all, onDuty
}

// quiet reports whether quiet hours hold back alarms of a severity at a local time.
func (s *Setup) quiet(severity agent.Severity, local time.Time) bool {
	return severity != agent.SeverityCritical && !local.IsZero() &&
		slices.ContainsFunc(s.Quiet, func(s Shift) bool { return s.Covers(local) })
}

// add appends what is not there yet.
func add(list []string, more ...string) []string {
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}
