package sample_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/sample"
	"github.com/frostline/frostline/sensors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// sink collects what lanes produce and lets a test wait for it.
type sink struct {
	readings chan []agent.Reading
	scans    chan agent.Scan
	events   chan agent.Event
}

func newSink() *sink {
	return &sink{make(chan []agent.Reading, 4096), make(chan agent.Scan, 16384), make(chan agent.Event, 4096)}
}
func (s *sink) Readings(rs []agent.Reading) { s.readings <- slices.Clone(rs) }
func (s *sink) Scan(sc agent.Scan)          { s.scans <- sc }
func (s *sink) Event(e agent.Event)         { s.events <- e }

func next[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came in 10 s")
		panic("unreachable")
	}
}

// conditions remembers which codes hold.
type conditions struct {
	mu    sync.Mutex
	holds map[string]string
}

func (c *conditions) Raise(code, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds == nil {
		c.holds = map[string]string{}
	}
	c.holds[code] = detail
}

func (c *conditions) Clear(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.holds, code)
}

func (c *conditions) has(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.holds[code]
	return ok
}

// thermometer answers with what next returns.
type thermometer struct {
	next   func() (agent.Value, error)
	closed func()
}

func (s thermometer) Read(_ context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	v, err := s.next()
	if err != nil {
		return dst, err
	}
	return append(dst, sensors.Sample{Point: "temperature", Value: v}), nil
}

func (s thermometer) Close() error {
	if s.closed != nil {
		s.closed()
	}
	return nil
}

type rig struct {
	*sink
	*conditions
	clock *clock.Fake
	lane  *sample.Lane
	def   agent.Definition
}

func run(t *testing.T, open func(context.Context) (sensors.Sensor, error), change func(*agent.Definition)) *rig {
	t.Helper()
	r := &rig{sink: newSink(), conditions: &conditions{}, clock: clock.NewFake(start)}
	def := agent.Definition{Point: "cr1/temperature", Quantity: agent.Temperature, Zone: "cold-room-1", Driver: "test"}
	if change != nil {
		change(&def)
	}
	r.def = def.Identified()
	r.lane = sample.NewLane(sample.LaneOptions{
		ID: "cr1", Open: open, Points: []sample.Point{{Name: "temperature", Def: r.def}},
		Every: 10 * time.Second, Timeout: 2 * time.Second, Base: r.clock.Now().Mono, Clock: r.clock,
		Sink: r.sink, Conditions: r.conditions,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.lane.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// tick moves the clock on by one interval once the lane waits for it.
func (r *rig) tick(t *testing.T, d time.Duration) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for r.clock.Waiting() == 0 {
		select {
		case <-deadline:
			t.Fatal("the lane does not wait for its tick")
		default:
		}
	}
	r.clock.Advance(d)
}

func always(s sensors.Sensor) func(context.Context) (sensors.Sensor, error) {
	return func(context.Context) (sensors.Sensor, error) { return s, nil }
}

func TestLaneReadsAtStartAndOnEveryTick(t *testing.T) {
	var n agent.Value
	r := run(t, always(thermometer{next: func() (agent.Value, error) { n++; return n * agent.Unit, nil }}), nil)
	for i := range 3 {
		got := next(t, r.readings)[0]
		want := agent.Value(i+1) * agent.Unit
		if !got.OK() || got.Value != want || got.Raw != want || got.Def != r.def.ID {
			t.Fatalf("reading %d: %+v, want value %v of %v", i, got, want, r.def.ID)
		}
		if at := got.At.Wall; !at.Equal(start.Add(time.Duration(i) * 10 * time.Second)) {
			t.Fatalf("reading %d at %v", i, at)
		}
		r.tick(t, 10*time.Second)
	}
}

func TestAFailureIsAFaultAndNeverANumber(t *testing.T) {
	cases := []struct {
		err  error
		want agent.Fault
	}{
		{agent.FaultCRC, agent.FaultCRC},
		{fmt.Errorf("sht4x: read: %w", agent.FaultAbsent), agent.FaultAbsent},
		{fmt.Errorf("bus: %w", errors.Join(context.DeadlineExceeded, agent.FaultBusStuck)), agent.FaultBusStuck},
		{context.DeadlineExceeded, agent.FaultTimeout},
		{errors.New("anything"), agent.FaultIO},
	}
	for _, c := range cases {
		t.Run(c.want.String(), func(t *testing.T) {
			r := run(t, always(thermometer{next: func() (agent.Value, error) { return 0, c.err }}), nil)
			got := next(t, r.readings)[0]
			if got.Fault != c.want || got.Value != 0 {
				t.Fatalf("got %+v, want fault %s", got, c.want)
			}
			if e := next(t, r.events); e.Change == nil || e.Change.State != "lost" || e.Change.Subject != "sensor/cr1" {
				t.Fatalf("event %+v, want sensor lost", e)
			}
			if !r.has("sensor-failing") {
				t.Fatal("condition sensor-failing is not raised")
			}
		})
	}
}

func TestAValueOutsideItsQuantityIsAFault(t *testing.T) {
	r := run(t, always(thermometer{next: func() (agent.Value, error) { return -274 * agent.Unit, nil }}), nil)
	if got := next(t, r.readings)[0]; got.Fault != agent.FaultRange {
		t.Fatalf("−274 °C gave %+v", got)
	}
}

func TestHumidityPastItsScaleKeepsItsValueAndIsMarked(t *testing.T) {
	r := run(t, always(thermometer{next: func() (agent.Value, error) { return 103 * agent.Unit, nil }}),
		func(d *agent.Definition) { d.Quantity = agent.Humidity })
	got := next(t, r.readings)[0]
	if !got.OK() || got.Value != 103*agent.Unit || got.Marks != agent.MarkImplausible {
		t.Fatalf("103 %%RH gave %+v", got)
	}
}

func TestCalibrationKeepsTheRawValue(t *testing.T) {
	r := run(t, always(thermometer{next: func() (agent.Value, error) { return 5 * agent.Unit, nil }}),
		func(d *agent.Definition) { d.Calibration.Offset = -300_000 })
	got := next(t, r.readings)[0]
	if got.Value != 4_700_000 || got.Raw != 5_000_000 {
		t.Fatalf("got %+v, want 4.7 with raw 5", got)
	}
}

func TestMissedTicksAreRecords(t *testing.T) {
	r := run(t, always(thermometer{next: func() (agent.Value, error) { return agent.Unit, nil }}), nil)
	next(t, r.readings)
	r.tick(t, 35*time.Second) // due at 10, 20 and 30 s; the clock says 35
	for _, at := range []int{10, 20} {
		got := next(t, r.readings)[0]
		if got.Fault != agent.FaultMissed || !got.At.Wall.Equal(start.Add(time.Duration(at)*time.Second)) {
			t.Fatalf("got %+v, want missed at %d s", got, at)
		}
	}
	if got := next(t, r.readings)[0]; !got.OK() {
		t.Fatalf("the tick that is due now gave %+v", got)
	}
	if !r.has("lane-late") {
		t.Fatal("condition lane-late is not raised")
	}
	r.tick(t, 5*time.Second) // 40 s: back on the grid
	if got := next(t, r.readings)[0]; !got.At.Wall.Equal(start.Add(40 * time.Second)) {
		t.Fatalf("the next tick is at %v, want 40 s after the start", got.At.Wall)
	}
}

func TestALongSleepIsOneGap(t *testing.T) {
	r := run(t, always(thermometer{next: func() (agent.Value, error) { return agent.Unit, nil }}), nil)
	next(t, r.readings)
	r.tick(t, 10*time.Second*1000)
	e := next(t, r.events)
	if e.Gap == nil || e.Gap.Source != "sensor/cr1" || e.Gap.Counts[0].Count != 1000-1-720 {
		t.Fatalf("event %+v, want a gap of 279 readings", e.Gap)
	}
	for i := range 720 {
		if got := next(t, r.readings)[0]; got.Fault != agent.FaultMissed {
			t.Fatalf("reading %d after the gap: %+v", i, got)
		}
	}
}

func TestAReplugIsFoundByItself(t *testing.T) {
	var mu sync.Mutex
	plugged, opened, closed := true, 0, 0
	set := func(p bool) { mu.Lock(); defer mu.Unlock(); plugged = p }
	dev := thermometer{
		next: func() (agent.Value, error) {
			mu.Lock()
			defer mu.Unlock()
			if !plugged {
				return 0, agent.FaultAbsent
			}
			return 4 * agent.Unit, nil
		},
		closed: func() { closed++ },
	}
	r := run(t, func(context.Context) (sensors.Sensor, error) {
		mu.Lock()
		defer mu.Unlock()
		if !plugged {
			return nil, fmt.Errorf("open: %w", agent.FaultAbsent)
		}
		opened++
		return dev, nil
	}, nil)
	next(t, r.readings)
	set(false)
	for i := range 6 {
		r.tick(t, 10*time.Second)
		if got := next(t, r.readings)[0]; got.Fault != agent.FaultAbsent {
			t.Fatalf("tick %d unplugged: %+v", i, got)
		}
	}
	set(true)
	deadline := 0
	for {
		r.tick(t, 10*time.Second)
		if got := next(t, r.readings)[0]; got.OK() {
			break
		}
		if deadline++; deadline > 3 {
			t.Fatal("the sensor is not back within 30 s of its clock")
		}
	}
	if opened != 2 || closed != 1 {
		t.Fatalf("opened %d and closed %d times, want 2 and 1", opened, closed)
	}
	lost, found := next(t, r.events), next(t, r.events)
	if lost.Change.State != "lost" || found.Change.State != "found" {
		t.Fatalf("events %+v, %+v", lost.Change, found.Change)
	}
	if r.has("sensor-failing") {
		t.Fatal("condition sensor-failing outlives its cause")
	}
}

// doorSensor is a state input whose changes are pushed.
type doorSensor struct {
	thermometer
	changes chan struct{}
}

func (d doorSensor) Watch(ctx context.Context, changed func()) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.changes:
			changed()
		}
	}
}

func TestAStateInputIsReadAtEveryChangeAndOnItsTicks(t *testing.T) {
	door := doorSensor{thermometer{next: func() (agent.Value, error) { return agent.Unit, nil }}, make(chan struct{})}
	r := run(t, always(door), func(d *agent.Definition) { d.Quantity = agent.Door })
	next(t, r.readings)
	r.clock.Advance(3 * time.Second)
	door.changes <- struct{}{}
	if got := next(t, r.readings)[0]; !got.At.Wall.Equal(start.Add(3 * time.Second)) {
		t.Fatalf("the change was recorded at %v", got.At.Wall)
	}
	r.tick(t, 7*time.Second)
	if got := next(t, r.readings)[0]; !got.At.Wall.Equal(start.Add(10 * time.Second)) {
		t.Fatalf("the tick was recorded at %v", got.At.Wall)
	}
}

// burst emits n codes and fails.
type burst struct{ n int }

func (b burst) Run(ctx context.Context, emit func(sensors.Observation)) error {
	for i := range b.n {
		emit(sensors.Observation{Code: fmt.Sprint(i), Symbology: agent.SymbologyUnknown})
	}
	return agent.FaultAbsent
}
func (burst) Close() error { return nil }

func TestScannerHandsOnEveryScanAndTellsOnceThatItFails(t *testing.T) {
	s, cond := newSink(), &conditions{}
	scanner := sample.NewScanner(sample.ScannerOptions{
		ID: "dock", Zone: "dock", Timeout: time.Second, Clock: clock.NewFake(start), Sink: s, Conditions: cond,
		Open: func(context.Context) (sensors.Scanner, error) { return burst{100}, nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = scanner.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for i := range 100 {
		if got := next(t, s.scans); got.Code != fmt.Sprint(i) || got.Reader != "dock" || got.Zone != "dock" {
			t.Fatalf("scan %d: %+v", i, got)
		}
	}
	if e := next(t, s.events); e.Change.State != "found" {
		t.Fatalf("event %+v", e.Change)
	}
	if e := next(t, s.events); e.Change.State != "lost" {
		t.Fatalf("event %+v", e.Change)
	}
}

// blockedSink does not take scans until it is let go.
type blockedSink struct {
	*sink
	letGo chan struct{}
}

func (b blockedSink) Scan(s agent.Scan) { <-b.letGo; b.sink.Scan(s) }

func TestAnOverrunIsCountedAndNeverBlocksTheDevice(t *testing.T) {
	s := blockedSink{newSink(), make(chan struct{})}
	emitted := make(chan struct{})
	scanner := sample.NewScanner(sample.ScannerOptions{
		ID: "dock", Timeout: time.Second, Clock: clock.NewFake(start), Sink: s, Conditions: &conditions{},
		Open: func(context.Context) (sensors.Scanner, error) { return flood{emitted}, nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = scanner.Run(ctx) }()
	defer func() { cancel(); <-done }()
	next(t, emitted)
	close(s.letGo)
	var gap *agent.Gap
	for gap == nil {
		gap = next(t, s.events).Gap
	}
	if got := int64(len(s.scans)) + gap.Counts[0].Count; got != 10_000 {
		t.Fatalf("%d scans and a gap of %d make %d, want 10000", len(s.scans), gap.Counts[0].Count, got)
	}
}

type flood struct{ done chan struct{} }

func (f flood) Run(ctx context.Context, emit func(sensors.Observation)) error {
	for i := range 10_000 {
		emit(sensors.Observation{Code: fmt.Sprint(i)})
	}
	close(f.done)
	<-ctx.Done()
	return nil
}
func (flood) Close() error { return nil }
