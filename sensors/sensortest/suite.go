package sensortest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
)

// Suite is a driver, and how to put its device on a bench.
type Suite struct {
	Driver sensors.Driver
	// Place puts a device on the bench and returns its settings, a pointer as Driver.Config
	// returns it. It is called for many benches.
	Place func(b *Bench) (config any)
	// A and B are two rooms, further apart than Tolerance in every quantity of the driver.
	A, B map[agent.Quantity]float64
	// Tolerance is how far a value may be from the truth: the device's own steps.
	Tolerance map[agent.Quantity]float64
	// Silent is a bus on which nobody answering looks like any other answer (SPI): that an
	// absent device is named as such is not asked for then.
	Silent bool
	// Unanswered are transactions whose refusal the driver may survive, such as a poll.
	Unanswered bool
	// LineLevels is an input whose line is its value (GPIO): there are no transactions to
	// spoil, and a line that is held or open is a legal state.
	LineLevels bool
}

const (
	benches  = 48               // at work at a time
	patience = 20 * time.Second // for a transaction that should not take any time
)

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	b, _ := s.bench()
	for _, step := range []struct {
		name    string
		applies bool
		run     func(*testing.T, Suite)
	}{
		{"points", true, testPoints},
		{"true value", true, testTrue},
		{"error appends nothing", true, testAppends},
		{"bit flips", !s.LineLevels, testFlips},
		{"bit flips at open", !s.LineLevels, testFlipsAtOpen},
		{"no acknowledge", !s.LineLevels && !s.Silent, testRefused},
		{"short answers", !s.LineLevels, testCut},
		{"line held", !s.LineLevels, testHeld},
		{"stuck bus", !s.LineLevels, testStuck},
		{"deadline", true, testDeadline},
		{"unplug and replug", b.Unplug != nil, testUnplug},
		{"close", true, testClose},
	} {
		if step.applies {
			t.Run(step.name, func(t *testing.T) { step.run(t, s) })
		}
	}
	if err := goleak.Find(leaks); err != nil {
		t.Errorf("goroutines are left over: %v", err)
	}
}

// device is an open sensor on its own bench.
type device struct {
	s      Suite
	b      *Bench
	sensor sensors.Sensor
	inB    bool
}

func (s Suite) bench() (*Bench, any) {
	b := NewBench()
	for q, v := range s.A {
		b.Set(q, v)
	}
	return b, s.Place(b)
}

// open places and opens a device under a fault; nil is none.
func (s Suite) open(f Fault) (*device, error) {
	b, config := s.bench()
	b.Host()
	b.Break(f)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sensor, err := s.Driver.Open(ctx, b.Host(), config)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return &device{s: s, b: b, sensor: sensor}, nil
}

func mustOpen(t *testing.T, s Suite) *device {
	t.Helper()
	d, err := s.open(nil)
	if err != nil {
		t.Fatalf("open a healthy device: %v", err)
	}
	t.Cleanup(func() { d.close(t) })
	return d
}

func (d *device) close(t *testing.T) {
	if err := d.sensor.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := d.b.Close(); err != nil {
		t.Errorf("close the bus: %v", err)
	}
}

// move changes every quantity, so that an old value is a wrong one.
func (d *device) move() {
	d.inB = !d.inB
	for q, v := range d.room() {
		d.b.Set(q, v)
	}
}

func (d *device) room() map[agent.Quantity]float64 {
	if d.inB {
		return d.s.B
	}
	return d.s.A
}

// read is what a lane does in a tick: start, wait, read.
func (d *device) read(ctx context.Context) ([]sensors.Sample, error) {
	if st, ok := d.sensor.(sensors.Starter); ok {
		ready, err := st.Start(ctx)
		if err != nil {
			return nil, err
		}
		d.b.Skip(ready)
	}
	return d.sensor.Read(ctx, nil)
}

func (d *device) readSoon() ([]sensors.Sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return d.read(ctx)
}

// check returns what is wrong with a successful read; values says how many it gave.
func (d *device) check(got []sensors.Sample) (values int, err error) {
	seen := map[string]bool{}
	for _, x := range got {
		q := d.quantity(x.Point)
		switch {
		case q == "":
			return 0, fmt.Errorf("a sample of %q, which is no point of the driver", x.Point)
		case seen[x.Point]:
			return 0, fmt.Errorf("two samples of %q", x.Point)
		}
		seen[x.Point] = true
		if x.Fault != agent.FaultNone {
			continue
		}
		values++
		if truth := d.room()[q]; math.Abs(x.Value.Float64()-truth) > d.s.Tolerance[q] {
			return 0, fmt.Errorf("%s is %v, the truth is %v", x.Point, x.Value, truth)
		}
	}
	return values, nil
}

func (d *device) quantity(point string) agent.Quantity {
	_, config := d.s.bench()
	for _, p := range d.s.Driver.Points(config) {
		if p.Name == point {
			return p.Quantity
		}
	}
	return ""
}

// healthy reads until every point has its true value, which must happen soon after a fault.
func (d *device) healthy() error {
	_, config := d.s.bench()
	want := len(d.s.Driver.Points(config))
	var last error
	for range 3 {
		got, err := d.readSoon()
		if err != nil {
			last = err
			continue
		}
		n, err := d.check(got)
		if err != nil {
			return err
		}
		if n == want {
			return nil
		}
		last = fmt.Errorf("%d of %d points have a value: %v", n, want, got)
	}
	return fmt.Errorf("no true value in three reads: %w", last)
}

func testPoints(t *testing.T, s Suite) {
	_, config := s.bench()
	if v, ok := config.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			t.Errorf("the settings of the suite are not valid: %v", err)
		}
	}
	points := s.Driver.Points(config)
	if len(points) == 0 {
		t.Error("the driver declares no point")
	}
	seen := map[string]bool{}
	for _, p := range points {
		if seen[p.Name] || p.Name == "" {
			t.Errorf("point %q is declared twice or has no name", p.Name)
		}
		seen[p.Name] = true
		if !p.Quantity.Known() {
			t.Errorf("point %q has the unknown quantity %q", p.Name, p.Quantity)
		}
		if math.Abs(s.A[p.Quantity]-s.B[p.Quantity]) <= 2*s.Tolerance[p.Quantity] {
			t.Errorf("the rooms of the suite are too near each other in %s", p.Quantity)
		}
	}
	if a, b := s.Driver.Config(), s.Driver.Config(); a == b {
		t.Error("two calls of Config return one pointer")
	}
}

func testTrue(t *testing.T, s Suite) {
	d := mustOpen(t, s)
	for range 4 {
		if err := d.healthy(); err != nil {
			t.Fatal(err)
		}
		d.move()
	}
}

func testAppends(t *testing.T, s Suite) {
	d := mustOpen(t, s)
	before := []sensors.Sample{{Point: "mine", Value: 1}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := d.readSoon(); err != nil {
		t.Fatal(err)
	}
	d.b.Skip(time.Second)
	got, err := d.sensor.Read(ctx, before)
	if err == nil && (len(got) < 2 || got[0] != before[0]) {
		t.Errorf("a Read without Start does not append: %v", got)
	}
	if s.LineLevels {
		return
	}
	d.b.Break(Refuse(-1))
	got, err = d.sensor.Read(ctx, before)
	if err == nil || len(got) != 1 || got[0] != before[0] {
		t.Errorf("Read of an absent device = %v, %v; want the slice as it was and an error", got, err)
	}
	if s.Silent {
		return
	}
	if fault := faultOf(err); fault != agent.FaultAbsent {
		t.Errorf("an absent device is the fault %q (%v), want absent", fault, err)
	}
}

// parallel gives jobs to several devices at a time, each on its own bench.
func parallel[J any](t *testing.T, jobs []J, work func(next func() (J, bool)) error) {
	t.Helper()
	queue := make(chan J, len(jobs))
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	next := func() (J, bool) { j, ok := <-queue; return j, ok }
	var wg sync.WaitGroup
	errs := make(chan error, benches)
	for range benches {
		wg.Go(func() { errs <- work(next) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

type flip struct {
	n, bit int
	sent   bool
}

// flips lists every bit of every transaction in a log.
func flips(log []Transaction) (all []flip) {
	for n, tx := range log {
		for bit := range 8 * len(tx.W) {
			all = append(all, flip{n, bit, true})
		}
		for bit := range 8 * len(tx.R) {
			all = append(all, flip{n, bit, false})
		}
	}
	return all
}

func faultOf(err error) agent.Fault {
	var f agent.Fault
	errors.As(err, &f)
	return f
}

func describe(log []Transaction) string {
	var b strings.Builder
	for i, tx := range log {
		fmt.Fprintf(&b, "\n  %d: %x → %x", i, tx.W, tx.R)
	}
	return b.String()
}
