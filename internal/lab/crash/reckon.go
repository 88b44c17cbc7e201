package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/internal/lab"
)

// drainWithin is how long the last life may take until the far side has everything. The
// receiver may be waiting for its next attempt to reach the broker, up to 30 s.
const drainWithin = 90 * time.Second

// reckon starts the agent a last time with everything working, has it deliver all it has,
// and closes the ledger.
func (r *rig) reckon(ctx context.Context) error {
	config, err := configure(r.dir, r.relay.Addr(), r.encoding, r.random)
	if err != nil {
		return err
	}
	a, err := lab.Start(r.o.binary, filepath.Join(r.dir, "agent.log"), "run", "-c", config)
	if err != nil {
		return err
	}
	r.count.lives++
	r.count.stops++
	w := newWitness(filepath.Join(r.dir, "store"))
	upTo, err := r.drain(ctx, w.client)
	if err != nil {
		return errors.Join(err, a.Stop())
	}
	if err := a.Stop(); err != nil {
		r.found(err.Error())
	}
	if err := r.verify(ctx, w, config); err != nil {
		return err
	}
	got := r.far.received()
	if r.o.sabotage == sabotageLost {
		delete(got, upTo)
	}
	r.count.lost = r.book.lacks(upTo, got)
	r.found(r.count.lost...)
	r.count.later = r.book.records() - len(got) - len(r.count.lost)
	r.closeLedger(len(r.far.received()))
	return nil
}

// drain waits until the far side has everything that the store held at some moment of this
// life, and returns the last position of that moment.
func (r *rig) drain(ctx context.Context, client *control.Client) (agent.Position, error) {
	var s control.Status
	err := lab.Await(ctx, "the control socket", 30*time.Second, 10*time.Millisecond, func() bool {
		return client.Get(ctx, "status", &s) == nil && s.Store.Epoch != 0
	})
	if err != nil {
		return agent.Position{}, err
	}
	entries, err := readStore(ctx, filepath.Join(r.dir, "store"), agent.Position{})
	if err != nil || len(entries) == 0 {
		return agent.Position{}, errors.Join(errors.New("crash: nothing in the store at the end"), err)
	}
	next := 0
	_ = lab.Await(ctx, "the far side", drainWithin, 10*time.Millisecond, func() bool {
		for next < len(entries) && r.far.has(entries[next].pos) {
			next++
		}
		return next == len(entries)
	}) // what is missing is counted by lacks
	return entries[len(entries)-1].pos, ctx.Err()
}

// closeLedger holds the receiver's own ledger against what its sink was given.
func (r *rig) closeLedger(received int) {
	for _, p := range r.far.Ledger().Accounts() {
		if p.Site != gateway.Site || p.Gateway != gateway.Gateway {
			r.found(fmt.Sprintf("the ledger knows %s/%s, which does not exist", p.Site, p.Gateway))
			continue
		}
		r.count.ledger = p
		if p.Received != int64(received) || p.Missing != 0 || p.Gone != 0 || p.Doubled != 0 {
			r.found(fmt.Sprintf("the ledger does not close: %d received, %d written, %d missing, %d gone, %d doubled",
				p.Received, received, p.Missing, p.Gone, p.Doubled))
		}
	}
	if r.count.ledger.Site == "" {
		r.found("the ledger does not know the gateway")
	}
	if n := r.far.Unusable(); n > 0 {
		r.found(fmt.Sprintf("%d messages could not be understood", n))
	}
}

// Defects that -sabotage plays, to show that they are found.
const (
	sabotageLost       = "lost"       // a record never reaches the far side
	sabotageDoubled    = "doubled"    // a position reaches it with another content
	sabotageReused     = "reused"     // a position of the store is given to another content
	sabotageTransition = "transition" // an alarm's end is not recorded
)

var sabotages = []string{sabotageLost, sabotageDoubled, sabotageReused, sabotageTransition}

// sabotage changes what the rig believes to have seen in the middle of the test.
func (r *rig) sabotage(entries []entry, fresh []sight) {
	if r.count.sabotaged || r.count.kills < max(r.o.n/2, 2) {
		return
	}
	switch r.o.sabotage {
	case sabotageDoubled:
		if len(fresh) > 0 {
			fresh[len(fresh)/2].digest++
			r.count.sabotaged = true
		}
	case sabotageReused:
		if len(entries) > 0 && len(r.book.epochs) > 0 {
			if _, known := r.book.at(entries[0].pos); known {
				entries[0].digest++
				r.count.sabotaged = true
			}
		}
	case sabotageTransition:
		for i := range entries {
			e := entries[i].event
			if _, known := r.book.at(entries[i].pos); !known && e != nil && e.Alarm != nil && e.Alarm.Transition == agent.Cleared {
				entries[i].event = nil
				r.count.sabotaged = true
				return
			}
		}
	}
}
