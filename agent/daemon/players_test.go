package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
)

// dial is a thermometer on which the test sets what it shows.
type dial struct {
	mu    sync.Mutex
	value agent.Value
	err   error
	hang  chan struct{} // not nil: a read does not return until it is closed, whatever its deadline
	read  time.Duration // when it was last read, real time
	name  string        // the number that its maker gave it
}

func (d *dial) Serial() string { return d.name }

func (d *dial) set(v float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.value, d.err = agent.Value(v*float64(agent.Unit)), nil
}

func (d *dial) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *dial) hold(until chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hang = until
}

func (d *dial) readAt() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.read
}

func (d *dial) Read(_ context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	d.mu.Lock()
	hang := d.hang
	d.mu.Unlock()
	if hang != nil {
		<-hang
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read = clock.Elapsed()
	if d.err != nil {
		return dst, d.err
	}
	return append(dst, sensors.Sample{Point: "temperature", Value: d.value}), nil
}

func (d *dial) Close() error { return nil }

// lever is a dial that shows a contact; it begins open.
type lever struct{ *dial }

func (l lever) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	got, err := l.dial.Read(ctx, nil)
	for i := range got {
		got[i].Point = "contact"
		if got[i].Value != agent.Unit {
			got[i].Value = 0
		}
	}
	return append(dst, got...), err
}

// gun is a scanner that sees what the test scans.
type gun struct{ codes chan string }

func (g *gun) Run(ctx context.Context, emit func(sensors.Observation)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case code := <-g.codes:
			emit(sensors.Observation{Code: code, Symbology: agent.SymbologyUnknown})
		}
	}
}

func (g *gun) Close() error { return nil }

// heard is one announcement.
type heard struct {
	announce.Notice
	at time.Duration // real time
}

// bell is an output that remembers. While refuse is set it takes nothing.
type bell struct {
	mu     sync.Mutex
	heard  []heard
	mutes  time.Duration // for how long it was silenced, in all
	refuse bool
}

func (b *bell) silenced() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mutes
}

func (b *bell) Announce(_ context.Context, n announce.Notice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse {
		return errors.New("the bell is muffled")
	}
	b.mutes += n.Mute
	if n.Event != nil {
		b.heard = append(b.heard, heard{n, clock.Elapsed()})
	}
	return nil
}

func (b *bell) Close() error { return nil }

// of lists what was announced of one alarm.
func (b *bell) of(id agent.AlarmID) []heard {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []heard
	for _, h := range b.heard {
		if h.Event.Alarm == id {
			all = append(all, h)
		}
	}
	return all
}

// dialConfig names the device that the test plays.
type dialConfig struct {
	Name string `yaml:"name,required" doc:"the device"`
}

type bellConfig struct{}

// steppable is a clock that the test moves, and whose steps the agent is told of as of the
// machine's own.
type steppable struct {
	*clock.Fake
	steps chan clock.Change
}

func newSteppable(wall time.Time) *steppable {
	return &steppable{clock.NewFake(wall), make(chan clock.Change)}
}

// Run hands on steps until ctx is done.
func (s *steppable) Run(ctx context.Context, changed func(clock.Change)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-s.steps:
			changed(c)
		}
	}
}

// step sets the wall clock and returns once the agent was told.
func (s *steppable) step(wall time.Time, trust agent.ClockTrust) {
	was := s.Now()
	s.Step(wall, trust)
	now := s.Now()
	c := clock.Change{At: now, Was: was.Trust, New: now.Wall.Sub(time.Unix(0, 0)) - now.Mono, By: "kernel"}
	if !was.Wall.IsZero() {
		c.Old = was.Wall.Sub(time.Unix(0, 0)) - was.Mono
	}
	s.steps <- c
}
