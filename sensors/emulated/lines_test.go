package emulated_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/barcode"
	"github.com/frostline/frostline/sensors/digital"
	"github.com/frostline/frostline/sensors/emulated"
	"github.com/frostline/frostline/sensors/mfrc522"
)

func TestLinesFollowTheScript(t *testing.T) {
	tb := lay(t, "  - {at: 1h, for: 10m, do: door-open, on: room}\n  - {at: 2h, for: 10m, do: mains-gone}\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	door, err := tb.host.Pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	levels, ended := make(chan bool, 8), make(chan error, 1)
	go func() { ended <- door.Watch(ctx, func(l bool) { levels <- l }) }()
	for i, want := range []bool{false, true, false} {
		select {
		case got := <-levels:
			if got != want {
				t.Errorf("change %d: %v", i, got)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("change %d never came", i)
		}
		tb.clock.ahead([]time.Duration{time.Hour, 20 * time.Minute, 0}[i])
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	c := digital.Driver.Config().(*digital.Config)
	c.Pin, c.Quantity, c.Active, c.Debounce = "GPIO27", agent.PowerOK, digital.Low, 0
	mains := open(t, tb, digital.Driver, c)
	for _, want := range []float64{1, 0} {
		if got, err := read(t, tb, mains); err != nil || got["power_ok"] != want {
			t.Errorf("mains: %v, %v, want %g", err, got, want)
		}
		tb.clock.ahead(45 * time.Minute)
	}
}

func TestEdges(t *testing.T) {
	tb := lay(t, "  - {at: 1h, for: 10m, do: door-open, on: room}\n")
	p := tb.Buses()["GPIO17"].(gpio.PinIO)
	wait := func(edge gpio.Edge, leap time.Duration) bool {
		t.Helper()
		if err := p.In(gpio.PullUp, edge); err != nil {
			t.Fatal(err)
		}
		tb.clock.ahead(leap)
		return p.WaitForEdge(20 * time.Millisecond)
	}
	if wait(gpio.BothEdges, 0) {
		t.Error("an edge before anything happened")
	}
	if !wait(gpio.RisingEdge, time.Hour) || wait(gpio.RisingEdge, 10*time.Minute) {
		t.Error("rising edges: want one at the opening and none at the closing")
	}
	if p.Read() != gpio.Low || p.Out(gpio.High) == nil {
		t.Error("a switch is not an output")
	}
	ended := make(chan bool)
	go func() { ended <- p.WaitForEdge(-1) }()
	eventually(t, "Halt ends the wait", func() bool {
		_ = p.Halt()
		select {
		case got := <-ended:
			return !got
		default:
			return false
		}
	})
}

func TestOutput(t *testing.T) {
	tb := lay(t, "")
	p, err := tb.host.Pin("GPIO22")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if err := p.Out(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, ok := tb.Output("GPIO22"); !ok || got != want {
			t.Errorf("level %v, %v; want %v", got, ok, want)
		}
	}
	if _, ok := tb.Output("GPIO17"); ok {
		t.Error("a switch has an output level")
	}
}

func TestCardsAndCodesReachTheirScanners(t *testing.T) {
	tb := lay(t, `  - {at: 1h, for: 10m, do: tag-present, on: reader, code: 04A2241C5B6180}
  - {at: 2h, do: code-scanned, on: /dev/ttyACM0, code: "9521234543213"}
  - {at: 2h, do: code-scanned, on: /dev/ttyACM0, code: "9521234500018"}
`)
	nfc := mfrc522.Driver.Config().(*mfrc522.Config)
	nfc.Bus = "spi0.0"
	gun := barcode.Driver.Config().(*barcode.Config)
	gun.Device = "/dev/ttyACM0"
	run := func(d sensors.ScannerDriver, config any) <-chan sensors.Observation {
		t.Helper()
		s, err := d.Open(within(t, 5*time.Second), tb.host, config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		seen, ended := make(chan sensors.Observation, 8), make(chan error, 1)
		go func() { ended <- s.Run(ctx, func(o sensors.Observation) { seen <- o }) }()
		t.Cleanup(func() {
			cancel()
			if err := errors.Join(<-ended, s.Close()); err != nil {
				t.Error(err)
			}
		})
		return seen
	}
	cards, codes := run(mfrc522.Driver, nfc), run(barcode.Driver, gun)
	want := func(from <-chan sensors.Observation, code string) {
		t.Helper()
		select {
		case got := <-from:
			if got.Code != code {
				t.Errorf("%q, want %q", got.Code, code)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s never came", code)
		}
	}
	tb.clock.ahead(time.Hour)
	want(cards, "04A2241C5B6180")
	tb.clock.ahead(time.Hour)
	want(codes, "9521234543213")
	want(codes, "9521234500018")
}

func TestResetLine(t *testing.T) {
	tb := lay(t, "")
	p, err := tb.host.SPI("spi0.0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Connect(t.Context(), physic.MegaHertz, spi.Mode0, 8)
	if err != nil {
		t.Fatal(err)
	}
	const modeReg = 0x11
	register := func() byte {
		t.Helper()
		r := make([]byte, 2)
		if err := c.Tx(t.Context(), []byte{0x80 | modeReg<<1, 0}, r); err != nil {
			t.Fatal(err)
		}
		return r[1]
	}
	fresh := register()
	if err := c.Tx(t.Context(), []byte{modeReg << 1, 0x29}, make([]byte, 2)); err != nil || register() != 0x29 {
		t.Fatalf("%v, %#x", err, register())
	}
	reset, err := tb.host.Pin("GPIO25")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(reset.Out(t.Context(), false), reset.Out(t.Context(), true)); err != nil || register() != fresh {
		t.Errorf("%v, after a reset %#x, want %#x", err, register(), fresh)
	}
	if _, err := tb.Buses()["spi0.0"].(spi.PortCloser).Connect(physic.MegaHertz, spi.Mode0, 8); err == nil {
		t.Error("connected twice")
	}
}

func TestRunTellsTheScript(t *testing.T) {
	s, err := emulated.Parse([]byte(lab + "  - {at: 0s, for: 1m, do: link-down}\n  - {at: 5m, for: 1m, do: link-down, note: again}\n"))
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewFake(time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC))
	w := emulated.NewWorld(s, 1, c.Now)
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, ended := make(chan emulated.Event, 8), make(chan error, 1)
	go func() { ended <- w.Run(ctx, c, func(e emulated.Event) { events <- e }) }()
	for _, want := range []struct {
		at    time.Duration
		begin bool
	}{{0, true}, {time.Minute, false}, {5 * time.Minute, true}, {6 * time.Minute, false}} {
		if d := want.at - w.Elapsed(); d > 0 {
			eventually(t, "Run waits", func() bool { return c.Waiting() > 0 })
			c.Advance(d)
		}
		select {
		case e := <-events:
			if e.At != want.at || e.Begin != want.begin || e.Do != emulated.LinkDown {
				t.Errorf("%+v, want %+v", e, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%+v never came", want)
		}
	}
	cancel()
	if err := <-ended; err != nil || len(events) > 0 {
		t.Errorf("%v, %d more events", err, len(events))
	}
}
