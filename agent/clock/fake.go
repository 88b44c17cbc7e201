package clock

import (
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
)

// Fake is a clock for tests: it stands still until it is told to move.
type Fake struct {
	mu      sync.Mutex
	now     agent.Instant
	waiters map[chan time.Time]time.Duration
}

// NewFake is a synced clock that stands at wall, one hour after its boot.
func NewFake(wall time.Time) *Fake {
	return &Fake{
		now:     agent.Instant{Wall: wall.UTC(), Mono: time.Hour, Boot: NewBootID(), Trust: agent.ClockSynced},
		waiters: map[chan time.Time]time.Duration{},
	}
}

// Now implements Clock.
func (f *Fake) Now() agent.Instant {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// At implements Clock.
func (f *Fake) At(mono time.Duration) (<-chan time.Time, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch := make(chan time.Time)
	if mono <= f.now.Mono {
		close(ch)
		return ch, func() {}
	}
	f.waiters[ch] = mono
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.waiters, ch)
	}
}

// Advance moves monotonic and wall time on by d and wakes who waited for it.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	for ch, mono := range f.waiters {
		if mono <= f.now.Mono {
			close(ch)
			delete(f.waiters, ch)
		}
	}
}

// Step moves the wall clock alone and sets its trust; ClockUnset takes the wall time away.
func (f *Fake) Step(wall time.Time, trust agent.ClockTrust) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now.Trust = trust
	f.now.Wall = wall.UTC()
	if trust == agent.ClockUnset {
		f.now.Wall = time.Time{}
	}
}

// Reboot begins a new boot: monotonic time starts again, and the wall clock is unset.
func (f *Fake) Reboot() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = agent.Instant{Boot: NewBootID()}
}

// Waiting is how many callers wait for a later instant.
func (f *Fake) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiters)
}
