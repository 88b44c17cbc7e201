package forward

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// taken against a plain set: it may forget, but it never holds what was not brought.
func TestTakenHoldsNothingThatWasNotBrought(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got taken
		want := map[agent.Position]bool{}
		seq, epoch := agent.Seq(0), agent.Epoch(1)
		for range rapid.IntRange(0, 40).Draw(t, "windows") {
			epoch += agent.Epoch(rapid.SampledFrom([]int{0, 0, 0, 0, 1}).Draw(t, "epoch"))
			seq += agent.Seq(rapid.IntRange(0, 5).Draw(t, "hole"))
			var w window
			for range rapid.IntRange(1, 5).Draw(t, "records") {
				seq++
				w.whole = append(w.whole, agent.Position{Epoch: epoch, Seq: seq})
			}
			for i := range w.whole {
				want[w.whole[i]] = true
			}
			if rapid.Bool().Draw(t, "opens") {
				w.batches = []upstream.Batch{{Records: []agent.Record{{Position: w.whole[0]}}}}
				delete(want, w.whole[0])
			}
			got.add(w)
		}
		b := upstream.Batch{Epoch: epoch, Prev: 0}
		for s := range seq + 3 {
			if s > 0 && rapid.Bool().Draw(t, "selected") {
				b.Records = append(b.Records, agent.Record{Position: agent.Position{Epoch: epoch, Seq: s}})
			}
		}
		if len(b.Records) == 0 {
			return
		}
		before := map[agent.Seq]agent.Seq{}
		for i := 1; i < len(b.Records); i++ {
			before[b.Records[i].Position.Seq] = b.Records[i-1].Position.Seq
		}
		left := map[agent.Position]bool{}
		for _, piece := range got.without(b) {
			if first := piece.Records[0].Position.Seq; piece.Prev != before[first] {
				t.Fatalf("piece from %d: prev %d, want %d", first, piece.Prev, before[first])
			}
			for i := range piece.Records {
				left[piece.Records[i].Position] = true
			}
		}
		for i := range b.Records {
			if p := b.Records[i].Position; left[p] == want[p] {
				t.Fatalf("%s: brought %v, delivered in its turn %v; %+v", p, want[p], left[p], got)
			}
		}
	})
}

func TestTakenIsBounded(t *testing.T) {
	var got taken
	const end = 10 * mostRuns
	for seq := agent.Seq(1); seq < end; seq += 4 {
		w := window{whole: []agent.Position{{Epoch: 1, Seq: seq}, {Epoch: 1, Seq: seq + 1}}}
		w.batches = []upstream.Batch{{Records: []agent.Record{{Position: w.whole[0]}}}}
		got.add(w)
	}
	if len(got.runs) != mostRuns || len(got.firsts) != mostRuns || got.brought(end-2) != broughtLater || got.brought(end-3) != broughtFirst {
		t.Errorf("%d runs, %d firsts", len(got.runs), len(got.firsts))
	}
	got.forget(agent.Position{Epoch: 1, Seq: end - 4})
	if len(got.runs) != 1 || len(got.firsts) != 1 {
		t.Errorf("%d runs and %d firsts left", len(got.runs), len(got.firsts))
	}
}
