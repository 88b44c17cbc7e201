// Package timeline relates instants to one monotone line of milliseconds that runs on through
// reboots. Pure engines count their durations on it, so that no step of the wall clock makes
// or swallows anything.
//
// It is pure: no clock, no input or output.
package timeline

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/frostline/frostline/agent"
)

// Moment is a moment on the line, or a span of it, in milliseconds. As a moment 0 means never.
type Moment int64

const (
	// start is where a line begins: ten years after its zero, so that moments before it have a place.
	start Moment = 10 * 366 * 24 * 3600 * 1000
	// end is a hundred years from the zero: more is a damaged state.
	end Moment = 100 * 366 * 24 * 3600 * 1000
	// longestOff is the longest time off that the wall clocks of two boots are believed about.
	longestOff = 10 * 366 * 24 * time.Hour
)

// Span is d in whole milliseconds, rounded up: what has to be reached is reached in full.
func Span(d time.Duration) Moment {
	return Moment((d + time.Millisecond - 1) / time.Millisecond)
}

// Duration is the span as a duration.
func (m Moment) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Seconds is the span in whole seconds, rounded down.
func (m Moment) Seconds() int64 { return int64(m) / 1000 }

// ErrMoment is what UnmarshalJSON returns for a number that cannot be on the line.
var ErrMoment = errors.New("not a moment of a time line")

// UnmarshalJSON reads a number of milliseconds from 0 to a hundred years.
func (m *Moment) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n < 0 || Moment(n) > end {
		return fmt.Errorf("%q: %w", b, ErrMoment)
	}
	*m = Moment(n)
	return nil
}

// Line is the time line. The zero value has seen nothing.
type Line struct {
	now  Moment        // newest moment; 0 before the first
	last agent.Instant // the instant that now stands for
	prev agent.BootID  // the boot before last's
}

// Relation says how an instant stands to the newest one.
type Relation int

// The relations.
const (
	SameBoot  Relation = iota // of the running boot: before or after
	FirstEver                 // there was none
	Rebooted                  // of a new boot, and the time off is known
	Lost                      // of a new boot, and nobody can tell how long it took
	Bygone                    // of an earlier boot: where on the line is not known
)

// Now is the newest moment; 0 before the first.
func (l *Line) Now() Moment { return l.now }

// Last is the instant that Now stands for.
func (l *Line) Last() agent.Instant { return l.last }

// Place finds an instant's moment on the line without moving it. The line stands still where
// the time off is not known.
func (l *Line) Place(at agent.Instant) (Moment, Relation) {
	switch {
	case l.now == 0:
		return start, FirstEver
	case at.Boot == l.last.Boot:
		return min(max(0, l.now+millis(at.Mono)-millis(l.last.Mono)), end), SameBoot
	case at.Boot == l.prev:
		return l.now, Bygone
	}
	off, known := at.Sub(l.last)
	if !known || off < 0 || off > longestOff {
		return l.now, Lost
	}
	return min(l.now+millis(off), end), Rebooted
}

// Advance moves the line to at. An earlier or bygone moment moves nothing.
func (l *Line) Advance(at agent.Instant) Relation {
	x, r := l.Place(at)
	if r == Bygone || r == SameBoot && x < l.now {
		return r
	}
	if r == Rebooted || r == Lost {
		l.prev = l.last.Boot
	}
	l.now, l.last = x, at
	l.last.Mono = millis(at.Mono).Duration()
	return r
}

// Instant is the agent's instant of a moment on the line.
func (l *Line) Instant(m Moment) agent.Instant { return l.last.Add((m - l.now).Duration()) }

// Wall is the wall time of a moment on the line; zero while the clock is unset.
func (l *Line) Wall(m Moment) time.Time {
	if l.last.Trust == agent.ClockUnset {
		return time.Time{}
	}
	return l.Instant(m).Wall
}

// Mono is the present boot's Instant.Mono at a moment on the line: when to step an engine that
// wants to be stepped then.
func (l *Line) Mono(m Moment) time.Duration { return l.last.Mono + (m - l.now).Duration() }

func millis(d time.Duration) Moment { return Moment(d / time.Millisecond) }

// State is a line as JSON keeps it.
type State struct {
	Now      Moment        `json:"now"`
	Last     *Instant      `json:"last,omitempty"`
	Previous *agent.BootID `json:"previous,omitempty"`
}

// Instant is an agent's instant as JSON keeps it.
type Instant struct {
	Wall  time.Time        `json:"wall,omitzero"`
	Mono  Moment           `json:"mono"`
	Boot  agent.BootID     `json:"boot"`
	Trust agent.ClockTrust `json:"trust"`
}

// Save is an instant for JSON.
func Save(at agent.Instant) Instant {
	return Instant{at.Wall, max(0, millis(at.Mono)), at.Boot, at.Trust}
}

// Instant is the agent's instant.
func (i Instant) Instant() agent.Instant {
	return agent.Instant{Wall: i.Wall.UTC(), Mono: i.Mono.Duration(), Boot: i.Boot, Trust: i.Trust}
}

// State is the line's whole state.
func (l *Line) State() State {
	if l.now == 0 {
		return State{}
	}
	last := Save(l.last)
	s := State{Now: l.now, Last: &last}
	if l.prev != (agent.BootID{}) {
		prev := l.prev
		s.Previous = &prev
	}
	return s
}

// Restore makes a line of what State wrote; ErrMoment for what it cannot have written.
func (s State) Restore() (Line, error) {
	if (s.Last == nil) != (s.Now == 0) {
		return Line{}, fmt.Errorf("%w: a moment without an instant", ErrMoment)
	}
	if s.Last == nil {
		return Line{}, nil
	}
	l := Line{now: s.Now, last: s.Last.Instant()}
	if s.Previous != nil {
		l.prev = *s.Previous
	}
	return l, nil
}
