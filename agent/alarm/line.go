package alarm

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/frostline/frostline/agent"
)

// Line is a moment on the engine's own time line, or a span of it, in milliseconds. As a
// moment 0 means never: the line starts at lineStart.
type Line int64

const (
	lineStart Line = 1000
	lineEnd   Line = 100 * 366 * 24 * 3600 * 1000 // a hundred years: more is a damaged state
	// longestOff is the longest time off that two wall clocks are believed about.
	longestOff = 10 * 366 * 24 * time.Hour
)

// Millis is d in whole milliseconds, rounded up: what has to be reached is reached in full.
func Millis(d time.Duration) Line {
	return Line((d + time.Millisecond - 1) / time.Millisecond)
}

// Duration is the span as a duration.
func (l Line) Duration() time.Duration { return time.Duration(l) * time.Millisecond }

// ErrLine is what UnmarshalJSON returns for a number that cannot be on the line.
var ErrLine = errors.New("not a moment of the engine's time line")

// UnmarshalJSON reads a number of milliseconds from 0 to a hundred years.
func (l *Line) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n < 0 || Line(n) > lineEnd {
		return fmt.Errorf("%q: %w", b, ErrLine)
	}
	*l = Line(n)
	return nil
}

// timeline relates instants to the line.
type timeline struct {
	now  Line          // newest moment; 0 before the first
	last agent.Instant // the instant that now stands for
	prev agent.BootID  // the boot before last's
}

// relation says how an instant stands to the newest one.
type relation int

const (
	sameBoot  relation = iota // of the running boot: before or after
	firstEver                 // there was none
	rebooted                  // of a new boot
	bygone                    // of an earlier boot: where on the line is not known
)

// place finds an instant's moment on the line without moving it.
func (t *timeline) place(at agent.Instant) (Line, relation) {
	switch {
	case t.now == 0:
		return lineStart, firstEver
	case at.Boot == t.last.Boot:
		return min(max(0, t.now+millisOf(at.Mono)-millisOf(t.last.Mono)), lineEnd), sameBoot
	case at.Boot == t.prev:
		return t.now, bygone
	}
	off, known := at.Sub(t.last)
	if !known || off < 0 || off > longestOff {
		off = 0
	}
	return min(t.now+millisOf(off), lineEnd), rebooted
}

// advance moves the line to at, whose place is x. An earlier moment moves nothing.
func (t *timeline) advance(at agent.Instant, x Line, r relation) {
	if r == bygone || r == sameBoot && x < t.now {
		return
	}
	if r == rebooted {
		t.prev = t.last.Boot
	}
	t.now, t.last = x, at
	t.last.Mono = millisOf(at.Mono).Duration()
}

// instant is the agent's instant of a moment on the line.
func (t *timeline) instant(moment Line) agent.Instant {
	return t.last.Add((moment - t.now).Duration())
}

// wall is the wall time of a moment on the line; zero while the clock is unset.
func (t *timeline) wall(moment Line) time.Time {
	if t.last.Trust == agent.ClockUnset {
		return time.Time{}
	}
	return t.instant(moment).Wall
}

// stepped reports whether at, of the running boot, tells another wall time than the line's.
func (t *timeline) stepped(at agent.Instant, x Line) bool {
	if at.Trust == agent.ClockUnset || t.last.Trust == agent.ClockUnset {
		return at.Trust != t.last.Trust
	}
	return !t.instant(x).Wall.Equal(at.Wall)
}

func millisOf(d time.Duration) Line { return Line(d / time.Millisecond) }
