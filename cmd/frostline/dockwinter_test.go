package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/sensors"
	sensorsall "github.com/frostline/frostline/sensors/all"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/digital"
	"github.com/frostline/frostline/sensors/emulated"
)

var winterBegan = time.Date(2026, 1, 12, 7, 0, 0, 0, time.UTC)

// winter is the scenario dock-winter under the rules of its gateway, read by the real drivers
// every ten seconds.
type winter struct {
	t       *testing.T
	clk     *clock.Fake
	began   time.Duration
	rules   *alarm.Engine
	defs    []agent.Definition
	sensors []*config.Sensor
	open    []sensors.Sensor
	events  []agent.AlarmEvent
	at      []time.Duration // of the events, since the world began
	said    []string        // "8m0s raised cold-room-1-freeze-air"
}

// now is the fake clock, on which real time passes too: chips take their time to convert.
func (w *winter) now() agent.Instant { return w.clk.Now().Add(clock.Elapsed() - w.began) }

func newWinter(t *testing.T) *winter {
	t.Helper()
	s, err := emulated.Load("dock-winter")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := gatewayFor(s)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := daemon.Rehearsal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &winter{t: t, clk: clock.NewFake(winterBegan), began: clock.Elapsed(), rules: rules.Alarms, defs: daemon.Definitions(cfg)}
	world := emulated.NewWorld(s, 1, w.now)
	host := bus.NewHost(bus.Options{Now: clock.Elapsed, Emulated: world.Buses()})
	t.Cleanup(func() {
		for _, d := range w.open {
			_ = d.Close()
		}
		_ = world.Close()
		_ = host.Close()
	})
	drivers := sensorsall.Sensors()
	for i := range cfg.Sensors {
		one := &cfg.Sensors[i]
		if c, ok := one.Settings.(*digital.Config); ok {
			c.Debounce = 0 // emulated contacts do not bounce
		}
		n := slices.IndexFunc(drivers, func(d sensors.Driver) bool { return d.Name == one.Driver })
		device, err := drivers[n].Open(t.Context(), host, one.Settings)
		if err != nil {
			t.Fatalf("%s: %v", one.ID, err)
		}
		w.sensors, w.open = append(w.sensors, one), append(w.open, device)
	}
	w.take(w.rules.Step(alarm.Input{At: w.now(), Start: true}))
	return w
}

// live lets time pass, and reads every ten seconds of it.
func (w *winter) live(until time.Duration) {
	const tick = 10 * time.Second
	w.t.Helper()
	for w.now().Wall.Before(winterBegan.Add(until)) {
		w.clk.Advance(tick)
		for i, one := range w.sensors {
			w.read(one, w.open[i])
		}
	}
}

func (w *winter) read(one *config.Sensor, device sensors.Sensor) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	if s, ok := device.(sensors.Starter); ok {
		ready, err := s.Start(ctx)
		if err != nil {
			w.t.Fatalf("%s: %v", one.ID, err)
		}
		w.clk.Advance(ready)
	}
	samples, err := device.Read(ctx, nil)
	if err != nil {
		w.t.Fatalf("%s: %v", one.ID, err)
	}
	for _, sample := range samples {
		d := &w.defs[slices.IndexFunc(w.defs, func(d agent.Definition) bool { return d.Point == one.ID.Point(sample.Point) })]
		now := w.now()
		r := agent.Reading{Def: d.ID, At: now, Value: sample.Value, Raw: sample.Value, Fault: sample.Fault}
		w.take(w.rules.Step(alarm.Input{At: now, Reading: &r, Definition: d}))
	}
}

func (w *winter) take(out alarm.Output) {
	for i := range out.Events {
		e := out.Events[i].Alarm
		at := out.Events[i].At.Wall.Sub(winterBegan)
		w.events, w.at = append(w.events, *e), append(w.at, at)
		w.said = append(w.said, fmt.Sprintf("%s %s %s", at.Round(time.Second), e.Transition, e.Alarm))
	}
}

// TestDockInWinter: the door stands open on −10 °C. What suppresses by design holds back that
// the air is below 2 °C, and lets it through as soon as it freezes, long before its own time
// is up. Frost on the curtain between room and dock is told before.
func TestDockInWinter(t *testing.T) {
	t.Parallel()
	w := newWinter(t)
	w.live(70 * time.Minute)
	story := strings.Join(w.said, "\n")
	inOrder(t, story, `raised curtain-frost`, `cleared curtain-frost`)
	inOrder(t, story, ` suppressed cold-room-1-low-air`, ` unsuppressed cold-room-1-low-air`, ` raised cold-room-1-low-air`,
		` raised cold-room-1-freeze-air`, ` cleared cold-room-1-freeze-air`)
	for i, e := range w.events {
		switch {
		case e.Alarm == "cold-room-1-low-air" && e.Transition == agent.Suppressed:
			if e.Reaches() {
				t.Error("what is suppressed reaches people")
			}
		case e.Transition == agent.Raised && (e.Alarm == "cold-room-1-low-air" || e.Alarm == "cold-room-1-freeze-air"):
			if !e.Reaches() || *e.Value > -agent.Unit/2 || e.Severity != agent.SeverityCritical {
				t.Errorf("%+v", e)
			}
			// The door's suppression would last until 20 min after it was opened in minute 25.
			if after := w.at[i]; after < 28*time.Minute || after > 44*time.Minute {
				t.Errorf("%s was raised after %s", e.Alarm, after)
			}
			// Both have counted from the first value outside, which came while the door was open.
			if e.Began.Before(winterBegan.Add(26*time.Minute)) || e.Began.After(winterBegan.Add(34*time.Minute)) {
				t.Errorf("%s began at %s", e.Alarm, e.Began)
			}
		case e.Transition == agent.Raised && strings.HasPrefix(string(e.Alarm), "cold-room-1-high"):
			t.Errorf("%s in winter: %s", e.Alarm, e.Message)
		}
	}
	if t.Failed() {
		t.Log("\n" + story)
	}
}
