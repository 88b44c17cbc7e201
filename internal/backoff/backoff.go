// Package backoff spaces attempts: exponentially, with full jitter, so that a fleet that
// lost its broker at one moment does not come back at one moment.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Backoff counts the failures of one thing. It is not safe for concurrent use. The n-th
// failure in a row waits a random time up to base·2ⁿ⁻¹, at most max. A success alone does
// not start the count anew, for a far side that accepts and kicks seconds later would be
// asked at full speed: only successes over at least healthy do. Shorter ones halve it. A
// mere connect is no success.
type Backoff struct {
	base, max, healthy time.Duration
	random             *rand.Rand
	failures           int
	working            bool
	since              time.Duration // first success after the last failure
}

// New makes a backoff. The same seed gives the same waits; give each thing its own.
// base and max must be positive.
func New(base, max, healthy time.Duration, seed uint64) *Backoff {
	return &Backoff{base: base, max: max, healthy: healthy, random: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// Worked notes a success at now, a monotonic time.
func (b *Backoff) Worked(now time.Duration) {
	if !b.working {
		b.working, b.since = true, now
	}
}

// Failed notes a failure at now, a monotonic time, and returns how long to wait before
// the next attempt.
func (b *Backoff) Failed(now time.Duration) time.Duration {
	switch {
	case b.working && now-b.since >= b.healthy:
		b.failures = 0
	case b.working:
		b.failures /= 2
	}
	b.working = false
	ceiling := b.max
	if b.failures < 62 && b.base <= b.max>>b.failures {
		ceiling = b.base << b.failures
	}
	b.failures++
	return time.Duration(b.random.Int64N(int64(ceiling) + 1))
}
