package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// edgePoll is how long one wait for an edge lasts. The level is looked at after each, so
// that an edge that the kernel lost is found late and not never.
const edgePoll = 250 * time.Millisecond

// blindPoll is how often the level is looked at where the pin has no edge detection.
const blindPoll = 50 * time.Millisecond

// Pin is one GPIO line. All methods are safe for concurrent use; Watch runs once at a time.
type Pin struct {
	w   *worker
	raw gpio.PinIO

	mu   sync.Mutex
	set  bool      // In or Out was called
	pull gpio.Pull // of the last In

	watching sync.Mutex // held while Watch runs, and while its goroutine hangs
}

// NewPin wraps a periph pin. now is monotonic time. Close halts the pin and leaves its level.
func NewPin(name string, raw gpio.PinIO, now func() time.Duration) *Pin {
	return &Pin{w: newWorker(name, now, raw.Halt), raw: raw, pull: gpio.PullNoChange}
}

// In makes the line an input with the given pull resistor (gpio.PullUp, gpio.PullDown,
// gpio.Float, or gpio.PullNoChange).
func (p *Pin) In(ctx context.Context, pull gpio.Pull) error {
	err := p.w.do(ctx, func() error { return p.named("input", p.raw.In(pull, gpio.NoEdge)) })
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.set, p.pull = true, pull
	p.mu.Unlock()
	return nil
}

// Read returns the level, true for high. A line that was neither In nor Out becomes an
// input whose pull resistor is left as it is.
func (p *Pin) Read(ctx context.Context) (bool, error) {
	if err := p.ensureSet(ctx); err != nil {
		return false, err
	}
	level := make(chan bool, 1)
	err := p.w.do(ctx, func() error {
		level <- bool(p.raw.Read())
		return nil
	})
	if err != nil {
		return false, err
	}
	return <-level, nil
}

func (p *Pin) ensureSet(ctx context.Context) error {
	p.mu.Lock()
	set, pull := p.set, p.pull
	p.mu.Unlock()
	if set {
		return nil
	}
	return p.In(ctx, pull)
}

// Out makes the line an output with the given level.
func (p *Pin) Out(ctx context.Context, level bool) error {
	err := p.w.do(ctx, func() error { return p.named("output", p.raw.Out(gpio.Level(level))) })
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.set = true
	p.mu.Unlock()
	return nil
}

// Watch calls emit with the level at its start and then at each change, until ctx is
// done; it then returns nil. Two changes within the time that waking up takes may cancel
// each other out; contact bounce is not filtered. A pin without edge detection is polled
// every 50 ms. If the wait for an edge hangs, Watch returns a *StuckError soon after ctx
// is done, and fails at once until it stops hanging.
func (p *Pin) Watch(ctx context.Context, emit func(level bool)) error {
	if !p.watching.TryLock() {
		return fmt.Errorf("bus %s: already watched", p.w.name)
	}
	p.mu.Lock()
	pull := p.pull
	p.mu.Unlock()
	edges := true
	err := p.w.do(ctx, func() error {
		if p.raw.In(pull, gpio.BothEdges) == nil {
			return nil
		}
		edges = false // no interrupts on this line
		return p.named("input", p.raw.In(pull, gpio.NoEdge))
	})
	if err != nil {
		p.watching.Unlock()
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	p.mu.Lock()
	p.set = true
	p.mu.Unlock()

	wake, ended := make(chan struct{}, 1), make(chan struct{})
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer p.watching.Unlock()
		defer close(ended)
		p.waitEdges(inner, edges, wake)
	}()
	return p.follow(ctx, wake, ended, emit)
}

// follow reads the level at each wake-up and emits the changes.
func (p *Pin) follow(ctx context.Context, wake, ended <-chan struct{}, emit func(bool)) error {
	first, last := true, false
	for {
		level, err := p.Read(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil && (first || level != last) {
			emit(level)
			first, last = false, level
		}
		select {
		case <-wake:
			continue
		case <-ctx.Done():
		}
		timer := time.NewTimer(closeWithin)
		defer timer.Stop()
		select {
		case <-ended:
			return nil
		case <-timer.C:
			return &StuckError{Bus: p.w.name, For: closeWithin}
		}
	}
}

// waitEdges wakes the follower at each edge and each edgePoll, until ctx is done.
func (p *Pin) waitEdges(ctx context.Context, edges bool, wake chan<- struct{}) {
	for ctx.Err() == nil {
		seen := false
		// A line that is gone reports "no edge" at once, for ever: never spin on it.
		timer := time.NewTimer(blindPoll)
		if edges {
			seen = p.raw.WaitForEdge(edgePoll)
		}
		if !seen {
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		timer.Stop()
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

func (p *Pin) named(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bus %s: %s: %w", p.w.name, doing, classify(err))
}

// String is the line's name.
func (p *Pin) String() string { return p.w.name }

// Stuck returns a *StuckError while the line's driver hangs, nil otherwise.
func (p *Pin) Stuck() error { return p.w.Stuck() }

// Close is as that of I2C.
func (p *Pin) Close() error { return p.w.close() }
