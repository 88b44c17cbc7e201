// Package pattern switches lamps, buzzers and relays in rhythms, for the outputs that have
// such devices: gpio, relay and stacklight.
package pattern

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Pattern is a rhythm: a word, or durations alternately on and off, such as "200ms 800ms".
type Pattern string

// The words.
const (
	Off    Pattern = "off"    // never on
	Steady Pattern = "steady" // always on
	Blink  Pattern = "blink"  // 700 ms on, 700 ms off: slow flashing of IEC 60073, 0.4 to 0.8 Hz
	Beep   Pattern = "beep"   // 200 ms on, 1.8 s off
)

// Shortest and longest are the bounds of one step: shorter ones wear relays out and cannot be
// kept on a loaded machine.
const (
	Shortest = 20 * time.Millisecond
	Longest  = time.Minute
)

// mostSteps bounds the durations of one pattern.
const mostSteps = 16

// ErrPattern is what Check returns.
var ErrPattern = errors.New("want off, steady, blink, beep, or durations alternately on and off, each from 20ms to 1m: 200ms 800ms")

var words = map[Pattern][]time.Duration{
	Off: nil, Steady: nil,
	Blink: {700 * time.Millisecond, 700 * time.Millisecond},
	Beep:  {200 * time.Millisecond, 1800 * time.Millisecond},
}

// Check says whether p is a pattern.
func (p Pattern) Check() error {
	if _, err := p.steps(); err != nil {
		return fmt.Errorf("pattern %q: %w", p, err)
	}
	return nil
}

// on reports whether the pattern begins switched on.
func (p Pattern) on() bool { return p != Off && p != "" }

// steps are the durations, alternately on and off; none for a level that stays.
func (p Pattern) steps() ([]time.Duration, error) {
	if known, ok := words[p]; ok {
		return known, nil
	}
	fields := strings.Fields(string(p))
	if len(fields) == 0 || len(fields)%2 != 0 || len(fields) > mostSteps {
		return nil, ErrPattern
	}
	steps := make([]time.Duration, len(fields))
	for i, f := range fields {
		d, err := time.ParseDuration(f)
		if err != nil || d < Shortest || d > Longest {
			return nil, ErrPattern
		}
		steps[i] = d
	}
	return steps, nil
}

// Level is which level of a pin switches a device on.
type Level string

// The levels.
const (
	High Level = "high"
	Low  Level = "low"
)

// ErrLevel is what Level.Check returns.
var ErrLevel = errors.New("active: want high or low")

// Check says whether l is a level.
func (l Level) Check() error {
	if l != High && l != Low {
		return ErrLevel
	}
	return nil
}
