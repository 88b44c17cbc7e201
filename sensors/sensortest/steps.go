package sensortest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
)

// cycle is the transactions of a healthy read.
func cycle(t *testing.T, s Suite) []Transaction {
	t.Helper()
	d := mustOpen(t, s)
	if err := d.healthy(); err != nil {
		t.Fatal(err)
	}
	d.b.Break(nil)
	if _, err := d.readSoon(); err != nil {
		t.Fatal(err)
	}
	return d.b.Log()
}

// under runs reads under one fault after the other: each gives the truth or nothing, and
// the device is well again once the fault is gone.
func under(t *testing.T, s Suite, what string, faults []func() (Fault, string), judge func(got []sensors.Sample, err error) error) {
	t.Helper()
	parallel(t, faults, func(next func() (func() (Fault, string), bool)) error {
		d, err := s.open(nil)
		if err != nil {
			return err
		}
		defer func() { _ = errors.Join(d.sensor.Close(), d.b.Close()) }()
		if err := d.healthy(); err != nil {
			return err
		}
		for {
			make, ok := next()
			if !ok {
				return nil
			}
			fault, name := make()
			d.move()
			d.b.Break(fault)
			got, err := d.readSoon()
			log := d.b.Log()
			d.b.Break(nil)
			if err == nil {
				if _, wrong := d.check(got); wrong != nil {
					return fmt.Errorf("%s, %s: a lie: %w%s", what, name, wrong, describe(log))
				}
			} else if len(got) > 0 {
				return fmt.Errorf("%s, %s: samples beside an error: %v, %w", what, name, got, err)
			}
			if judge != nil {
				if err := judge(got, err); err != nil {
					return fmt.Errorf("%s, %s: %w%s", what, name, err, describe(log))
				}
			}
			d.b.Skip(time.Second)
			if err := d.healthy(); err != nil {
				return fmt.Errorf("after %s, %s: %w%s", what, name, err, describe(log))
			}
		}
	})
}

func testFlips(t *testing.T, s Suite) {
	all := flips(cycle(t, s))
	faults := make([]func() (Fault, string), len(all))
	for i, f := range all {
		faults[i] = func() (Fault, string) {
			return Flip(f.n, f.bit, f.sent), fmt.Sprintf("transaction %d, bit %d, sent %v", f.n, f.bit, f.sent)
		}
	}
	if len(faults) == 0 {
		t.Error("a read has no transaction to spoil")
	}
	t.Logf("%d bits", len(faults))
	under(t, s, "bit flipped", faults, nil)
}

func testFlipsAtOpen(t *testing.T, s Suite) {
	d := mustOpen(t, s)
	all := flips(d.b.Log())
	t.Logf("%d bits", len(all))
	parallel(t, all, func(next func() (flip, bool)) error {
		for {
			f, ok := next()
			if !ok {
				return nil
			}
			d, err := s.open(Flip(f.n, f.bit, f.sent))
			if err != nil {
				continue
			}
			log := d.b.Log()
			d.b.Break(nil)
			got, err := d.readSoon()
			if err == nil {
				_, err = d.check(got)
			} else {
				err = nil
			}
			if err := errors.Join(err, d.sensor.Close(), d.b.Close()); err != nil {
				return fmt.Errorf("bit flipped at open, transaction %d, bit %d, sent %v: %w%s", f.n, f.bit, f.sent, err, describe(log))
			}
		}
	})
}

func testRefused(t *testing.T, s Suite) {
	var faults []func() (Fault, string)
	for n := range cycle(t, s) {
		faults = append(faults, func() (Fault, string) { return Refuse(n), fmt.Sprintf("transaction %d", n) })
	}
	under(t, s, "no acknowledge", faults, func(_ []sensors.Sample, err error) error {
		switch {
		case err == nil && !s.Unanswered:
			return errors.New("the read succeeded")
		case err != nil && faultOf(err) != agent.FaultAbsent:
			return fmt.Errorf("the fault is %q, want absent: %w", faultOf(err), err)
		}
		return nil
	})
}

func testCut(t *testing.T, s Suite) {
	var faults []func() (Fault, string)
	for n, tx := range cycle(t, s) {
		for keep := range len(tx.R) {
			for _, idle := range []byte{0xFF, 0x00} {
				faults = append(faults, func() (Fault, string) {
					return Cut(n, keep, idle), fmt.Sprintf("transaction %d, after %d bytes %#02x", n, keep, idle)
				})
			}
		}
	}
	under(t, s, "answer cut", faults, nil)
}

func testHeld(t *testing.T, s Suite) {
	var faults []func() (Fault, string)
	for _, level := range []byte{0x00, 0xFF} {
		faults = append(faults, func() (Fault, string) { return Always(level), fmt.Sprintf("%#02x", level) })
	}
	under(t, s, "line held", faults, func(got []sensors.Sample, err error) error {
		if err == nil {
			for _, x := range got {
				if x.Fault == agent.FaultNone {
					return fmt.Errorf("a value: %v", got)
				}
			}
		}
		return nil
	})
	for _, level := range []byte{0x00, 0xFF} {
		if d, err := s.open(Always(level)); err == nil {
			if _, err := d.readSoon(); err == nil {
				t.Errorf("a device whose line is held at %#02x opens and reads", level)
			}
			d.close(t)
		}
	}
}

func testStuck(t *testing.T, s Suite) {
	d := mustOpen(t, s)
	if err := d.healthy(); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	d.b.Break(Hang(release))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if got, err := d.read(ctx); err == nil || len(got) > 0 {
		t.Errorf("a read of a stuck bus = %v, %v", got, err)
	} else if f := faultOf(err); f != agent.FaultBusStuck && f != agent.FaultTimeout {
		t.Errorf("a stuck bus is the fault %q: %v", f, err)
	}
	began := clock.Elapsed()
	if _, err := d.readSoon(); faultOf(err) != agent.FaultBusStuck {
		t.Errorf("the second read of a stuck bus: %v, want bus-stuck", err)
	}
	if took := clock.Elapsed() - began; took > patience/2 {
		t.Errorf("the second read of a stuck bus took %s, want an error at once", took)
	}
	d.b.Break(nil)
	close(release)
	deadline := clock.Elapsed() + patience
	for d.healthy() != nil {
		if clock.Elapsed() > deadline {
			t.Fatal("the bus is free again, and the device is not read")
		}
	}
}

func testDeadline(t *testing.T, s Suite) {
	d := mustOpen(t, s)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	began := clock.Elapsed()
	got, err := d.read(done)
	if err == nil || len(got) > 0 {
		t.Errorf("a read whose time is up = %v, %v", got, err)
	}
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	<-short.Done()
	if got, err := d.sensor.Read(short, nil); err == nil || len(got) > 0 {
		t.Errorf("a read after its deadline = %v, %v", got, err)
	} else if f := faultOf(err); f != agent.FaultTimeout && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline is the fault %q: %v", f, err)
	}
	if took := clock.Elapsed() - began; took > patience/2 {
		t.Errorf("two reads whose time is up took %s", took)
	}
	d.b.Skip(time.Second)
	if err := d.healthy(); err != nil {
		t.Errorf("after a deadline: %v", err)
	}
}

func testUnplug(t *testing.T, s Suite) {
	d := mustOpen(t, s)
	if err := d.healthy(); err != nil {
		t.Fatal(err)
	}
	d.b.Unplug()
	for range 2 {
		if got, err := d.readSoon(); err == nil || len(got) > 0 {
			t.Errorf("a read of an unplugged device = %v, %v", got, err)
		} else if !s.Silent && faultOf(err) != agent.FaultAbsent {
			t.Errorf("an unplugged device is the fault %q: %v", faultOf(err), err)
		}
	}
	d.move()
	d.b.Plug()
	d.b.Skip(time.Second)
	if err := d.healthy(); err != nil {
		t.Errorf("after replugging: %v", err)
	}
	// Out and in again between two reads, unseen.
	d.move()
	d.b.Unplug()
	d.b.Plug()
	d.b.Skip(time.Second)
	if err := d.healthy(); err != nil {
		t.Errorf("after an unseen replugging: %v", err)
	}
	if st, ok := d.sensor.(sensors.Starter); ok {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		d.move()
		ready, err := st.Start(ctx)
		if err != nil {
			t.Fatal(err)
		}
		d.b.Skip(ready)
		d.b.Unplug()
		d.b.Plug()
		d.b.Skip(time.Second)
		if got, err := d.sensor.Read(ctx, nil); err == nil {
			if _, wrong := d.check(got); wrong != nil {
				t.Errorf("replugged between start and read: %v", wrong)
			}
		}
	}
}

func testClose(t *testing.T, s Suite) {
	d := mustOpen(t, s)
	if err := d.healthy(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := d.sensor.Close(); err != nil {
			t.Errorf("close number %d: %v", i+1, err)
		}
	}
	if got, err := d.readSoon(); err == nil || len(got) > 0 {
		t.Errorf("a read of a closed sensor = %v, %v", got, err)
	}
	again, err := s.Driver.Open(t.Context(), d.b.Host(), s.Place(NewBench()))
	if err != nil {
		t.Fatalf("open again on the same bus: %v", err)
	}
	d.sensor = again
	if err := d.healthy(); err != nil {
		t.Errorf("opened again: %v", err)
	}
}
