package upstreamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// Fake is an upstream whose far side is in memory. The zero value takes everything; its
// fields are set before its first use. Its methods are safe for concurrent use.
type Fake struct {
	Gateway     wire.Gateway
	Definitions upstream.Definitions
	// Plan, if set, says how the call-th Deliver (from 1) ends.
	Plan func(call int, b upstream.Batch) Fate

	mu       sync.Mutex
	calls    int
	closed   bool
	batches  []upstream.Batch // taken, at least in part
	received []Received
	delay    time.Duration
	neverAck bool
	hangUp   int
	down     bool
	reject   func(agent.Position) bool
	changed  chan struct{}
}

// Fate is how a Deliver of the Fake ends.
type Fate struct {
	Take   int           // records that the far side takes, from the front; -1: all
	Reject []int         // of those, the ones it rejects
	Err    error         // what Deliver returns; nil: nothing, or *upstream.Rejected if Reject is set
	Delay  time.Duration // before the answer
	Hang   bool          // no answer before the context ends
}

// All takes the whole batch.
var All = Fate{Take: -1}

// Received is a record as it arrived at the far side.
type Received struct {
	Position agent.Position
	Kind     agent.Kind
	Content  string // the same text for the same content
}

var errClosed = errors.New("fake: closed")

// Deliver implements upstream.Upstream.
func (f *Fake) Deliver(ctx context.Context, b upstream.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fate := f.fate(b)
	if fate.Take < 0 || fate.Take > len(b.Records) {
		fate.Take = len(b.Records)
	}
	rejected, err := f.take(b, fate)
	if err != nil {
		return err
	}
	if fate.Hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fate.Delay > 0 {
		timer := time.NewTimer(fate.Delay)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
	switch {
	case fate.Err != nil:
		return fate.Err
	case rejected != nil:
		return rejected
	}
	return nil
}

// fate is the plan's, or what the switches of Far say.
func (f *Fake) fate(b upstream.Batch) Fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	switch {
	case f.closed:
		return Fate{Err: errClosed}
	case f.Plan != nil:
		plan, call := f.Plan, f.calls
		f.mu.Unlock()
		defer f.mu.Lock()
		return plan(call, b)
	case f.down:
		return Fate{Err: errors.New("fake: connection refused")}
	case f.neverAck:
		return Fate{Take: -1, Hang: true}
	case f.hangUp > 0 && f.calls%f.hangUp == 0:
		return Fate{Take: len(b.Records) / 2, Err: &upstream.Lost{Err: errors.New("fake: hung up")}}
	}
	fate := Fate{Take: -1, Delay: f.delay}
	for i := range b.Records {
		if f.reject != nil && f.reject(b.Records[i].Position) {
			fate.Reject = append(fate.Reject, i)
		}
	}
	return fate
}

func (f *Fake) take(b upstream.Batch, fate Fate) (*upstream.Rejected, error) {
	var rejected *upstream.Rejected
	var took []Received
	for i := range fate.Take {
		r := &b.Records[i]
		if slices.Contains(fate.Reject, i) {
			if rejected == nil {
				rejected = &upstream.Rejected{}
			}
			rejected.Records = append(rejected.Records, upstream.RejectedRecord{Position: r.Position, Reason: "fake: planned"})
			continue
		}
		text, err := wire.AppendRecord(nil, f.gateway(), r, f.Definitions)
		if err != nil {
			return nil, fmt.Errorf("fake: %w", err)
		}
		took = append(took, Received{r.Position, r.Kind(), string(text)})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received = append(f.received, took...)
	if fate.Take > 0 {
		b.Records = slices.Clone(b.Records) // the pump's again when Deliver returns
		f.batches = append(f.batches, b)
	}
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
	return rejected, nil
}

func (f *Fake) gateway() wire.Gateway {
	if f.Gateway == (wire.Gateway{}) {
		return wire.Gateway{Site: "s1", Gateway: "gw-01"}
	}
	return f.Gateway
}

// Close implements upstream.Upstream.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// Calls is how often Deliver was called.
func (f *Fake) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Received lists what arrived, in the order of arrival, repetitions included.
func (f *Fake) Received() []Received {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.received)
}

// Batches lists the batches of which at least one record was taken.
func (f *Fake) Batches() []upstream.Batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.batches)
}

// Changed is closed when something more arrives.
func (f *Fake) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.changed
}

// Far is the Fake's far side, as Run wants to control it.
func (f *Fake) Far() Far {
	locked := func(change func()) {
		f.mu.Lock()
		defer f.mu.Unlock()
		change()
	}
	return Far{
		Received:    f.Received,
		HangUpEvery: func(k int) { locked(func() { f.hangUp = k }) },
		DelayAck:    func(d time.Duration) { locked(func() { f.delay = d }) },
		NeverAck:    func(on bool) { locked(func() { f.neverAck = on }) },
		Down:        func(on bool) { locked(func() { f.down = on }) },
		Reject:      func(r func(agent.Position) bool) { locked(func() { f.reject = r }) },
	}
}
