// Package ssd1306 announces alarms on a small OLED display with an SSD1306 controller, on an I²C
// bus that it shares with the sensors: the most important alarm, its zone and value, and how many
// more there are; the time, while all is quiet.
//
//	CRITICAL      +2    severity; ack: acknowledged; was: it returned and waits for somebody
//	Vaccine cold roo    zone
//	8.4 °C              value
//	limit 8 °C
//
// It has Latin letters and the Chinese characters of GB 2312; a name with others is shown by its
// id. A display that was unplugged comes back with the next notice, or within ten minutes.
package ssd1306

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	controller "periph.io/x/devices/v3/ssd1306"
	"periph.io/x/devices/v3/ssd1306/image1bit"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Quiet is what is shown while there is no alarm.
type Quiet string

// The choices.
const (
	Clock Quiet = "clock"
	Dark  Quiet = "dark"
)

// Settings choose the display and what it shows.
type Settings struct {
	Bus      string         `yaml:"bus" doc:"I²C bus of the display." like:"i2c-1"`
	Address  uint16         `yaml:"address" doc:"Its address: 0x3c or 0x3d."`
	Height   int            `yaml:"height" doc:"Its height in pixels: 64 or 32. It is 128 wide."`
	Turned   int            `yaml:"turned" doc:"How it is mounted, in degrees: 0 or 180."`
	Severity agent.Severity `yaml:"severity" doc:"Least severity that is shown."`
	Quiet    Quiet          `yaml:"quiet" doc:"While there is no alarm: clock shows the time, dark spares the display." enum:"clock,dark"`
}

// Errors of Validate.
var (
	ErrBus     = errors.New("bus: want the name of an I²C bus, such as i2c-1")
	ErrAddress = errors.New("address: want 0x3c or 0x3d")
	ErrHeight  = errors.New("height: want 64 or 32")
	ErrTurned  = errors.New("turned: want 0 or 180")
	ErrQuiet   = errors.New("quiet: want clock or dark")
)

// ShowsStanding implements announce.Showing.
func (*Settings) ShowsStanding() bool { return true }

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	errs := []error{announce.CheckSeverity(s.Severity)}
	for _, c := range []struct {
		ok  bool
		err error
	}{
		{s.Bus != "", ErrBus}, {s.Address == 0x3c || s.Address == 0x3d, ErrAddress}, {s.Height == 64 || s.Height == 32, ErrHeight},
		{s.Turned == 0 || s.Turned == 180, ErrTurned}, {s.Quiet == Clock || s.Quiet == Dark, ErrQuiet},
	} {
		if !c.ok {
			errs = append(errs, c.err)
		}
	}
	return errors.Join(errs...)
}

// Driver is the output for the config.
var Driver = announce.Define("ssd1306", Settings{
	Bus: "i2c-1", Address: 0x3c, Height: 64, Severity: agent.SeverityInfo, Quiet: Clock,
}, open)

const (
	width = 128
	// within is how long one picture may take on the bus: 1 kB at 100 kHz is 0.1 s, beside the sensors.
	within = 5 * time.Second
	// again is how often the time is drawn, and every tenth time the display is set up anew.
	again   = time.Minute
	renewed = 10
)

type output struct {
	host announce.Host
	set  Settings
	stop context.CancelFunc
	done chan struct{} // closed when the clock has ended

	mu       sync.Mutex // guards all below
	wire     *wire
	panel    *controller.Dev // nil: to be set up
	board    announce.Board
	sounding agent.Severity
	told     bool // how things stand; before, all quiet would be a guess
	closed   bool
}

func open(ctx context.Context, h announce.Host, s Settings) (announce.Output, error) {
	bus, err := h.I2C(s.Bus)
	if err != nil {
		return nil, fmt.Errorf("bus %s: %w", s.Bus, err)
	}
	o := &output{host: h, set: s, wire: &wire{bus: bus, address: s.Address}, done: make(chan struct{})}
	if err := o.draw(ctx); err != nil {
		return nil, err
	}
	ctx, o.stop = context.WithCancel(context.WithoutCancel(ctx))
	go o.keepTime(ctx)
	return o, nil
}

// Announce implements announce.Output.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.board.Take(n)
	o.sounding, o.told = n.Sounding, true
	o.panel = nil // set up anew: it may have been unplugged, and then shows nothing
	return o.draw(ctx)
}

// keepTime draws the time until ctx is done.
func (o *output) keepTime(ctx context.Context) {
	defer close(o.done)
	tick := time.NewTicker(again)
	defer tick.Stop()
	failed := false
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		o.mu.Lock()
		if n%renewed == 0 {
			o.panel = nil
		}
		err := o.draw(ctx)
		o.mu.Unlock()
		if err != nil && !failed && ctx.Err() == nil {
			o.host.Log.WarnContext(ctx, "display not drawn", slog.String("output", o.host.ID), slog.Any("err", err))
		}
		failed = err != nil
	}
}

// draw brings the picture to the panel. The caller holds mu, or has the only reference.
func (o *output) draw(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	o.wire.ctx = ctx
	picture := o.picture()
	if o.panel == nil {
		panel, err := controller.NewI2C(o.wire, &controller.Opts{
			W: width, H: o.set.Height, Rotated: o.set.Turned == 180, Sequential: o.set.Height == 32,
		})
		if err != nil {
			return fmt.Errorf("set up: %w", err)
		}
		o.panel = panel
	}
	// The library notes a picture as drawn before it is: after an error all is sent again.
	if err := o.panel.Draw(o.panel.Bounds(), picture, image.Point{}); err != nil {
		o.panel = nil
		return fmt.Errorf("draw: %w", err)
	}
	return nil
}

func (o *output) picture() *image1bit.VerticalLSB {
	c := newCanvas(o.set.Height, o.host.Voice)
	var alarms []announce.Standing
	for _, s := range o.board.Alarms() {
		if announce.AtLeast(s.Alarm.Severity, o.set.Severity) {
			alarms = append(alarms, s)
		}
	}
	switch {
	case len(alarms) > 0:
		c.alarm(alarms[0], len(alarms)-1)
	case announce.AtLeast(o.sounding, o.set.Severity):
		c.unnamed(o.sounding)
	case o.told && o.set.Quiet == Clock:
		c.quiet(o.host)
	}
	return c.image
}

// Close switches the panel off: a picture without the agent behind it would lie. A second Close
// does nothing.
func (o *output) Close() error {
	o.stop()
	<-o.done
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	if o.panel == nil {
		return nil // it does not answer
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	o.wire.ctx = ctx
	if err := o.panel.Halt(); err != nil {
		return fmt.Errorf("switch off: %w", err)
	}
	return nil
}

// wire is the host's bus as the controller's driver wants it: with the deadline of the picture
// that is drawn, and the address that the driver does not let one choose.
type wire struct {
	bus     announce.I2C
	address uint16
	ctx     context.Context // of the present picture
}

var _ i2c.Bus = (*wire)(nil)

// String implements i2c.Bus.
func (w *wire) String() string { return w.bus.Periph(w.ctx).String() }

// Tx implements i2c.Bus.
func (w *wire) Tx(_ uint16, out, in []byte) error { return w.bus.Periph(w.ctx).Tx(w.address, out, in) }

// SetSpeed implements i2c.Bus: the speed is that of all devices on the bus.
func (w *wire) SetSpeed(physic.Frequency) error { return nil }
