package forward

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
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
				w.whole = append(w.whole, agent.Record{Position: agent.Position{Epoch: epoch, Seq: seq}})
			}
			for i := range w.whole {
				want[w.whole[i].Position] = true
			}
			if rapid.Bool().Draw(t, "opens") {
				w.batches = []upstream.Batch{{Records: w.whole}}
				delete(want, w.whole[0].Position)
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
		w := window{whole: []agent.Record{{Position: agent.Position{Epoch: 1, Seq: seq}}, {Position: agent.Position{Epoch: 1, Seq: seq + 1}}}}
		w.batches = []upstream.Batch{{Records: w.whole}}
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

// As TestNoRecordIsLostWhateverTheFarSideDoes, with a backlog, records that come while it drains,
// and epochs that change and come again.
func TestNoRecordIsLostWhileBothDrain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fates := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 200).Draw(rt, "fates")
		lives := rapid.SliceOfN(rapid.IntRange(1, 60), 1, 4).Draw(rt, "seconds per life")
		epochs := rapid.SliceOfN(rapid.SampledFrom([]agent.Epoch{upstreamtest.Epoch, upstreamtest.Epoch, 99}), 4, 4).Draw(rt, "epochs")
		perSecond := rapid.IntRange(1, 40).Draw(rt, "records per second")
		backlog := rapid.IntRange(1, 1500).Draw(rt, "backlog")
		only := rapid.SampledFrom([]Only{
			{}, {Zones: []agent.ZoneID{"room-1"}}, {Kinds: []agent.Kind{agent.KindReadings, agent.KindAlarms}},
		}).Draw(rt, "only")
		bytes := rapid.SampledFrom([]int{500, 4096}).Draw(rt, "batch bytes")
		var c collector
		synctest.Test(t, func(*testing.T) {
			o := newOutage(&c, backlog)
			o.o.Only, o.o.Batch.Bytes = only, bytes
			var call atomic.Int64
			o.plan = func(b upstream.Batch) upstreamtest.Fate {
				fate := upstreamtest.All
				if n := int(call.Add(1)); n <= len(fates) {
					fate = fateOf(fates[n-1], b)
				}
				fate.Delay = max(fate.Delay, 100*time.Millisecond)
				return fate
			}
			next := map[agent.Epoch]agent.Seq{upstreamtest.Epoch: agent.Seq(backlog) + 1, 99: 1}
			for life, seconds := range lives {
				_, stop := o.start()
				for range seconds {
					records := o.measured(next[epochs[life]], perSecond)
					for i := range records {
						records[i].Position.Epoch = epochs[life]
					}
					next[epochs[life]] += agent.Seq(perSecond)
					o.commit(records)
					time.Sleep(time.Second)
				}
				stop()
			}
			p, stop := o.start()
			ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
			defer cancel()
			if err := p.Drain(ctx); err != nil {
				c.Errorf("%v: %+v", err, p.Snapshot(ctx))
			}
			stop()
			o.arrived(o.all, only)
		})
		if len(c.errs) > 0 {
			rt.Fatalf("%s", strings.Join(c.errs, "\n"))
		}
	})
}
