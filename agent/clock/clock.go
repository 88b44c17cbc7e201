// Package clock is the only place that asks the system for the time. Everything else
// takes instants as arguments or is given a Clock.
//
// Durations come from CLOCK_BOOTTIME, which no step moves and which runs on through
// suspend. The wall clock is an offset to it, looked at once a second: a difference of
// more than StepThreshold is a step and announced, a smaller one is followed silently.
package clock

import (
	"context"
	"time"

	"github.com/frostline/frostline/agent"
)

// Clock tells the time to one agent. All methods are safe for concurrent use.
type Clock interface {
	// Now is the present instant, in whole milliseconds.
	Now() agent.Instant
	// At returns a channel from which one receive succeeds as soon as Now().Mono ≥ mono, at
	// once if mono has passed, and a function that gives up waiting. What is received says
	// nothing.
	At(mono time.Duration) (reached <-chan time.Time, stop func())
}

// Wait returns nil as soon as c.Now().Mono ≥ mono, or ctx's error before.
func Wait(ctx context.Context, c Clock, mono time.Duration) error {
	reached, stop := c.At(mono)
	defer stop()
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Elapsed is the system's monotonic time since boot: for measuring how long work took,
// with Elapsed() - Elapsed(). It runs in real time whatever clock the agent was given.
func Elapsed() time.Duration { return boottime() }

// after is At of the clocks that run in real time. A timer's own channel wakes who waits
// directly; a function of its own would first be started in a goroutine, for every tick.
func after(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

func wholeMillis(d time.Duration) time.Duration { return d.Truncate(time.Millisecond) }
