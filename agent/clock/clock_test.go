package clock

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/frostline/frostline/agent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine is a system clock whose parts a test moves.
type machine struct {
	wall   time.Time
	mono   time.Duration
	synced bool
}

func (m *machine) read() (time.Time, time.Duration, bool) { return m.wall, m.mono, m.synced }

func (m *machine) pass(d time.Duration) { m.wall = m.wall.Add(d); m.mono += d }

func newSystem(m *machine, floor time.Time) *System {
	s := &System{boot: agent.BootID{1}, mono: func() time.Duration { return m.mono }, read: m.read, floor: floor}
	s.offset = offsetOf(m.wall, m.mono)
	s.trust = s.judge(m.wall, m.synced)
	return s
}

var built = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestABootIn1970IsUnsetUntilTheClockIsRight(t *testing.T) {
	m := &machine{wall: time.Unix(12, 0), mono: 12 * time.Second}
	s := newSystem(m, built)
	if now := s.Now(); now.Trust != agent.ClockUnset || !now.Wall.IsZero() || now.Mono != 12*time.Second {
		t.Fatalf("in 1970: %+v", now)
	}
	m.pass(time.Minute)
	m.wall, m.synced = built.Add(24*time.Hour), true
	c, ok := s.look()
	if !ok || c.Was != agent.ClockUnset || c.At.Trust != agent.ClockSynced || !c.At.Wall.Equal(m.wall) {
		t.Fatalf("after the step: %+v, %v", c, ok)
	}
	if _, again := s.look(); again {
		t.Fatal("one step is announced twice")
	}
}

func TestAStepBackIsAnnouncedAndDurationsDoNotSeeIt(t *testing.T) {
	m := &machine{wall: built.Add(time.Hour), mono: time.Hour, synced: true}
	s := newSystem(m, built)
	before := s.Now()
	m.pass(time.Second)
	m.wall = m.wall.Add(-30 * time.Second)
	c, ok := s.look()
	if !ok || c.New-c.Old != -30*time.Second {
		t.Fatalf("step %v, %v; want −30 s", c.New-c.Old, ok)
	}
	if d, _ := s.Now().Sub(before); d != time.Second {
		t.Fatalf("the duration over the step is %v", d)
	}
}

func TestSlewIsFollowedSilently(t *testing.T) {
	m := &machine{wall: built.Add(time.Hour), mono: time.Hour, synced: true}
	s := newSystem(m, built)
	for range 100 {
		m.pass(time.Second)
		m.wall = m.wall.Add(2 * time.Millisecond)
		if c, ok := s.look(); ok {
			t.Fatalf("slew announced: %+v", c)
		}
	}
	if got := s.Now().Wall; !got.Equal(m.wall) {
		t.Fatalf("now is %v, the machine says %v", got, m.wall)
	}
}

func TestAPersonsWordHoldsUntilTheNextStep(t *testing.T) {
	m := &machine{wall: built.Add(time.Hour), mono: time.Hour}
	s := newSystem(m, built)
	if s.Now().Trust != agent.ClockHeld {
		t.Fatal("an unconfirmed clock is not held")
	}
	if c := s.Set(time.Time{}, "li"); c.At.Trust != agent.ClockSynced || c.By != "li" {
		t.Fatalf("confirmed: %+v", c)
	}
	m.pass(time.Second)
	if _, ok := s.look(); ok || s.Now().Trust != agent.ClockSynced {
		t.Fatal("the confirmation did not hold")
	}
	m.wall = m.wall.Add(time.Hour)
	if c, ok := s.look(); !ok || c.At.Trust != agent.ClockHeld {
		t.Fatalf("after a step: %+v, %v; want held", c, ok)
	}
}

func TestAPersonMaySayTheTime(t *testing.T) {
	m := &machine{wall: time.Unix(60, 0), mono: time.Minute}
	s := newSystem(m, built)
	right := built.Add(90 * 24 * time.Hour)
	if c := s.Set(right, "li"); c.Was != agent.ClockUnset || !c.At.Wall.Equal(right) || c.At.Trust != agent.ClockSynced {
		t.Fatalf("%+v", c)
	}
	m.pass(time.Hour)
	if _, ok := s.look(); ok || !s.Now().Wall.Equal(right.Add(time.Hour)) {
		t.Fatalf("an hour later it is %v", s.Now().Wall)
	}
	m.wall, m.synced = right.Add(time.Hour+5*time.Second), true // the network is back
	if c, ok := s.look(); !ok || !c.At.Wall.Equal(m.wall) || c.By != "kernel" {
		t.Fatalf("after the step: %+v, %v", c, ok)
	}
}

func TestTheNewestRecordIsAFloorForWhatNobodyConfirms(t *testing.T) {
	m := &machine{wall: built.Add(time.Hour), mono: time.Hour}
	s := newSystem(m, built)
	s.RaiseFloor(built.Add(2 * time.Hour))
	if s.Now().Trust != agent.ClockUnset {
		t.Fatal("a clock before the newest record is believed")
	}
	// The record was dated by a clock that ran ahead: the gateway must not wait until then.
	if c := s.Set(time.Time{}, "li"); c.At.Trust != agent.ClockSynced {
		t.Fatalf("a person's word for a clock before the newest record: %v", c.At.Trust)
	}
	s.RaiseFloor(built.Add(3 * time.Hour)) // a store that could be read only now
	if got := s.Now().Trust; got != agent.ClockSynced {
		t.Fatalf("a newest record that is found later takes a person's word away: %v", got)
	}
	m.synced = true
	s = newSystem(m, built)
	s.RaiseFloor(built.Add(2 * time.Hour))
	if s.Now().Trust != agent.ClockSynced {
		t.Fatal("the kernel's word for a clock before the newest record is not believed")
	}
}

func TestInstantsAreWholeMilliseconds(t *testing.T) {
	m := &machine{wall: built.Add(123456789), mono: 987654321, synced: true}
	now := newSystem(m, built).Now()
	if now.Mono%time.Millisecond != 0 || now.Wall.Nanosecond()%int(time.Millisecond) != 0 {
		t.Fatalf("%v %v", now.Mono, now.Wall)
	}
}

func TestTheRealClockMoves(t *testing.T) {
	s := NewSystem(built)
	if err := Wait(t.Context(), s, s.Now().Mono+20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if s.Now().Boot == (agent.BootID{}) {
		t.Fatal("no boot id")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx, func(Change) {}); err != nil {
		t.Fatal(err)
	}
}

// The raw call is what the library's says, also where a pointer has 32 bits.
func TestElapsedIsTheTimeSinceTheBoot(t *testing.T) {
	var ts unix.Timespec
	before := Elapsed()
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		t.Fatal(err)
	}
	between, after := time.Duration(ts.Nano()), Elapsed()
	if before <= 0 || before > between || between > after {
		t.Fatalf("%v, then the library says %v, then %v", before, between, after)
	}
}

func TestScaledRunsFaster(t *testing.T) {
	s := NewScaled(built, 1000)
	began := Elapsed()
	if err := Wait(t.Context(), s, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if real := Elapsed() - began; real > 5*time.Second {
		t.Fatalf("20 s at a thousandfold took %v", real)
	}
	if now := s.Now(); now.Wall.Before(built.Add(20 * time.Second)) {
		t.Fatalf("the wall says %v", now.Wall)
	}
}

func TestFakeWakesWhoWaits(t *testing.T) {
	f := NewFake(built)
	reached, stop := f.At(f.Now().Mono + time.Minute)
	defer stop()
	f.Advance(59 * time.Second)
	select {
	case <-reached:
		t.Fatal("woken early")
	default:
	}
	f.Advance(time.Second)
	<-reached
}
