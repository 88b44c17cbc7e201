package main

import (
	"context"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/internal/lab"
	"github.com/frostline/frostline/sync/wire"
)

// witness sees from outside what a life of the agent says is durable: what `frostline
// tail` shows, and what it answers to a person who acknowledges.
type witness struct {
	client *control.Client

	mu     sync.Mutex
	saw    []sight
	acked  []agent.AlarmEventID
	broken []string // what it was told and cannot be
}

func newWitness(dir string) *witness { return &witness{client: control.NewClient(dir)} }

// run looks on until ctx is done, and acknowledges all alarms every so often.
func (w *witness) run(ctx context.Context, ackEvery time.Duration) {
	var wg sync.WaitGroup
	wg.Go(func() { w.acknowledge(ctx, ackEvery) })
	for ctx.Err() == nil {
		// An error is an agent that is not there yet, or not any more.
		_ = w.client.Tail(ctx, w.record)
		_ = lab.Sleep(ctx, 5*time.Millisecond)
	}
	wg.Wait()
}

func (w *witness) record(line []byte) error {
	b, err := wire.ParseRecord(line)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.broken = append(w.broken, "tail printed what is no record: "+err.Error())
		return nil
	}
	w.saw = append(w.saw, sight{b.Records[0].Position, digestOf(line)})
	return nil
}

// acknowledge acts as a person who looks at the open alarms every so often and takes note
// of some. The answer comes when it is durable.
func (w *witness) acknowledge(ctx context.Context, every time.Duration) {
	const atOnce = 4
	for lab.Sleep(ctx, every) == nil {
		var s control.Status
		if w.client.Get(ctx, "status", &s) != nil {
			continue // not there yet, or killed
		}
		done := 0
		for _, a := range s.Alarms {
			if a.State != agent.StateUnack && a.State != agent.StateRtnUnack {
				continue
			}
			if done++; done > atOnce {
				break
			}
			var reply control.AckReply
			err := w.client.Post(ctx, "ack", control.AckRequest{ID: string(a.ID), By: "the crash test", Comment: "looked at it"}, &reply)
			if err != nil {
				break // killed meanwhile, or the alarm is raised anew
			}
			w.mu.Lock()
			w.acked = append(w.acked, reply.Acknowledged...)
			w.mu.Unlock()
		}
	}
}
