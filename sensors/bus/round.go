package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/onewire"
)

// round is a command that concerns all devices of a bus and that they share.
type round struct {
	mu    sync.Mutex
	n     uint64 // of the last round; rounds count from 1
	open  bool   // devices may still join it
	began time.Duration
}

// Begin sends w to all devices of the bus, 1-Wire's "convert", unless another device has
// done so for the present tick: then it joins that round. mine is the round in which the
// caller was last, 0 at first; the answer is the one it is in now. Nobody joins a round
// twice, one that End has closed, or one older than lasts.
//
// accept looks at the n bytes read after w, on the bus's goroutine; its error, like one
// of the transaction, is returned and leaves everybody without a round.
func (o *OneWire) Begin(ctx context.Context, mine uint64, lasts time.Duration, w []byte, power onewire.Pullup, n int, accept func([]byte) error) (uint64, error) {
	joined := make(chan uint64, 1)
	out, in := append([]byte(nil), w...), make([]byte, n)
	err := o.w.do(ctx, func() error {
		if n, ok := o.round.join(mine, o.w.now(), lasts); ok {
			joined <- n
			return nil
		}
		if err := o.bound(ctx).Tx(out, in, power); err != nil {
			return fmt.Errorf("bus %s: %w", o.w.name, classify(err))
		}
		if err := accept(in); err != nil {
			return fmt.Errorf("bus %s: %w", o.w.name, err)
		}
		joined <- o.round.next(o.w.now())
		return nil
	})
	if err != nil {
		return 0, err
	}
	return <-joined, nil
}

// End closes round n for newcomers: its first result is about to be collected.
func (o *OneWire) End(n uint64) {
	o.round.mu.Lock()
	defer o.round.mu.Unlock()
	if o.round.n == n {
		o.round.open = false
	}
}

// join is the present round if a device that was last in round mine may join it; if not,
// the round is over for all.
func (r *round) join(mine uint64, now, lasts time.Duration) (n uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = r.open && r.n != mine && now-r.began <= lasts
	return r.n, r.open
}

func (r *round) next(now time.Duration) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	r.open, r.began = true, now
	return r.n
}
