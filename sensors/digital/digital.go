// Package digital reads a switch on a GPIO line: a door contact, a mains relay, any dry
// contact. It sees changes by itself; a level counts once it has been still for the
// debounce time.
package digital

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Driver is the driver's word in the config: digital.
var Driver = sensors.Define("digital",
	Config{Quantity: agent.Door, Active: High, Pull: PullUp, Debounce: 50 * time.Millisecond}, points, open)

// Active is the level that means 1.
type Active string

// The levels.
const (
	High Active = "high"
	Low  Active = "low"
)

// Pull is the resistor that gives an open line its level.
type Pull string

// The resistors.
const (
	PullUp   Pull = "up"
	PullDown Pull = "down"
	PullNone Pull = "none" // there is one outside
	PullKeep Pull = "keep" // as the system has set it
)

var pulls = map[Pull]gpio.Pull{PullUp: gpio.PullUp, PullDown: gpio.PullDown, PullNone: gpio.Float, PullKeep: gpio.PullNoChange}

// Config is the settings of an input.
type Config struct {
	Pin      string         `yaml:"pin" doc:"GPIO line, for example GPIO17" like:"GPIO17"`
	Quantity agent.Quantity `yaml:"quantity" doc:"door (1 is open), power_ok (1 is mains present) or contact (1 is closed)"`
	Active   Active         `yaml:"active" doc:"the level that means 1: high or low" enum:"high,low"`
	Pull     Pull           `yaml:"pull" doc:"resistor at the line: up, down, none (there is one outside) or keep (as the system has set it)" enum:"up,down,none,keep"`
	Debounce time.Duration  `yaml:"debounce" doc:"how long a level must be still to count, 0s to 5s"`
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Pin == "" {
		errs = append(errs, errors.New("pin: is missing"))
	}
	if c.Quantity.Kind() != agent.State {
		errs = append(errs, fmt.Errorf("quantity: %q: want door, power_ok or contact", c.Quantity))
	}
	if c.Active != High && c.Active != Low {
		errs = append(errs, fmt.Errorf("active: %q: want high or low", c.Active))
	}
	if _, ok := pulls[c.Pull]; !ok {
		errs = append(errs, fmt.Errorf("pull: %q: want up, down, none or keep", c.Pull))
	}
	if c.Debounce < 0 || c.Debounce > 5*time.Second {
		errs = append(errs, fmt.Errorf("debounce: %s: want 0s to 5s", c.Debounce))
	}
	return errors.Join(errs...)
}

// points names the point as its quantity.
func points(c Config) []sensors.PointSpec {
	return []sensors.PointSpec{{Name: string(c.Quantity), Quantity: c.Quantity}}
}

// Input is an open line. One goroutine reads it; another one may watch it.
type Input struct {
	pin    *bus.Pin
	config Config

	mu      sync.Mutex
	settled level // what Watch knows the line to be; unknown while it moves or nobody watches
	told    level // what Read gave last
	closed  bool
}

type level uint8

const (
	unknown level = iota
	low
	high
)

func levelOf(up bool) level {
	if up {
		return high
	}
	return low
}

func open(ctx context.Context, h sensors.Host, c Config) (sensors.Sensor, error) {
	pin, err := h.Pin(c.Pin)
	if err != nil {
		return nil, err
	}
	if err := pin.In(ctx, pulls[c.Pull]); err != nil {
		return nil, err
	}
	return &Input{pin: pin, config: c}, nil
}

const (
	steps      = 8  // looks at the line within the debounce time
	bouncesFor = 10 // debounce times that Read waits for a line to be still
)

// Read gives 0 or 1. While the line is watched and still that takes no time; otherwise it
// waits until the line has been still for the debounce time. A line that does not come to
// rest is agent.FaultNotReady.
func (in *Input) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	in.mu.Lock()
	settled, closed := in.settled, in.closed
	in.mu.Unlock()
	if closed {
		return dst, fmt.Errorf("digital: read: %w", bus.ErrClosed)
	}
	now, err := in.look(ctx)
	if err != nil {
		return dst, err
	}
	if now != settled {
		if now, err = in.rest(ctx, now); err != nil {
			return dst, err
		}
	}
	in.mu.Lock()
	in.told = now
	in.mu.Unlock()
	s := sensors.Sample{Point: string(in.config.Quantity)}
	if (now == high) == (in.config.Active == High) {
		s.Value = agent.Unit
	}
	return append(dst, s), nil
}

// rest waits until the line has kept its level for the debounce time.
func (in *Input) rest(ctx context.Context, last level) (level, error) {
	still := 0
	for range steps * bouncesFor {
		if still == steps || in.config.Debounce == 0 {
			return last, nil
		}
		if err := sensors.Wait(ctx, in.config.Debounce/steps); err != nil {
			return unknown, fmt.Errorf("digital: read: %w", errors.Join(err, agent.FaultTimeout))
		}
		now, err := in.look(ctx)
		if err != nil {
			return unknown, err
		}
		if still++; now != last {
			last, still = now, 0
		}
	}
	return unknown, fmt.Errorf("digital: read: the line %s does not come to rest: %w", in.pin, agent.FaultNotReady)
}

func (in *Input) look(ctx context.Context) (level, error) {
	up, err := in.pin.Read(ctx)
	if err != nil {
		return unknown, fmt.Errorf("digital: read: %w", err)
	}
	return levelOf(up), nil
}

// Watch calls changed whenever the line has come to rest at another level than Read gave
// last. It returns when ctx is done.
func (in *Input) Watch(ctx context.Context, changed func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	moves := make(chan level, 1) // the newest level only
	ended := make(chan error, 1)
	go func() {
		ended <- in.pin.Watch(ctx, func(up bool) {
			select {
			case <-moves:
			default:
			}
			moves <- levelOf(up)
		})
	}()
	defer in.settle(unknown)
	timer := time.NewTimer(0)
	<-timer.C
	defer timer.Stop()
	now := unknown
	for {
		select {
		case now = <-moves:
			in.settle(unknown)
			timer.Reset(in.config.Debounce)
		case <-timer.C:
			if in.settle(now) {
				changed()
			}
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("digital: watch: %w", err)
			}
			return nil
		}
	}
}

// settle notes what the line is known to be, and reports whether a reader would learn
// something new.
func (in *Input) settle(l level) (news bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.settled = l
	return l != unknown && l != in.told
}

// Close releases the line, which stays an input. It does not end a Watch; its context does.
func (in *Input) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	return nil
}

var _ sensors.Watcher = (*Input)(nil)
