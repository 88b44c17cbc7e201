package digital_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/digital"
	"github.com/frostline/frostline/sensors/sensortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(q agent.Quantity) *digital.Config {
	c := digital.Driver.Config().(*digital.Config)
	c.Pin, c.Quantity, c.Debounce = "GPIO17", q, 8*time.Millisecond
	c.Pull = digital.PullKeep // the fake pin follows its resistor
	return c
}

// roomPin is a switch that follows the bench's room.
type roomPin struct {
	gpiotest.Pin
	b *sensortest.Bench
	q agent.Quantity
}

func (p *roomPin) Read() gpio.Level { return p.b.Probe(p.q) == 1 }

func TestConformance(t *testing.T) {
	for _, q := range []agent.Quantity{agent.Door, agent.PowerOK, agent.Contact} {
		t.Run(string(q), func(t *testing.T) {
			sensortest.Run(t, sensortest.Suite{
				Driver: digital.Driver,
				Place: func(b *sensortest.Bench) any {
					b.Raw("GPIO17", &roomPin{gpiotest.Pin{N: "GPIO17"}, b, q})
					return config(q)
				},
				A: map[agent.Quantity]float64{q: 0}, B: map[agent.Quantity]float64{q: 1},
				LineLevels: true,
			})
		})
	}
}

// input is an open input on a pin with edges.
type input struct {
	pin    *gpiotest.Pin
	sensor sensors.Sensor
}

func open(t *testing.T, c *digital.Config, level gpio.Level) input {
	t.Helper()
	b := sensortest.NewBench()
	pin := &gpiotest.Pin{N: "GPIO17", L: level, EdgesChan: make(chan gpio.Level)}
	b.Raw("GPIO17", pin)
	s, err := digital.Driver.Open(t.Context(), b.Host(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return input{pin, s}
}

func (in input) read(t *testing.T) agent.Value {
	t.Helper()
	got, err := in.sensor.Read(t.Context(), nil)
	if err != nil || len(got) != 1 {
		t.Fatalf("read: %v, %v", got, err)
	}
	return got[0].Value
}

func TestActive(t *testing.T) {
	for _, c := range []struct {
		active digital.Active
		level  gpio.Level
		want   agent.Value
	}{
		{digital.High, gpio.High, agent.Unit}, {digital.High, gpio.Low, 0},
		{digital.Low, gpio.High, 0}, {digital.Low, gpio.Low, agent.Unit},
	} {
		settings := config(agent.Door)
		settings.Active = c.active
		if got := open(t, settings, c.level).read(t); got != c.want {
			t.Errorf("active %s, line %s: %v, want %v", c.active, c.level, got, c.want)
		}
	}
}

// TestWatch opens a door whose contact bounces: one change, and the value is right at once.
func TestWatch(t *testing.T) {
	settings := config(agent.Door)
	settings.Debounce = 400 * time.Millisecond // longer than this test is ever held up between edges
	in := open(t, settings, gpio.Low)
	if got := in.read(t); got != 0 {
		t.Fatalf("closed door reads %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	changes := make(chan struct{}, 64)
	ended := make(chan error, 1)
	go func() {
		ended <- in.sensor.(sensors.Watcher).Watch(ctx, func() { changes <- struct{}{} })
	}()
	for _, want := range []agent.Value{agent.Unit, 0, agent.Unit} {
		target := gpio.Level(want == agent.Unit)
		for _, l := range []gpio.Level{target, !target, target, !target, target} {
			in.pin.EdgesChan <- l
		}
		select {
		case <-changes:
		case err := <-ended:
			t.Fatalf("watch ended: %v", err)
		case <-time.After(20 * time.Second):
			t.Fatal("no change seen")
		}
		if got := in.read(t); got != want {
			t.Errorf("after the change the door reads %v, want %v", got, want)
		}
	}
	// A short bounce back to where it was is no change.
	in.pin.EdgesChan <- gpio.Low
	in.pin.EdgesChan <- gpio.High
	if got := in.read(t); got != agent.Unit {
		t.Errorf("after a bounce the door reads %v", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("watch: %v", err)
	}
	if n := len(changes); n != 0 {
		t.Errorf("%d changes too many", n)
	}
}

// TestWatchMissedStart is a change between the first read and the watch.
func TestWatchMissedStart(t *testing.T) {
	in := open(t, config(agent.Contact), gpio.Low)
	in.read(t)
	in.pin.Lock()
	in.pin.L = gpio.High
	in.pin.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	err := in.sensor.(sensors.Watcher).Watch(ctx, func() { once.Do(cancel) })
	if err != nil {
		t.Fatal(err)
	}
	if got := in.read(t); got != agent.Unit {
		t.Errorf("contact reads %v, want 1", got)
	}
}

// restless is a line that changes each time it is looked at.
type restless struct {
	gpiotest.Pin
	n int
}

func (p *restless) Read() gpio.Level { p.n++; return p.n%2 == 0 }

func TestRestless(t *testing.T) {
	b := sensortest.NewBench()
	b.Raw("GPIO17", &restless{Pin: gpiotest.Pin{N: "GPIO17"}})
	s, err := digital.Driver.Open(t.Context(), b.Host(), config(agent.Door))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(t.Context(), nil)
	if !errors.Is(err, agent.FaultNotReady) || len(got) != 0 {
		t.Errorf("a line that does not rest reads %v, %v; want not-ready", got, err)
	}
	if err := errors.Join(s.Close(), b.Close()); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for name, spoil := range map[string]func(*digital.Config){
		"pin":      func(c *digital.Config) { c.Pin = "" },
		"quantity": func(c *digital.Config) { c.Quantity = agent.Temperature },
		"active":   func(c *digital.Config) { c.Active = "yes" },
		"pull":     func(c *digital.Config) { c.Pull = "strong" },
		"debounce": func(c *digital.Config) { c.Debounce = -1 },
	} {
		c := config(agent.Door)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		if c.Validate() == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}
