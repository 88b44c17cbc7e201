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
	// At returns a channel that is closed as soon as Now().Mono ≥ mono, and a function
	// that gives up waiting. The channel is closed at once if mono has passed.
	At(mono time.Duration) (reached <-chan struct{}, stop func())
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

func afterFunc(d time.Duration) (<-chan struct{}, func()) {
	done := make(chan struct{})
	if d <= 0 {
		close(done)
		return done, func() {}
	}
	t := time.AfterFunc(d, func() { close(done) })
	return done, func() { t.Stop() }
}

func wholeMillis(d time.Duration) time.Duration { return d.Truncate(time.Millisecond) }
