package chip

import (
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/frostline/frostline/agent"
)

// Probe is what there is to measure: the true value of a quantity at this moment, in the
// quantity's unit.
type Probe func(agent.Quantity) float64

// Now is monotonic time since any moment.
type Now func() time.Duration

// ErrNACK is what a bus master sees when no chip acknowledges its address, a command or
// a read. It is the errno that Linux's I²C drivers return for it.
var ErrNACK = fmt.Errorf("no acknowledge: %w", syscall.ENXIO)

// Wire is what all chips have in common, and is embedded in each: a plug that can be
// pulled, and answers that can be spoiled on their way to the master.
type Wire struct {
	mu        sync.Mutex // held by every exported method of the chip
	unplugged bool
	powerUp   func() // called with mu held, whenever the chip gets power
	spoil     func(n int, frame []byte)
	answers   int // since the hook was set
}

// Unplug cuts the chip off: it acknowledges nothing and forgets everything volatile.
func (w *Wire) Unplug() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unplugged = true
}

// Plug connects the chip again; it comes up with its power-on values. It does nothing
// to a chip that is plugged in.
func (w *Wire) Plug() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unplugged && w.powerUp != nil {
		w.powerUp()
	}
	w.unplugged = false
}

// Corrupt sets a hook that may change what the chip answers; n counts its answers from 0
// since the hook was set, frame is the whole answer. One frame is one transaction on I²C
// and SPI and one byte on 1-Wire. nil removes the hook. It must not call the chip.
func (w *Wire) Corrupt(hook func(n int, frame []byte)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spoil, w.answers = hook, 0
}

// answered passes a frame by the hook.
func (w *Wire) answered(frame []byte) {
	if w.spoil == nil || len(frame) == 0 {
		return
	}
	n := w.answers
	w.answers++
	w.spoil(n, frame)
}

// FlipBit is a hook for Corrupt: it flips bit (0 is the lowest bit of the first byte) of
// the n-th frame, if that frame is long enough.
func FlipBit(n, bit int) func(int, []byte) {
	return func(i int, frame []byte) {
		if i == n && bit/8 < len(frame) {
			frame[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// code scales x from [low, low+span] to [0, max], rounded, and stays inside, as an
// analog-to-digital converter does at its ends.
func code(x, low, span float64, limit uint32) uint32 {
	s := (x - low) / span * float64(limit)
	switch {
	case !(s > 0): // NaN too
		return 0
	case s >= float64(limit):
		return limit
	}
	return uint32(s + 0.5)
}
