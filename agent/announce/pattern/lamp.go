package pattern

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/frostline/frostline/agent/announce"
)

// within is how long one switching may take.
const within = time.Second

// Lamp is one device on one pin. Its methods may be called by any goroutine.
type Lamp struct {
	name string
	pin  announce.Pin
	high bool // the level that switches it on
	log  *slog.Logger

	mu     sync.Mutex
	shows  Pattern
	stop   context.CancelFunc // of the running rhythm; nil if there is none
	ended  chan struct{}      // closed when it has ended
	broken bool               // it met an error; readable once ended is closed
	closed bool
}

// NewLamp opens the pin and switches the device off.
func NewLamp(ctx context.Context, h announce.Host, pin string, active Level) (*Lamp, error) {
	p, err := h.Pin(pin)
	if err != nil {
		return nil, fmt.Errorf("pin %s: %w", pin, err)
	}
	l := &Lamp{name: pin, pin: p, high: active == High, log: h.Log, shows: Off}
	if err := l.put(ctx, false); err != nil {
		return nil, err
	}
	return l, nil
}

// Show begins a pattern; one that runs already and works is left as it is. Its first level is
// set when Show returns, or the error says why not.
func (l *Lamp) Show(ctx context.Context, p Pattern) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || p == l.shows && l.running() {
		return nil
	}
	steps, err := p.steps()
	if err != nil {
		return fmt.Errorf("pattern %q: %w: %w", p, err, announce.ErrPermanent)
	}
	l.halt()
	l.shows = p
	if err := l.put(ctx, p.on()); err != nil {
		return err
	}
	if len(steps) == 0 {
		return nil
	}
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.ended = make(chan struct{})
	go l.play(ctx, steps, l.ended)
	return nil
}

// running reports whether a rhythm goes on without an error. The caller holds mu.
func (l *Lamp) running() bool {
	if l.stop == nil {
		return false
	}
	select {
	case <-l.ended:
		return !l.broken
	default:
		return true
	}
}

// halt ends the rhythm. The caller holds mu.
func (l *Lamp) halt() {
	if l.stop == nil {
		return
	}
	l.stop()
	<-l.ended
	l.stop = nil
}

// play switches until ctx is done. The device is on when it begins. A pin that fails ends it
// with the device as it is, and the next Show says so.
func (l *Lamp) play(ctx context.Context, steps []time.Duration, ended chan<- struct{}) {
	defer close(ended)
	l.broken = false
	timer := time.NewTimer(steps[0])
	defer timer.Stop()
	for i := 1; ; i = (i + 1) % len(steps) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := l.put(ctx, i%2 == 0); err != nil && ctx.Err() == nil {
			l.log.Warn("pin failed in its pattern", slog.String("pin", l.name), slog.Any("err", err))
			l.broken = true
			return
		}
		timer.Reset(steps[i])
	}
}

func (l *Lamp) put(ctx context.Context, on bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := l.pin.Out(ctx, on == l.high); err != nil {
		return fmt.Errorf("pin %s: %w", l.name, err)
	}
	return nil
}

// Close ends the rhythm and switches the device off: without the agent nobody could. A second
// Close does nothing.
func (l *Lamp) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.halt()
	return l.put(context.Background(), false)
}
