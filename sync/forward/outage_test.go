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

// measured makes n records of all kinds from first on, taken now.
func (r *rig) measured(first agent.Seq, n int) []agent.Record {
	records := r.mixed(first, n)
	for i := range records {
		records[i].SetAt(r.now())
	}
	return records
}

// outage is a rig with a backlog of n records that are an hour old, and a far side that
// needs a while for each batch. The plan, if there is one, says how a Deliver ends.
type outage struct {
	*rig
	backlog agent.Seq
	all     []agent.Record
	plan    func(b upstream.Batch) upstreamtest.Fate
	arrival map[agent.Position]time.Duration // when a record was sent first
	commits map[agent.Position]time.Duration
	newest  map[agent.Kind]agent.Seq
	live    []upstream.Batch // batches of what was committed after the backlog
}

func newOutage(t reporter, n int) *outage {
	o := &outage{
		rig: newRig(t), backlog: agent.Seq(n), arrival: map[agent.Position]time.Duration{}, commits: map[agent.Position]time.Duration{},
	}
	o.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
		fate := upstreamtest.Fate{Take: -1, Delay: 100 * time.Millisecond}
		if o.plan != nil {
			fate = o.plan(b)
		}
		if fate.Err == nil {
			o.note(b)
		}
		return fate
	}
	o.commit(o.measured(1, n))
	time.Sleep(time.Hour)
	return o
}

func (o *outage) note(b upstream.Batch) {
	o.store.mu.Lock() // three goroutines deliver
	defer o.store.mu.Unlock()
	for i := range b.Records {
		if p := b.Records[i].Position; o.arrival[p] == 0 {
			o.arrival[p] = o.elapsed()
		}
	}
	if b.Lane == upstream.Main && b.Records[0].Position.Seq > o.backlog {
		o.live = append(o.live, b)
	}
}

func (o *outage) commit(records []agent.Record) {
	for i := range records {
		o.commits[records[i].Position] = o.elapsed()
	}
	o.all = append(o.all, records...)
	o.store.commit(records...)
}

// measures commits ten records each second.
func (o *outage) measures(seconds int) {
	for range seconds {
		o.commit(o.measured(agent.Seq(len(o.all)+1), 10))
		time.Sleep(time.Second)
	}
}

// lag is the longest that a record of [from, to), other than alarms, took to be sent first.
func (o *outage) lag(from, to int) time.Duration {
	o.t.Helper()
	o.store.mu.Lock()
	defer o.store.mu.Unlock()
	var most time.Duration
	for i := from; i < to; i++ {
		p := o.all[i].Position
		if o.all[i].Kind() == agent.KindAlarms {
			continue
		}
		at, ok := o.arrival[p]
		if !ok {
			o.t.Fatalf("%s was never sent", p)
		}
		most = max(most, at-o.commits[p])
	}
	return most
}

func (o *outage) sent() int {
	o.store.mu.Lock()
	defer o.store.mu.Unlock()
	return len(o.arrival)
}

// chained proves that no batch could be lost on the way unnoticed: the last of the records
// that it alone brought is named by another one's prev, unless it is the last of its topic.
func (o *outage) chained() {
	o.t.Helper()
	times, last := map[agent.Position]int{}, map[agent.Kind]agent.Seq{}
	named := map[agent.Kind]map[agent.Seq]bool{}
	for _, b := range o.fake.Batches() {
		if named[b.Kind] == nil {
			named[b.Kind] = map[agent.Seq]bool{}
		}
		named[b.Kind][b.Prev] = true
		for i := range b.Records {
			times[b.Records[i].Position]++
			last[b.Kind] = max(last[b.Kind], b.Records[i].Position.Seq)
		}
	}
	for _, b := range o.fake.Batches() {
		alone := agent.Seq(0)
		for i := range b.Records {
			if p := b.Records[i].Position; times[p] == 1 {
				alone = p.Seq
			}
		}
		if alone != 0 && alone != last[b.Kind] && !named[b.Kind][alone] {
			o.t.Errorf("no batch of %s claims %d: the one from %d could be lost unnoticed", b.Kind, alone, b.Records[0].Position.Seq)
		}
	}
}

// As TestNoRecordIsLostWhateverTheFarSideDoes, with a backlog, records that come while it drains,
// and epochs that change and come again.
func TestNoRecordIsLostWhileBothDrain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fates := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 200).Draw(rt, "fates")
		lives := rapid.SliceOfN(rapid.IntRange(1, 30), 1, 3).Draw(rt, "seconds per life")
		epochs := rapid.SliceOfN(rapid.SampledFrom([]agent.Epoch{upstreamtest.Epoch, upstreamtest.Epoch, 99}), 3, 3).Draw(rt, "epochs")
		perSecond := rapid.IntRange(1, 20).Draw(rt, "records per second")
		backlog := rapid.IntRange(1, 800).Draw(rt, "backlog")
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
