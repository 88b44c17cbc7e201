package receive

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// narrow is a far side that takes at most that many records at once, and some never.
type narrow struct {
	most  int
	never map[agent.Seq]error
	took  map[agent.Seq]int
}

func (n *narrow) Deliver(_ context.Context, b upstream.Batch) error {
	if len(b.Records) > n.most {
		return &upstream.TooLarge{Err: errors.New("413")}
	}
	for i := range b.Records {
		if err := n.never[b.Records[i].Position.Seq]; err != nil {
			return err
		}
	}
	for i := range b.Records {
		n.took[b.Records[i].Position.Seq]++
	}
	return nil
}

func (n *narrow) Close() error { return nil }

func TestABatchThatTheFarSideCannotTakeWholeHoldsNothingUp(t *testing.T) {
	at := func(seq agent.Seq) agent.Position { return agent.Position{Epoch: 7, Seq: seq} }
	for name, never := range map[string]map[agent.Seq]error{
		"too large":         {},
		"one is too large":  {7: &upstream.TooLarge{Err: errors.New("413")}},
		"one has no form":   {7: &wire.RecordError{Position: at(7), Err: wire.ErrEvent}},
		"the last has none": {20: &wire.RecordError{Position: at(20), Err: wire.ErrEvent}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			far := &narrow{most: 4, never: never, took: map[agent.Seq]int{}}
			sink := NewForwarded(dir, func(context.Context, wire.Gateway, upstream.Definitions) (upstream.Upstream, error) {
				return far, nil
			}, slog.New(slog.DiscardHandler))
			r := open(t, dir, func(Sink) Sink { return sink })
			take(t, r, readings, message(t, 1, 20))
			for seq := agent.Seq(1); seq <= 20; seq++ {
				if far.took[seq] != 1 && never[seq] == nil {
					t.Errorf("the far side took %d %d times", seq, far.took[seq])
				}
			}
			kept, err := os.ReadFile(filepath.Join(dir, "rejected.jsonl"))
			if err != nil && len(never) > 0 || bytes.Count(kept, []byte{'\n'}) != len(never) {
				t.Errorf("kept %q, %v; want %d records", kept, err, len(never))
			}
		})
	}
}
