package sample

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
)

// Sink takes what lanes and scanners produce. Its methods return without waiting for a disk
// or a network, and may be called from several goroutines.
type Sink interface {
	Readings(rs []agent.Reading) // rs is the sink's only until it returns
	Scan(s agent.Scan)
	Event(e agent.Event)
}

// Conditions takes what is wrong with a sensor or a scanner.
type Conditions interface {
	Raise(code, detail string)
	Clear(code string)
}

// Point is one point of a lane's sensor: the driver's name for it and its definition.
type Point struct {
	Name string
	Def  agent.Definition
}

// LaneOptions describe one sensor's lane. All fields but Log are required.
type LaneOptions struct {
	ID         agent.SensorID
	Open       func(ctx context.Context) (sensors.Sensor, error)
	Points     []Point
	Every      time.Duration // of the agent's clock
	Timeout    time.Duration // real time for one opening, start or read
	Base       time.Duration // monotonic instant of the common first tick
	Clock      clock.Clock
	Sink       Sink
	Conditions Conditions
	Log        *slog.Logger
}

// Lane reads one sensor on its schedule.
type Lane struct {
	o      LaneOptions
	sensor sensors.Sensor // owned by Run's goroutine; nil while not open

	buf      []sensors.Sample
	readings []agent.Reading // of one tick, one per point
	pause    int             // ticks to let pass before the next attempt to open
	tries    int             // attempts to open that failed in a row
	failures int             // whole reads that failed in a row
	fault    agent.Fault     // what the points show while the sensor is not open
	changed  chan struct{}   // a state input changed: read at once
	watching func()          // ends the watch of an open sensor

	mu       sync.Mutex
	produced time.Duration // monotonic instant of the last readings handed on
	lost     bool
}

const (
	reopenAfter = 3                // whole reads that fail in a row before the sensor is opened anew
	openPause   = 15 * time.Second // longest pause between two attempts to open
	watchPause  = time.Second      // between two attempts to watch a state input
	mostMissed  = 720              // missed ticks recorded one by one; more are one gap
)

// NewLane makes a lane; Run runs it.
func NewLane(o LaneOptions) *Lane {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Lane{
		o: o, fault: agent.FaultOpen, changed: make(chan struct{}, 1), produced: o.Base,
		readings: make([]agent.Reading, len(o.Points)),
	}
}

// ID is the sensor's.
func (l *Lane) ID() agent.SensorID { return l.o.ID }

// Behind is how long the lane is overdue at mono, beyond its interval and deadline: 0 while
// it produces values or declared failures on time. The watchdog looks at it.
func (l *Lane) Behind(mono time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, mono-l.produced-l.o.Every)
}

// Run reads the sensor on every tick until ctx is done, then closes it. It returns nil.
func (l *Lane) Run(ctx context.Context) error {
	defer l.close()
	for due := l.o.Base; ; {
		onTick, err := l.wait(ctx, due)
		if err != nil {
			return nil
		}
		now := l.o.Clock.Now()
		if onTick {
			due = l.missed(due, now)
		}
		readings := l.read(ctx, now, onTick)
		if readings == nil {
			return nil
		}
		l.o.Sink.Readings(readings)
		l.mu.Lock()
		l.produced = now.Mono
		l.mu.Unlock()
		if onTick {
			due += l.o.Every
		}
	}
}

// wait returns true at the tick, false when a state input changed before it.
func (l *Lane) wait(ctx context.Context, due time.Duration) (onTick bool, err error) {
	reached, stop := l.o.Clock.At(due)
	defer stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-reached:
		return true, nil
	case <-l.changed:
		return false, nil
	}
}

// missed records the ticks that have passed unread and returns the tick that is due now.
func (l *Lane) missed(due time.Duration, now agent.Instant) time.Duration {
	n := int((now.Mono - due) / l.o.Every)
	if n == 0 {
		l.o.Conditions.Clear("lane-late")
		return due
	}
	l.o.Conditions.Raise("lane-late", fmt.Sprintf("%d readings of %s missed", n, l.o.ID))
	first := due
	due += time.Duration(n) * l.o.Every
	if n > mostMissed {
		skip := n - mostMissed
		from := now.Add(first - now.Mono)
		l.o.Sink.Event(agent.Event{At: now, Kind: agent.EventGap, Gap: &agent.Gap{
			Reason: agent.GapOverrun, Source: "sensor/" + string(l.o.ID), From: from.Wall,
			To:     from.Add(time.Duration(skip) * l.o.Every).Wall,
			Counts: []agent.Tally{{Kind: agent.KindReadings, Count: int64(skip) * int64(len(l.o.Points))}},
		}})
		first += time.Duration(skip) * l.o.Every
	}
	for at := first; at < due; at += l.o.Every {
		l.o.Sink.Readings(l.faults(now.Add(at-now.Mono), agent.FaultMissed))
	}
	return due
}

// read makes one reading per point; none if ctx ended before anything was known. It is
// called at now; only where it opens or starts the sensor does it look at the clock again.
func (l *Lane) read(ctx context.Context, now agent.Instant, onTick bool) []agent.Reading {
	at := now
	if l.sensor == nil {
		opened := l.open(ctx, onTick)
		at = l.o.Clock.Now()
		if !opened && ctx.Err() != nil {
			return nil
		}
		if !opened {
			return l.faults(at, l.fault)
		}
	}
	if s, ok := l.sensor.(sensors.Starter); ok {
		err := l.start(ctx, s)
		at = l.o.Clock.Now()
		if err != nil {
			return l.failed(ctx, at, err)
		}
	}
	tx, cancel := context.WithTimeout(ctx, l.o.Timeout)
	samples, err := l.sensor.Read(tx, l.buf[:0])
	cancel()
	if err != nil {
		return l.failed(ctx, at, err)
	}
	if _, waits := l.sensor.(sensors.Watcher); waits {
		at = l.o.Clock.Now() // a state input may wait for its contacts to rest: the state is that of the end
	}
	l.buf = samples
	return l.measured(at, samples)
}

// start begins a conversion and waits until it can be read.
func (l *Lane) start(ctx context.Context, s sensors.Starter) error {
	tx, cancel := context.WithTimeout(ctx, l.o.Timeout)
	defer cancel()
	ready, err := s.Start(tx)
	if err != nil {
		return err
	}
	return clock.Wait(ctx, l.o.Clock, l.o.Clock.Now().Mono+ready)
}

// measured turns samples into readings. A point that the sensor left out, or whose value
// does not fit its quantity, is a fault.
func (l *Lane) measured(at agent.Instant, samples []sensors.Sample) []agent.Reading {
	whole := false
	for i := range l.o.Points {
		p := &l.o.Points[i]
		r := agent.Reading{Def: p.Def.ID, At: at, Fault: agent.FaultProtocol}
		if s := sampleOf(samples, i, p.Name); s != nil {
			r = reading(&p.Def, at, s)
		}
		whole = whole || r.OK()
		l.readings[i] = r
	}
	if whole {
		l.succeeded(at)
	}
	return l.readings
}

// sampleOf finds a point's sample. Drivers give samples in the order of their points, so it
// stands at i nearly always.
func sampleOf(samples []sensors.Sample, i int, name string) *sensors.Sample {
	if i < len(samples) && samples[i].Point == name {
		return &samples[i]
	}
	for j := range samples {
		if samples[j].Point == name {
			return &samples[j]
		}
	}
	return nil
}

func reading(def *agent.Definition, at agent.Instant, s *sensors.Sample) agent.Reading {
	r := agent.Reading{Def: def.ID, At: at, Fault: s.Fault}
	if s.Fault != agent.FaultNone {
		return r
	}
	v, ok := def.Calibration.Apply(s.Value)
	if !ok || !def.Quantity.Contains(s.Value) || !def.Quantity.Contains(v) {
		r.Fault = agent.FaultRange
		return r
	}
	r.Value, r.Raw = v, s.Value
	if def.Quantity == agent.Humidity && (v < 0 || v > 100*agent.Unit) {
		r.Marks |= agent.MarkImplausible
	}
	return r
}

func (l *Lane) succeeded(at agent.Instant) {
	l.failures, l.tries = 0, 0
	l.o.Conditions.Clear("sensor-failing")
	if l.setLost(false) {
		l.change(at, "found", "")
	}
}

func (l *Lane) failed(ctx context.Context, at agent.Instant, err error) []agent.Reading {
	if ctx.Err() != nil {
		return nil // the agent stops: nothing is known against the sensor
	}
	fault := FaultOf(err)
	l.failures++
	l.o.Log.Debug("sensor read failed", slog.String("sensor", string(l.o.ID)),
		slog.Int("in_a_row", l.failures), slog.Any("err", err))
	l.lose(at, err)
	if l.failures >= reopenAfter {
		l.close()
		l.fault, l.failures = fault, 0
	}
	return l.faults(at, fault)
}

// lose announces that the sensor fails, once.
func (l *Lane) lose(at agent.Instant, err error) {
	l.o.Conditions.Raise("sensor-failing", err.Error())
	if l.setLost(true) {
		l.o.Log.Warn("sensor lost", slog.String("sensor", string(l.o.ID)), slog.Any("err", err))
		l.change(at, "lost", err.Error())
	}
}

// open tries to open the sensor, with growing pauses between attempts.
func (l *Lane) open(ctx context.Context, onTick bool) bool {
	if l.pause > 0 {
		if onTick {
			l.pause--
		}
		return false
	}
	tx, cancel := context.WithTimeout(ctx, l.o.Timeout)
	s, err := l.o.Open(tx)
	cancel()
	if err != nil && ctx.Err() != nil {
		return false // the agent stops: nothing is known against the sensor
	}
	if err != nil {
		l.fault = FaultOf(err)
		if l.fault == agent.FaultIO {
			l.fault = agent.FaultOpen
		}
		l.pause = min(1<<min(l.tries, 16), int(openPause/l.o.Every)) - 1
		l.tries++
		l.lose(l.o.Clock.Now(), err)
		return false
	}
	l.sensor = s
	l.watch(ctx)
	return true
}

// watch lets a state input call for a read at every change, for as long as it is open.
func (l *Lane) watch(ctx context.Context) {
	w, ok := l.sensor.(sensors.Watcher)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.watchFor(ctx, w)
	}()
	l.watching = func() { cancel(); <-done }
}

// watchFor watches until ctx is done, again and again where watching fails: until then
// changes are seen at the sensor's ticks only.
func (l *Lane) watchFor(ctx context.Context, w sensors.Watcher) {
	for level := slog.LevelWarn; ; level = slog.LevelDebug {
		err := w.Watch(ctx, func() {
			select {
			case l.changed <- struct{}{}:
			default: // a change is already waiting to be read
			}
		})
		if ctx.Err() != nil {
			return
		}
		l.o.Log.Log(ctx, level, "changes of a state input are not seen before its next tick",
			slog.String("sensor", string(l.o.ID)), slog.Any("err", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchPause):
		}
	}
}

func (l *Lane) close() {
	if l.sensor == nil {
		return
	}
	if l.watching != nil {
		l.watching()
		l.watching = nil
	}
	if err := l.sensor.Close(); err != nil {
		l.o.Log.Debug("sensor close failed", slog.String("sensor", string(l.o.ID)), slog.Any("err", err))
	}
	l.sensor = nil
}

func (l *Lane) faults(at agent.Instant, f agent.Fault) []agent.Reading {
	for i := range l.o.Points {
		l.readings[i] = agent.Reading{Def: l.o.Points[i].Def.ID, At: at, Fault: f}
	}
	return l.readings
}

func (l *Lane) change(at agent.Instant, state, detail string) {
	l.o.Sink.Event(agent.Event{At: at, Kind: agent.EventChange, Change: &agent.StateChange{
		Subject: "sensor/" + string(l.o.ID), State: state, Detail: detail,
	}})
}

func (l *Lane) setLost(lost bool) (changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed = l.lost != lost
	l.lost = lost
	return changed
}

// FaultOf is the agent.Fault in err's chain; agent.FaultTimeout where a deadline passed,
// agent.FaultIO where the chain tells nothing.
func FaultOf(err error) agent.Fault {
	var f agent.Fault
	switch {
	case errors.As(err, &f) && f != agent.FaultNone:
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return agent.FaultTimeout
	}
	return agent.FaultIO
}
