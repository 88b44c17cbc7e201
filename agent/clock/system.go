package clock

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/frostline/frostline/agent"
)

// StepThreshold is how far the wall clock may differ from its expected course within
// one look before it counts as a step. Slewing moves it by at most 0.5 ms a second.
const StepThreshold = 100 * time.Millisecond

// Change is a step of the wall clock or a change of its trust.
type Change struct {
	At       agent.Instant // after the change
	Was      agent.ClockTrust
	Old, New time.Duration // wall minus monotonic, since the Unix epoch
	By       string        // kernel, or the person who confirmed it
}

// System is the machine's own clock.
type System struct {
	boot  agent.BootID
	mono  func() time.Duration
	read  func() (wall time.Time, mono time.Duration, synced bool)
	floor time.Time

	mu        sync.Mutex
	newest    time.Time     // before it only a confirmed clock is believed
	offset    time.Duration // wall minus monotonic, since the Unix epoch
	trust     agent.ClockTrust
	confirmed string        // who confirmed the present offset by hand; empty if nobody
	shift     time.Duration // what that person's clock is ahead of the machine's
}

// NewSystem reads the machine's clock for the first time. A wall clock before floor (the
// build date) is agent.ClockUnset, whoever confirms it.
func NewSystem(floor time.Time) *System {
	s := &System{boot: bootID(), mono: boottime, read: readSystem, floor: floor}
	wall, mono, synced := s.read()
	s.offset = offsetOf(wall, mono)
	s.trust = s.judge(wall, synced)
	return s
}

// Now implements Clock.
func (s *System) Now() agent.Instant {
	mono := s.mono()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instant(mono)
}

// At implements Clock.
func (s *System) At(mono time.Duration) (<-chan time.Time, func()) {
	return after(mono - s.mono())
}

// Offset is wall minus monotonic since the Unix epoch, and how far it can be trusted.
func (s *System) Offset() (time.Duration, agent.ClockTrust) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset, s.trust
}

// RaiseFloor tells the newest stored record's time, once it is known. It may make the clock
// unset. One that kernel or a person confirms is believed all the same: it is the record that
// was dated by a clock too fast, and a gateway must not wait until that date.
func (s *System) RaiseFloor(newest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if newest.After(s.newest) {
		s.newest = newest
	}
	wall, _, synced := s.read()
	s.trust = s.judge(wall.Add(s.shift), synced || s.confirmed != "")
}

// Set makes the clock synced on a person's word, until the machine's own clock steps: wall
// is the right time now, or zero if the machine's clock is right. The machine's clock itself
// is not touched.
func (s *System) Set(wall time.Time, by string) Change {
	machine, mono, _ := s.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	was, old := s.trust, s.offset
	s.confirmed, s.shift = by, 0
	if !wall.IsZero() {
		s.shift = wall.Sub(machine)
	}
	s.offset = offsetOf(machine, mono) + s.shift.Round(time.Millisecond)
	s.trust = s.judge(machine.Add(s.shift), true)
	return Change{At: s.instant(mono), Was: was, Old: old, New: s.offset, By: by}
}

// Run looks at the wall clock once a second until ctx is done and calls changed for each
// step and each change of trust. It returns nil.
func (s *System) Run(ctx context.Context, changed func(Change)) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if c, ok := s.look(); ok {
			changed(c)
		}
	}
}

func (s *System) look() (Change, bool) {
	wall, mono, synced := s.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	old, was := s.offset, s.trust
	s.offset = offsetOf(wall, mono) + s.shift.Round(time.Millisecond)
	by := "kernel"
	stepped := beyond(s.offset-old, StepThreshold)
	if stepped { // the machine's clock was set: it counts again, not the person's word
		s.confirmed, s.shift = "", 0
		s.offset = offsetOf(wall, mono)
	} else if s.confirmed != "" {
		synced, by = true, s.confirmed
	}
	s.trust = s.judge(wall.Add(s.shift), synced)
	if !stepped && s.trust == was {
		return Change{}, false
	}
	return Change{At: s.instant(mono), Was: was, Old: old, New: s.offset, By: by}, true
}

func beyond(d, limit time.Duration) bool { return d > limit || d < -limit }

func (s *System) judge(wall time.Time, synced bool) agent.ClockTrust {
	switch {
	case wall.Before(s.floor):
		return agent.ClockUnset
	case synced:
		return agent.ClockSynced
	case wall.Before(s.newest):
		return agent.ClockUnset
	}
	return agent.ClockHeld
}

func (s *System) instant(mono time.Duration) agent.Instant {
	at := agent.Instant{Mono: wholeMillis(mono), Boot: s.boot, Trust: s.trust}
	if s.trust != agent.ClockUnset {
		at.Wall = time.Unix(0, int64(at.Mono+s.offset)).UTC()
	}
	return at
}

// offsetOf is in whole milliseconds, so that instants are.
func offsetOf(wall time.Time, mono time.Duration) time.Duration {
	return (time.Duration(wall.UnixNano()) - mono).Round(time.Millisecond)
}

func readSystem() (time.Time, time.Duration, bool) {
	return time.Now(), boottime(), kernelSynced()
}

// boottime is unix.ClockGettime of CLOCK_BOOTTIME, but raw: the call cannot block, so the
// scheduler need not be told of it. To tell it would wake its monitor, which then looks
// every few microseconds whether the call returns: in an agent that sleeps between ticks that
// was a sixth of all its processor time.
func boottime() time.Duration {
	var ts unix.Timespec
	//nolint:gosec // the kernel writes one Timespec, and ts is kept until the call returns
	_, _, errno := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		panic("clock: CLOCK_BOOTTIME: " + errno.Error()) // there since Linux 2.6.39
	}
	return time.Duration(ts.Nano())
}

func kernelSynced() bool {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	return err == nil && state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0
}

// bootID is the kernel's; where /proc has none, a random one of this process, so that
// instants of two processes are never compared by mistake.
func bootID() agent.BootID {
	if text, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		if id, err := agent.ParseBootID(strings.TrimSpace(string(text))); err == nil {
			return id
		}
	}
	return NewBootID()
}

// NewBootID is a random boot id, for clocks that are not the machine's.
func NewBootID() agent.BootID {
	var id agent.BootID
	if _, err := rand.Read(id[:]); err != nil {
		panic(fmt.Sprintf("clock: random boot id: %v", err))
	}
	return id
}
