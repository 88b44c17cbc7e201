package clock

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Scaled is a clock that starts at a given wall time and runs speed times as fast as the
// machine's: sampling, physics, rules and record times of a demo follow it. Waiting for
// disks and networks stays real and does not use it.
type Scaled struct {
	boot  agent.BootID
	speed float64
	began time.Duration // real
	wall  time.Time
}

// NewScaled starts a clock at wall, running speed times as fast as the machine's. speed must be positive.
func NewScaled(wall time.Time, speed float64) *Scaled {
	return &Scaled{boot: NewBootID(), speed: speed, began: boottime(), wall: wall.UTC().Truncate(time.Millisecond)}
}

// Now implements Clock. A scaled clock is always synced.
func (s *Scaled) Now() agent.Instant {
	mono := wholeMillis(s.mono())
	return agent.Instant{Wall: s.wall.Add(mono), Mono: mono, Boot: s.boot, Trust: agent.ClockSynced}
}

// At implements Clock.
func (s *Scaled) At(mono time.Duration) (<-chan time.Time, func()) {
	return after(time.Duration(float64(mono-s.mono()) / s.speed))
}

func (s *Scaled) mono() time.Duration {
	return time.Duration(float64(boottime()-s.began) * s.speed)
}
