package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestShortForm lives the program's life for a few room-months. What it asks for is weaker
// than the targets, as a few dozen excursions say little; go run ./internal/lab/forecast asks
// for the targets.
func TestShortForm(t *testing.T) {
	const rooms = 6
	s := tally(live(rooms, 40*day, 21))
	var out bytes.Buffer
	s.print(&out)
	t.Logf("\n%s", &out)
	a := &s.all
	if a.slow < 6 {
		t.Fatalf("%d slow excursions: nothing to judge by", a.slow)
	}
	if a.early() < 0.65 {
		t.Errorf("%.0f %% announced early enough, want 65", 100*a.early())
	}
	if a.falseRate() > 1.5 {
		t.Errorf("%.2f false pre-alarms per room-month, want at most 1.5", a.falseRate())
	}
	if in := share(a.inside.held, a.inside.n()); in < 0.7 {
		t.Errorf("%.0f %% of the intervals hold the truth, want 70", 100*in)
	}
	if !strings.Contains(out.String(), string(CauseCompressor)) {
		t.Error("the table names no cause")
	}
}

func TestSameSeedSameYear(t *testing.T) {
	one, two := liveIn(3, 1, 8*day), liveIn(3, 1, 8*day)
	if !reflect.DeepEqual(one, two) {
		t.Error("a seed gave two different lives")
	}
	if other := liveIn(4, 1, day); reflect.DeepEqual(one.house, other.house) {
		t.Error("two seeds gave the same house")
	}
}

// TestHousesAreOfTheirKind holds what is drawn against the ranges that docs/forecast.md states.
func TestHousesAreOfTheirKind(t *testing.T) {
	kinds := map[Probe]int{}
	for seed := range uint64(200) {
		r := liveIn(seed, 0, time.Minute)
		h := &r.house
		kinds[h.Probe]++
		z := &h.Zone
		air, product := z.Air*1000/z.Coupling/60, z.Product*1000/z.Coupling/60
		if air < 9 || air > 30 || product < 25 || product > 255 {
			t.Errorf("seed %d: time constants %.0f and %.0f min", seed, air, product)
		}
		if z.Cooling.Setpoint+z.Cooling.Band >= h.Limit-1.5 {
			t.Errorf("seed %d: switches at %.1f °C under a limit of %.0f", seed, z.Cooling.Setpoint+z.Cooling.Band, h.Limit)
		}
	}
	for _, p := range []Probe{ProbeAir, ProbeBuffered, ProbeProduct} {
		if kinds[p] < 20 {
			t.Errorf("%d of 200 houses have a probe in %s", kinds[p], p)
		}
	}
}

func TestCommandRefuses(t *testing.T) {
	for _, args := range [][]string{{"-years", "0"}, {"-rooms", "0"}, {"x"}, {"-nothing"}} {
		if _, err := command(args, io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
