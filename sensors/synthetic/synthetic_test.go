package synthetic

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

func opened(t *testing.T, c Config) sensors.Sensor {
	t.Helper()
	s, err := Driver.Open(t.Context(), nil, &c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, s sensors.Sensor) []sensors.Sample {
	t.Helper()
	got, err := s.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestValuesAreLikeAnInstruments(t *testing.T) {
	c := Config{Points: 50, Seed: 7}
	s := opened(t, c)
	last := map[string]agent.Value{}
	distinct := map[agent.Value]bool{}
	for range 1000 {
		samples := read(t, s)
		if len(samples) != c.Points {
			t.Fatalf("%d samples, want %d", len(samples), c.Points)
		}
		for i, got := range samples {
			if want := Driver.Points(&c)[i].Name; got.Point != want || got.Fault != 0 {
				t.Fatalf("sample %d is %+v, want a value of %s", i, got, want)
			}
			if got.Value < 0 || got.Value > 9*agent.Unit || got.Value%(agent.Unit/100) != 0 {
				t.Fatalf("value %v: want 0 to 9 °C in hundredths", got.Value)
			}
			if was, ok := last[got.Point]; ok {
				if d := got.Value - was; d > agent.Unit/10 || d < -agent.Unit/10 {
					t.Fatalf("%s jumped by %v K", got.Point, d)
				}
			}
			last[got.Point] = got.Value
			distinct[got.Value] = true
		}
	}
	if len(distinct) < 200 {
		t.Errorf("only %d distinct values", len(distinct))
	}
}

func TestSameSeedSameValues(t *testing.T) {
	a, b, other := opened(t, Config{Points: 9, Seed: 3}), opened(t, Config{Points: 9, Seed: 3}), opened(t, Config{Points: 9, Seed: 4})
	differ := false
	for range 20 {
		x, y, z := read(t, a), read(t, b), read(t, other)
		for i := range x {
			if x[i] != y[i] {
				t.Fatalf("same seed: %+v and %+v", x[i], y[i])
			}
			differ = differ || x[i] != z[i]
		}
	}
	if !differ {
		t.Error("another seed gives the same values")
	}
}

func TestFaultRate(t *testing.T) {
	for _, tc := range []struct{ rate, low, high float64 }{{0, 0, 0}, {0.1, 0.08, 0.12}, {1, 1, 1}} {
		s := opened(t, Config{Points: 100, FaultRate: tc.rate})
		failed := 0
		for range 100 {
			for _, sample := range read(t, s) {
				if sample.Fault != agent.FaultNone {
					failed++
					if sample.Value != 0 {
						t.Fatalf("a failure is never a number: %+v", sample)
					}
				}
			}
		}
		if share := float64(failed) / 10_000; share < tc.low || share > tc.high {
			t.Errorf("rate %g: %g of readings failed", tc.rate, share)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []Config{{Points: 0}, {Points: MaxPoints + 1}, {Points: 1, FaultRate: 1.5}, {Points: 1, FaultRate: -1}} {
		if _, err := Driver.Open(t.Context(), nil, &c); err == nil || !strings.HasPrefix(err.Error(), "synthetic: open: ") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
	s := opened(t, Config{Points: 1})
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if got, err := s.Read(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || got != nil {
		t.Errorf("after the deadline: %v, %v", got, err)
	}
	if s.Close() != nil || s.Close() != nil {
		t.Error("Close failed")
	}
	if got, err := s.Read(t.Context(), nil); !errors.Is(err, bus.ErrClosed) || got != nil {
		t.Errorf("after Close: %v, %v", got, err)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	s := opened(t, Config{Points: 100})
	dst := make([]sensors.Sample, 0, 100)
	if n := testing.AllocsPerRun(100, func() { dst, _ = s.Read(t.Context(), dst[:0]) }); n > 0 {
		t.Errorf("%g allocations a reading", n)
	}
}
