package announce

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Audience is what outputs that send messages to people have in common; their settings embed
// it. Outputs that follow the state, such as a lamp, do not: they have nothing to flood.
type Audience struct {
	Severity agent.Severity     `yaml:"severity" doc:"Least severity that is told."`
	Tell     []agent.Transition `yaml:"tell" doc:"Transitions that are told. Without it, all." enum:"raised,cleared,acknowledged,re-alarmed,latched,reset,shelved,unshelved,suppressed,unsuppressed,out-of-service,in-service" like:"[raised, re-alarmed, cleared]"`
	Flood    Flood              `yaml:"flood" doc:"Above this rate messages are counted and told in one summary. A critical alarm that is raised is always told at once."`
}

// Flood is the rate above which an output keeps messages back: ISA-18.2 speaks of a flood at
// more than 10 alarms in 10 min for one person, until there are fewer than half as many.
type Flood struct {
	Most int           `yaml:"most" doc:"How many messages go out one by one. 0: all."`
	Per  time.Duration `yaml:"per" doc:"In what time."`
}

// DefaultFlood is the rate of ISA-18.2.
func DefaultFlood() Flood { return Flood{Most: 10, Per: 10 * time.Minute} }

// Errors of Audience.Check.
var (
	ErrTell  = errors.New("not a transition")
	ErrFlood = errors.New("flood: want most from 0 to 1000 and per from 1m to 24h")
)

// Check says what is wrong; settings call it in Validate.
func (a *Audience) Check() error {
	errs := []error{CheckSeverity(a.Severity)}
	for _, t := range a.Tell {
		if !slices.Contains(transitions, t) {
			errs = append(errs, fmt.Errorf("tell %q: %w", t, ErrTell))
		}
	}
	if f := a.Flood; f.Most < 0 || f.Most > 1000 || f.Most > 0 && (f.Per < time.Minute || f.Per > 24*time.Hour) {
		errs = append(errs, ErrFlood)
	}
	return errors.Join(errs...)
}

// ended are the transitions after which an alarm asks for nobody.
var ended = map[agent.Transition]bool{agent.Acknowledged: true, agent.Reset: true, agent.Shelved: true, agent.OutOfService: true}

var transitions = []agent.Transition{
	agent.Raised, agent.Cleared, agent.Acknowledged, agent.ReAlarmed, agent.Latched, agent.Reset, agent.Shelved,
	agent.Unshelved, agent.Suppressed, agent.Unsuppressed, agent.OutOfService, agent.InService,
}

// Concerns reports whether a notice is to be told.
func (a *Audience) Concerns(n Notice) bool {
	if n.Summary != nil {
		return true
	}
	told := len(a.Tell) == 0 || n.Event != nil && slices.Contains(a.Tell, n.Event.Transition)
	switch {
	case n.Event == nil:
		return false
	case n.Level > 0: // the level decides whom it concerns; what became of an alarm is told as settings say
		return !ended[n.Event.Transition] || told
	}
	return AtLeast(n.Event.Severity, a.Severity) && told
}

// Limit is the rate above which there is a flood.
func (a *Audience) Limit() Flood { return a.Flood }

// selective is what settings have that embed an Audience.
type selective interface {
	Concerns(n Notice) bool
	Limit() Flood
}

// Summary counts the notices that a flood kept back from one output, and those that it gave up
// because too many waited.
type Summary struct {
	Since  time.Time              // wall time of the first, in the site's zone; zero where it is not known
	Raised map[agent.Severity]int // raised and re-alarmed
	Other  int                    // all other transitions
	Zones  map[string]int         // of those raised, by the zone's name
	Key    string                 // of the first, with the word flood
}

// mostZones bounds Summary.Zones; what comes from further ones is counted without its zone.
const mostZones = 100

// Count is how many notices the summary stands for.
func (s *Summary) Count() int {
	n := s.Other
	for _, c := range s.Raised {
		n += c
	}
	return n
}

// Worst is the highest severity among those raised; info if none was.
func (s *Summary) Worst() agent.Severity {
	for _, severity := range slices.Backward(agent.Severities()) {
		if s.Raised[severity] > 0 {
			return severity
		}
	}
	return agent.SeverityInfo
}

// add counts a notice.
func (s *Summary) add(n Notice, zone *time.Location) {
	one := Summary{Key: n.Key() + "/flood"}
	if wall := n.At.Wall; !wall.IsZero() {
		one.Since = wall.In(zone)
	}
	if !raises(n) {
		one.Other = 1
		s.merge(&one)
		return
	}
	one.Raised = map[agent.Severity]int{n.Event.Severity: 1}
	if name := cmp.Or(n.ZoneName, string(n.Event.Zone)); name != "" {
		one.Zones = map[string]int{name: 1}
	}
	s.merge(&one)
}

// merge counts what other stands for.
func (s *Summary) merge(other *Summary) {
	if s.Count() == 0 {
		*s = Summary{Raised: map[agent.Severity]int{}, Zones: map[string]int{}, Key: other.Key}
	}
	if !other.Since.IsZero() && (s.Since.IsZero() || other.Since.Before(s.Since)) {
		s.Since = other.Since
	}
	s.Other += other.Other
	for severity, n := range other.Raised {
		s.Raised[severity] += n
	}
	for zone, n := range other.Zones {
		if _, known := s.Zones[zone]; known || len(s.Zones) < mostZones {
			s.Zones[zone] += n
		}
	}
}

// raises reports whether a notice says that there is an alarm.
func raises(n Notice) bool {
	return n.Event != nil && (n.Event.Transition == agent.Raised || n.Event.Transition == agent.ReAlarmed)
}

// pressing reports whether a notice is told whatever else there is.
func pressing(n Notice) bool { return raises(n) && n.Event.Severity == agent.SeverityCritical }

// limiter is the state machine of one output's floods. Times are monotonic.
type limiter struct {
	Flood
	zone *time.Location

	times    []time.Duration // ring of the newest Most arrivals
	next     int
	flooding bool

	kept    Summary       // not told yet
	due     time.Duration // when kept is to be told, if it counts any
	told    time.Duration // when the last summary was told
	summary bool          // one was told in this flood
	last    Notice        // of those in kept
	to      []Recipient   // of those in kept
	own     bool          // some in kept are for those whom the settings name
}

// keeps notes that a notice arrived and reports whether it is kept back, for the summary.
func (l *limiter) keeps(n Notice, now time.Duration) bool {
	if l.Most == 0 || n.Event == nil {
		return false
	}
	recent := l.recent(now)
	switch {
	case !l.flooding && recent >= l.Most:
		l.flooding, l.summary = true, false
	case l.flooding && recent+1 < max(1, l.Most/2):
		l.flooding = false
	}
	l.note(now)
	if pressing(n) || !l.flooding && l.kept.Count() == 0 {
		return false
	}
	one := Summary{}
	one.add(n, l.zone)
	l.keep(&one, n, now)
	if !l.flooding {
		l.due = now // the flood is over: what it kept back comes first, and this with it
	}
	return true
}

// keep counts notices in the summary; newest is the last of them.
func (l *limiter) keep(s *Summary, newest Notice, now time.Duration) {
	if l.kept.Count() == 0 {
		// The first summary of a flood comes early, so that people know that there is one.
		l.due = now + l.Per/10
		if l.summary {
			l.due = max(l.due, l.told+l.Per)
		}
	}
	l.kept.merge(s)
	l.last = newest
	l.own = l.own || len(newest.To) == 0
	for _, r := range newest.To {
		if !slices.Contains(l.to, r) {
			l.to = append(l.to, r)
		}
	}
}

// recent is how many of the newest Most arrivals were less than Per ago.
func (l *limiter) recent(now time.Duration) int {
	n := 0
	for _, t := range l.times {
		if now-t < l.Per {
			n++
		}
	}
	return n
}

func (l *limiter) note(now time.Duration) {
	if len(l.times) < l.Most {
		l.times = append(l.times, now)
		return
	}
	l.times[l.next] = now
	l.next = (l.next + 1) % l.Most
}

// wait is how long it is until the summary is due; ok is false if there is none to tell.
func (l *limiter) wait(now time.Duration) (d time.Duration, ok bool) {
	return max(0, l.due-now), l.kept.Count() > 0
}

// notice is the summary as a notice.
func (l *limiter) notice() Notice {
	s := l.kept
	return Notice{
		Site: l.last.Site, Gateway: l.last.Gateway, At: l.last.At, Sounding: l.last.Sounding, Standing: l.last.Standing, Summary: &s,
		To: l.to, Own: l.own,
	}
}

// over notes that the summary was told, or given up.
func (l *limiter) over(now time.Duration) {
	l.kept, l.last, l.to, l.own = Summary{}, Notice{}, nil, false
	l.told, l.summary = now, true
}
