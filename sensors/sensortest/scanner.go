package sensortest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
)

// ScannerSuite is a scanner's driver, and how to put its device on a bench.
type ScannerSuite struct {
	Driver sensors.ScannerDriver
	// Place puts a device on the bench, sets Present (and Absent where a code stays in
	// sight), and returns the settings.
	Place func(b *Bench) (config any)
	// Want is what the device's code is observed as.
	Want sensors.Observation
	// Unchecked is a device whose codes carry no checksum that the driver could look at
	// and whose line is read from outside: no transaction can be spoiled.
	Unchecked bool
}

// RunScanner runs the suite.
func RunScanner(t *testing.T, s ScannerSuite) {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	b := NewBench()
	s.Place(b)
	for _, step := range []struct {
		name    string
		applies bool
		run     func(*testing.T, ScannerSuite)
	}{
		{"observes", true, testObserves},
		{"ends with its context", true, testRunEnds},
		{"bit flips", !s.Unchecked, testScanFlips},
		{"bit flips at open", !s.Unchecked, testScanFlipsAtOpen},
		{"line held", !s.Unchecked, testScanHeld},
		{"stuck bus", !s.Unchecked, testScanStuck},
		{"unplug and replug", b.Unplug != nil, testScanUnplug},
		{"close", true, testScanClose},
	} {
		if step.applies {
			t.Run(step.name, func(t *testing.T) { step.run(t, s) })
		}
	}
	if err := goleak.Find(leaks); err != nil {
		t.Errorf("goroutines are left over: %v", err)
	}
}

// reader is an open scanner on its own bench.
type reader struct {
	b       *Bench
	scanner sensors.Scanner

	mu   sync.Mutex
	seen []sensors.Observation
	more chan struct{} // has one element after each observation
	stop func() error  // ends Run and returns its error
}

func (s ScannerSuite) open(f Fault) (*reader, error) {
	b := NewBench()
	config := s.Place(b)
	b.Host()
	b.Break(f)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	scanner, err := s.Driver.Open(ctx, b.Host(), config)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return &reader{b: b, scanner: scanner, more: make(chan struct{}, 1)}, nil
}

func mustScan(t *testing.T, s ScannerSuite) *reader {
	t.Helper()
	r, err := s.open(nil)
	if err != nil {
		t.Fatalf("open a healthy device: %v", err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// run starts Run.
func (r *reader) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- r.scanner.Run(ctx, func(o sensors.Observation) {
			r.mu.Lock()
			r.seen = append(r.seen, o)
			r.mu.Unlock()
			select {
			case r.more <- struct{}{}:
			default:
			}
		})
	}()
	r.stop = sync.OnceValue(func() error {
		cancel()
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case err := <-ended:
			return err
		case <-timer.C:
			return errors.New("run has not returned")
		}
	})
}

// fails waits until Run returns by itself.
func (r *reader) fails() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := r.scanner.Run(ctx, func(o sensors.Observation) {
		r.mu.Lock()
		r.seen = append(r.seen, o)
		r.mu.Unlock()
	})
	if err == nil {
		return errors.New("run did not fail")
	}
	return nil
}

func (r *reader) close() error {
	var err error
	if r.stop != nil {
		err = r.stop()
	}
	return errors.Join(err, r.scanner.Close(), r.b.Close())
}

func (r *reader) observed() []sensors.Observation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]sensors.Observation(nil), r.seen...)
}

// await waits for n observations.
func (r *reader) await(n int) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		got := r.observed()
		if len(got) >= n {
			return nil
		}
		select {
		case <-r.more:
		case <-timer.C:
			return fmt.Errorf("%d observations, want %d: %v", len(got), n, got)
		}
	}
}

// only returns an error if anything but n times the true code was observed.
func (r *reader) only(want sensors.Observation, n int) error {
	got := r.observed()
	for _, o := range got {
		if o != want {
			return fmt.Errorf("a lie: observed %+v, want %+v", o, want)
		}
	}
	if len(got) > n {
		return fmt.Errorf("observed %d times, want %d", len(got), n)
	}
	return nil
}

func testObserves(t *testing.T, s ScannerSuite) {
	r := mustScan(t, s)
	r.run()
	for n := 1; n <= 2; n++ {
		r.b.Present()
		if err := errors.Join(r.await(n), r.only(s.Want, n)); err != nil {
			t.Fatal(err)
		}
		if r.b.Absent == nil {
			continue
		}
		r.settle(t)
		if err := r.only(s.Want, n); err != nil {
			t.Fatalf("while it stays: %v", err)
		}
		r.b.Absent()
		r.settle(t)
	}
	if err := r.stop(); err != nil {
		t.Errorf("run: %v", err)
	}
}

// settle lets so many transactions pass that the device has been looked at many times.
func (r *reader) settle(t *testing.T) {
	t.Helper()
	r.b.Break(nil)
	deadline := clock.Elapsed() + patience
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(r.b.Log()) < 500 {
		if clock.Elapsed() > deadline {
			t.Fatalf("only %d transactions in %s", len(r.b.Log()), patience)
		}
		<-tick.C
	}
}

func testRunEnds(t *testing.T, s ScannerSuite) {
	r := mustScan(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.scanner.Run(ctx, func(sensors.Observation) {}); err != nil {
		t.Errorf("run whose context is done: %v, want nil", err)
	}
	r.run()
	if err := r.stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	r.run() // again
	r.b.Present()
	if err := r.await(1); err != nil {
		t.Errorf("run again: %v", err)
	}
}

func testScanFlips(t *testing.T, s ScannerSuite) {
	r := mustScan(t, s)
	r.b.Present()
	r.b.Break(nil)
	r.run()
	if err := r.await(1); err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	all := flips(r.b.Log())
	t.Logf("%d bits", len(all))
	parallel(t, all, func(next func() (flip, bool)) error {
		for {
			f, ok := next()
			if !ok {
				return nil
			}
			r, err := s.open(nil)
			if err != nil {
				return err
			}
			r.b.Present()
			r.b.Break(Flip(f.n, f.bit, f.sent))
			r.run()
			err = errors.Join(r.await(1), r.stop(), r.only(s.Want, 1), r.close())
			if err != nil {
				return fmt.Errorf("bit flipped, transaction %d, bit %d, sent %v: %w%s", f.n, f.bit, f.sent, err, describe(r.b.Log()))
			}
		}
	})
}

func testScanFlipsAtOpen(t *testing.T, s ScannerSuite) {
	all := flips(mustScan(t, s).b.Log())
	t.Logf("%d bits", len(all))
	parallel(t, all, func(next func() (flip, bool)) error {
		for {
			f, ok := next()
			if !ok {
				return nil
			}
			r, err := s.open(Flip(f.n, f.bit, f.sent))
			if err != nil {
				continue
			}
			r.b.Present()
			r.run()
			err = errors.Join(r.await(1), r.stop(), r.only(s.Want, 1), r.close())
			if err != nil {
				return fmt.Errorf("bit flipped at open, transaction %d, bit %d, sent %v: %w", f.n, f.bit, f.sent, err)
			}
		}
	})
}

func testScanHeld(t *testing.T, s ScannerSuite) {
	for _, level := range []byte{0x00, 0xFF} {
		if r, err := s.open(Always(level)); err == nil {
			t.Errorf("a device whose line is held at %#02x opens", level)
			_ = r.close()
		}
		r := mustScan(t, s)
		r.b.Present()
		r.b.Break(Always(level))
		if err := errors.Join(r.fails(), r.only(s.Want, 0)); err != nil {
			t.Errorf("a line held at %#02x: %v", level, err)
		}
	}
}

func testScanStuck(t *testing.T, s ScannerSuite) {
	r := mustScan(t, s)
	release := make(chan struct{})
	r.b.Break(Hang(release))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	began := clock.Elapsed()
	if err := r.scanner.Run(ctx, func(sensors.Observation) {}); err != nil && faultOf(err) != agent.FaultBusStuck {
		t.Errorf("run on a stuck bus: %v", err)
	}
	if err := r.fails(); err != nil {
		t.Errorf("run on a stuck bus: %v", err)
	}
	if took := clock.Elapsed() - began; took > patience {
		t.Errorf("two runs on a stuck bus took %s", took)
	}
	r.b.Break(nil)
	close(release)
	r.b.Present()
	r.run()
	if err := errors.Join(r.await(1), r.only(s.Want, 1)); err != nil {
		t.Errorf("the bus is free again: %v", err)
	}
}

func testScanUnplug(t *testing.T, s ScannerSuite) {
	r := mustScan(t, s)
	r.b.Unplug()
	if err := r.fails(); err != nil {
		t.Errorf("unplugged: %v", err)
	}
	r.b.Plug()
	r.b.Present()
	r.run()
	if err := errors.Join(r.await(1), r.only(s.Want, 1)); err != nil {
		t.Errorf("replugged: %v", err)
	}
}

func testScanClose(t *testing.T, s ScannerSuite) {
	r := mustScan(t, s)
	r.run()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := r.scanner.Close(); err != nil {
			t.Errorf("close number %d: %v", i+1, err)
		}
	}
	if err := r.scanner.Run(t.Context(), func(sensors.Observation) {}); err == nil {
		t.Error("a closed scanner runs")
	}
}
