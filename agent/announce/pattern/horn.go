package pattern

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Mute is a push button that silences a horn for a time; settings hold it under the key mute.
type Mute struct {
	Pin string        `yaml:"pin" doc:"Name of the button's pin. It closes to ground; the pull-up is switched on. Empty: no button." like:"GPIO5"`
	For time.Duration `yaml:"for" doc:"How long it silences. A new critical alarm, one worse than those that were silenced, or the first after all was quiet is heard at once."`
}

// DefaultMute has no button.
func DefaultMute() Mute { return Mute{For: 10 * time.Minute} }

// ErrMute is what Mute.Check returns.
var ErrMute = errors.New("mute: want a time from 10s to 1h")

// Check says what is wrong.
func (m Mute) Check() error {
	if m.For < 10*time.Second || m.For > time.Hour {
		return ErrMute
	}
	return nil
}

// again is how long a button that failed rests before it is opened again.
const again = 10 * time.Second

// Horn is a lamp that a button silences. Its methods may be called by any goroutine.
type Horn struct {
	lamp *Lamp
	mute Mute
	log  *slog.Logger

	mu       sync.Mutex
	wants    Pattern        // what sounds if it is not silenced
	severity agent.Severity // of what it wants to say
	muted    *time.Timer    // nil while it is not silenced
	presses  int            // of the button, so that an old timer is told from a new one
	closed   bool

	stop  context.CancelFunc
	ended sync.WaitGroup
}

// NewHorn opens the horn and its button.
func NewHorn(ctx context.Context, h announce.Host, pin string, active Level, m Mute) (*Horn, error) {
	lamp, err := NewLamp(ctx, h, pin, active)
	if err != nil {
		return nil, err
	}
	horn := &Horn{lamp: lamp, mute: m, log: h.Log, wants: Off}
	ctx, horn.stop = context.WithCancel(context.WithoutCancel(ctx))
	if m.Pin == "" {
		return horn, nil
	}
	button, err := h.Input(m.Pin)
	if err != nil {
		horn.stop()
		return nil, errors.Join(fmt.Errorf("mute %s: %w", m.Pin, err), lamp.Close())
	}
	horn.ended.Go(func() { horn.listen(ctx, button) })
	return horn, nil
}

// Show sounds the pattern for a notice, unless the horn is silenced and the notice says nothing
// worse than what was silenced.
func (h *Horn) Show(ctx context.Context, n announce.Notice, p Pattern) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.Mute > 0 {
		h.silence(ctx, n.Mute)
		return nil
	}
	worse := n.Sounding.Rank() > h.severity.Rank()
	fresh := n.Event != nil && n.Event.Severity == agent.SeverityCritical &&
		(n.Event.Transition == agent.Raised || n.Event.Transition == agent.ReAlarmed)
	h.wants, h.severity = p, n.Sounding
	if worse || fresh {
		h.unmute()
	}
	if h.muted != nil {
		return nil
	}
	return h.lamp.Show(ctx, p)
}

// listen waits for the button until ctx is done.
func (h *Horn) listen(ctx context.Context, button announce.Input) {
	told := false
	for ctx.Err() == nil {
		err := button.In(ctx, gpio.PullUp)
		if err == nil {
			err = button.Watch(ctx, func(high bool) {
				told = false
				if !high {
					h.press(ctx)
				}
			})
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !told {
			h.log.WarnContext(ctx, "mute button failed", slog.String("pin", h.mute.Pin), slog.Any("err", err))
			told = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// press silences the horn, from now on for the whole time. While nothing sounds it does nothing.
func (h *Horn) press(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silence(ctx, h.mute.For)
}

// silence is press for a time. The caller holds mu.
func (h *Horn) silence(ctx context.Context, d time.Duration) {
	if h.closed || h.wants == Off {
		return
	}
	h.unmute()
	if err := h.lamp.Show(ctx, Off); err != nil {
		h.log.WarnContext(ctx, "horn not silenced", slog.Any("err", err))
		return
	}
	h.log.InfoContext(ctx, "horn silenced by a button", slog.Duration("for", d))
	h.presses++
	press := h.presses
	h.ended.Add(1)
	ctx = context.WithoutCancel(ctx)
	h.muted = time.AfterFunc(d, func() {
		defer h.ended.Done()
		h.over(ctx, press)
	})
}

// unmute ends the silence. The caller holds mu.
func (h *Horn) unmute() {
	if h.muted != nil && h.muted.Stop() {
		h.ended.Done()
	}
	h.muted = nil
}

// over sounds again when the time is up.
func (h *Horn) over(ctx context.Context, press int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.muted == nil || press != h.presses {
		return
	}
	h.muted = nil
	if err := h.lamp.Show(ctx, h.wants); err != nil {
		h.log.WarnContext(ctx, "horn not switched", slog.Any("err", err))
	}
}

// Close frees the button and switches the horn off. A second Close does nothing.
func (h *Horn) Close() error {
	h.mu.Lock()
	h.closed = true
	h.unmute()
	h.mu.Unlock()
	h.stop()
	h.ended.Wait()
	return h.lamp.Close()
}
