package rehearse

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Summary is what a rehearsal comes to.
type Summary struct {
	From         time.Time      `json:"from,omitzero"` // of the first row that has a date
	To           time.Time      `json:"to,omitzero"`   // of the last
	Days         float64        `json:"days"`          // of 24 hours, from the first row to the last
	Readings     int64          `json:"readings"`      // with those that failed
	Faults       int64          `json:"faults"`        // readings that failed
	Scans        int64          `json:"scans"`
	Acts         int64          `json:"acts"`          // of people, about alarms
	ActsLeftOut  int64          `json:"acts_left_out"` // about alarms that were not raised here
	Undated      int64          `json:"undated"`       // rows of boots whose clock was never right
	Unwatched    int64          `json:"unwatched"`     // readings and scans that no written alarm and no stock item is about
	Raised       int64          `json:"raised"`
	AlarmsPerDay float64        `json:"alarms_per_day"` // raised ones; 0 where all rows have one time
	Alarms       []AlarmSummary `json:"alarms"`         // every written one, and of the defaults those that had a transition
}

// AlarmSummary is what a rehearsal comes to for one alarm, over all points that it watches.
type AlarmSummary struct {
	Alarm        agent.AlarmID  `json:"alarm"`
	Kind         string         `json:"kind"`
	Rule         string         `json:"rule"` // in the config's words
	Severity     agent.Severity `json:"severity"`
	Raised       int64          `json:"raised"`
	Cleared      int64          `json:"cleared"`
	Suppressed   int64          `json:"suppressed"`
	InAlarmS     int64          `json:"in_alarm_s"` // seconds, summed up over its points; until the last row where it stands
	AlarmsPerDay float64        `json:"alarms_per_day"`
	First        time.Time      `json:"first,omitzero"` // raised
	Open         int64          `json:"open"`           // points at which it stands at the last row
	Default      bool           `json:"default"`        // nobody wrote it; every gateway has it
}

// tally counts while a rehearsal is under way.
type tally struct {
	sum     Summary
	alarms  []AlarmSummary
	seen    []bool // of alarms
	index   map[agent.AlarmID]int
	readers []agent.ReaderID
	open    map[string]agent.Instant // since when an instance is in alarm
	held    []time.Duration          // of alarms
}

func newTally(r *Rules) *tally {
	t := &tally{index: map[agent.AlarmID]int{}, readers: r.Readers, open: map[string]agent.Instant{}}
	for i := range r.Specs {
		s := &r.Specs[i]
		k := r.Kinds[s.Kind]
		one := AlarmSummary{Alarm: s.ID, Kind: s.Kind, Rule: s.Rule(k), Severity: s.Severity, Default: s.Default}
		if one.Severity == "" {
			one.Severity = k.Severity
		}
		t.index[s.ID] = len(t.alarms)
		t.alarms = append(t.alarms, one)
		t.seen = append(t.seen, !s.Default)
	}
	t.held = make([]time.Duration, len(t.alarms))
	return t
}

func (t *tally) row(row *Row) {
	switch {
	case row.Reading != nil:
		t.sum.Readings++
		if !row.Reading.OK() {
			t.sum.Faults++
		}
	case row.Scan != nil:
		t.sum.Scans++
		if !slices.Contains(t.readers, row.Scan.Reader) {
			t.sum.Unwatched++
		}
	case row.Command != nil:
		t.sum.Acts++
	}
	wall := row.At.Wall
	if wall.IsZero() {
		t.sum.Undated++
		return
	}
	if t.sum.From.IsZero() || wall.Before(t.sum.From) {
		t.sum.From = wall
	}
	if wall.After(t.sum.To) {
		t.sum.To = wall
	}
}

// standing is in which states an alarm stands: it asks for somebody, or somebody knows of it.
var standing = map[agent.AlarmState]bool{agent.StateUnack: true, agent.StateAck: true, agent.StateLatched: true}

func (t *tally) transition(e *agent.Event) {
	n, ok := t.index[e.Alarm.Alarm]
	if !ok {
		return // every transition is of an alarm of the specs
	}
	a := &t.alarms[n]
	t.seen[n] = true
	switch e.Alarm.Transition {
	case agent.Raised:
		a.Raised++
		t.sum.Raised++
		if a.First.IsZero() {
			a.First = e.At.Wall
		}
	case agent.Cleared:
		a.Cleared++
	case agent.Suppressed:
		a.Suppressed++
	}
	key := e.Alarm.ID.Instance()
	since, open := t.open[key]
	switch stands := standing[e.Alarm.State]; {
	case stands && !open:
		t.open[key] = e.At
		a.Open++
	case open && !stands:
		t.hold(n, since, e.At)
		delete(t.open, key)
		a.Open--
	}
}

// hold adds the time from one instant to another, where it is known.
func (t *tally) hold(n int, from, to agent.Instant) {
	if d, ok := to.Sub(from); ok && d > 0 {
		t.held[n] += d
	}
}

func (t *tally) summary(last agent.Instant) Summary {
	s := t.sum
	for key, since := range t.open {
		id, _, _ := strings.Cut(key, ":") // an id has no colon
		t.hold(t.index[agent.AlarmID(id)], since, last)
	}
	days := s.To.Sub(s.From).Hours() / 24
	s.Days = rounded(days)
	s.AlarmsPerDay = perDay(s.Raised, days)
	s.Alarms = []AlarmSummary{}
	for n := range t.alarms {
		if a := t.alarms[n]; t.seen[n] {
			a.InAlarmS, a.AlarmsPerDay = int64(t.held[n]/time.Second), perDay(a.Raised, days)
			s.Alarms = append(s.Alarms, a)
		}
	}
	return s
}

func perDay(n int64, days float64) float64 {
	if days <= 0 {
		return 0
	}
	return rounded(float64(n) / days)
}

// rounded is to four decimals: more says nothing of how often an alarm comes.
func rounded(f float64) float64 { return math.Round(f*1e4) / 1e4 }
