package forward

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

func TestEverythingArrivesAndTheCursorFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		records := r.mixed(1, 1000)
		r.store.commit(records...)
		p, stop := r.start()
		r.drain(p, time.Minute)
		if s := p.Snapshot(t.Context()); s.Waiting != 0 || s.State != StateIdle {
			t.Errorf("drained: %+v", s)
		}
		stop()
		r.arrived(records, Only{})
		for _, lane := range []upstream.Lane{upstream.Urgent, upstream.Main} {
			if got := r.store.cursor(lane); got.Seq != 1000 {
				t.Errorf("%s cursor at %s, want 1000", lane, got)
			}
		}
	})
}

func TestPrevChainsEachTopicOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var all []agent.Record
		for life := range 5 {
			records := r.mixed(agent.Seq(1+life*137), 137)
			all = append(all, records...)
			r.store.commit(records...)
			p, stop := r.start()
			r.drain(p, time.Minute)
			stop()
		}
		r.arrived(all, Only{})
		last := map[agent.Kind]agent.Seq{}
		for _, b := range r.fake.Batches() {
			if b.Prev != last[b.Kind] {
				t.Errorf("%s batch from %d: prev %d, want %d", b.Kind, b.Records[0].Position.Seq, b.Prev, last[b.Kind])
			}
			last[b.Kind] = b.Records[len(b.Records)-1].Position.Seq
		}
	})
}

func TestANewEpochStartsTheChainAnewAndIsNotMixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var all []agent.Record
		for epoch := range agent.Epoch(3) {
			records := r.mixed(1, 25)
			for i := range records {
				records[i].Position.Epoch = 7 - epoch
			}
			all = append(all, records...)
		}
		r.store.commit(all...)
		p, stop := r.start()
		r.drain(p, time.Minute)
		stop()
		r.arrived(all, Only{})
		seen := map[agent.Epoch]map[agent.Kind]bool{}
		for _, b := range r.fake.Batches() {
			for i := range b.Records {
				if b.Records[i].Position.Epoch != b.Epoch {
					t.Fatalf("a batch of epoch %s holds %s", b.Epoch, b.Records[i].Position)
				}
			}
			if seen[b.Epoch] == nil {
				seen[b.Epoch] = map[agent.Kind]bool{}
			}
			if first := !seen[b.Epoch][b.Kind]; first && b.Prev != 0 {
				t.Errorf("first %s batch of %s has prev %d", b.Kind, b.Epoch, b.Prev)
			}
			seen[b.Epoch][b.Kind] = true
		}
	})
}

func TestOnlySelectsKindsAndZonesAndTheCursorPassesOverTheRest(t *testing.T) {
	for _, only := range []Only{
		{Kinds: []agent.Kind{agent.KindAlarms}},
		{Kinds: []agent.Kind{agent.KindReadings, agent.KindStock}},
		{Zones: []agent.ZoneID{"room-1"}},
		{Kinds: []agent.Kind{agent.KindReadings, agent.KindAlarms}, Zones: []agent.ZoneID{"room-0"}},
		{Zones: []agent.ZoneID{"elsewhere"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.o.Only = only
			records := r.mixed(1, 2000)
			r.store.commit(records...)
			p, stop := r.start()
			r.drain(p, time.Minute)
			stop()
			r.arrived(records, only)
			for _, lane := range []upstream.Lane{upstream.Urgent, upstream.Main} {
				if got := r.store.cursor(lane); got.Seq != 2000 {
					t.Errorf("%+v: %s cursor at %s, want 2000: retention waits for it", only, lane, got)
				}
			}
		})
	}
}

func TestFromNowSkipsWhatWasThereAndOldestDoesNot(t *testing.T) {
	for _, from := range []From{FromOldest, FromNow} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.o.From = from
			old := r.mixed(1, 100)
			r.store.commit(old...)
			p, stop := r.start()
			synctest.Wait()
			fresh := r.mixed(101, 100)
			r.store.commit(fresh...)
			r.drain(p, time.Minute)
			stop()
			want := slices.Concat(old, fresh)
			if from == FromNow {
				want = fresh
			}
			r.arrived(want, Only{})
			p, stop = r.start() // a second start goes on where the first ended
			r.drain(p, time.Minute)
			stop()
			if got := len(r.fake.Received()); got != len(want) {
				t.Errorf("from %s: %d records arrived, want %d", from, got, len(want))
			}
		})
	}
}

func TestWaitingRecordsStopTheLaneUntilDated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		records := r.mixed(1, 40)
		undated := slices.Clone(records)
		for i := 20; i < 40; i++ {
			undated[i].SetAt(agent.Instant{Mono: time.Second})
			if e := undated[i].Event; e != nil {
				e := *e
				undated[i].Event = &e
				undated[i].SetAt(agent.Instant{Mono: time.Second})
			}
			if s := undated[i].Scan; s != nil {
				s := *s
				undated[i].Scan = &s
				undated[i].SetAt(agent.Instant{Mono: time.Second})
			}
		}
		records = r.mixed(1, 40)
		r.store.commit(undated...)
		p, stop := r.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := len(r.fake.Received()); got != 20 {
			t.Errorf("%d records arrived, want the 20 dated ones", got)
		}
		if s := p.Snapshot(t.Context()); s.State != StateUndated || s.Waiting != 20 {
			t.Errorf("snapshot %+v", s)
		}
		r.store.mu.Lock()
		r.store.records = records
		r.store.mu.Unlock()
		r.drain(p, time.Minute)
		stop()
		r.arrived(records, Only{})
	})
}

func TestLiveRecordsLingerFromTheirMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p, stop := r.start()
		defer stop()
		time.Sleep(10 * time.Second)
		at := func(seq agent.Seq, kind agent.Kind) agent.Record {
			rec := r.defs.Record(kind, seq)
			rec.SetAt(r.now())
			return rec
		}
		arrival := func() time.Duration { // of the next record
			began := r.elapsed()
			<-r.fake.Changed()
			return r.elapsed() - began
		}
		// Two records measured 0.4 s apart and committed at once go together, one second after the first.
		r.store.commit(at(1, agent.KindReadings))
		time.Sleep(400 * time.Millisecond)
		r.store.commit(at(2, agent.KindReadings))
		if d := arrival(); d != 600*time.Millisecond {
			t.Errorf("the batch went after %v, want 600ms", d)
		}
		if b := r.fake.Batches(); len(b) != 1 || len(b[0].Records) != 2 {
			t.Errorf("%d batches, want one of two records", len(b))
		}
		// What waited for its commit that long goes at once.
		time.Sleep(time.Minute)
		late := at(3, agent.KindReadings)
		time.Sleep(time.Second)
		go r.store.commit(late)
		if d := arrival(); d != 0 {
			t.Errorf("a record committed after a second went after %v", d)
		}
		// Alarms never linger.
		time.Sleep(time.Minute)
		alarm := at(4, agent.KindAlarms)
		go r.store.commit(alarm)
		if d := arrival(); d != 0 {
			t.Errorf("an alarm went after %v", d)
		}
		r.drain(p, time.Minute)
	})
}

func TestHistMarksWhatWasCommittedBeforeTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var down atomic.Bool
		down.Store(true)
		r.fake.Plan = func(int, upstream.Batch) upstreamtest.Fate {
			if down.Load() {
				return upstreamtest.Fate{Err: errors.New("no route")}
			}
			return upstreamtest.All
		}
		r.store.commit(r.mixed(1, 50)...)
		p, stop := r.start()
		time.Sleep(10 * time.Second)
		r.store.commit(r.mixed(51, 50)...)
		down.Store(false)
		r.drain(p, time.Minute)
		r.store.commit(r.mixed(101, 50)...)
		r.drain(p, time.Minute)
		stop()
		for _, b := range r.fake.Batches() {
			newest := b.Records[len(b.Records)-1].Position.Seq
			if want := newest <= 100; b.Hist != want {
				t.Errorf("batch up to %d: hist %v, want %v", newest, b.Hist, want)
			}
		}
	})
}

func TestAlarmsDoNotWaitForABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var backlog []agent.Record
		for seq := range agent.Seq(20_000) {
			backlog = append(backlog, r.defs.Record(agent.KindReadings, seq+1))
		}
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			if b.Kind == agent.KindReadings {
				return upstreamtest.Fate{Take: -1, Delay: time.Second} // a slow link
			}
			return upstreamtest.All
		}
		r.store.commit(backlog...)
		p, stop := r.start()
		time.Sleep(1500 * time.Millisecond)
		began := r.elapsed()
		r.store.commit(r.defs.Record(agent.KindAlarms, 20_001))
		for !slices.ContainsFunc(r.fake.Received(), func(got upstreamtest.Received) bool { return got.Kind == agent.KindAlarms }) {
			<-r.fake.Changed()
		}
		if d := r.elapsed() - began; d > 300*time.Millisecond {
			t.Errorf("the alarm took %v", d)
		}
		if s := p.Snapshot(t.Context()); s.Waiting < 10_000 {
			t.Errorf("%d waiting: there was no backlog", s.Waiting)
		}
		stop()
	})
}

func TestStopInTheMiddleOfADeliveryLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		records := r.mixed(1, 500)
		r.store.commit(records...)
		var hang atomic.Bool
		hang.Store(true)
		r.fake.Plan = func(call int, _ upstream.Batch) upstreamtest.Fate {
			return upstreamtest.Fate{Take: -1, Hang: hang.Load() && call > 3}
		}
		_, stop := r.start()
		time.Sleep(time.Second)
		stop()
		hang.Store(false)
		p, stop := r.start()
		r.drain(p, time.Minute)
		stop()
		r.arrived(records, Only{})
	})
}

func TestDrainSaysWhyItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.fake.Plan = func(int, upstream.Batch) upstreamtest.Fate {
			return upstreamtest.Fate{Err: errors.New("no route")}
		}
		r.store.commit(r.mixed(1, 10)...)
		p, stop := r.start()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := p.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain: %v", err)
		}
		stop()
		if err := p.Drain(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("drain of a stopped pump: %v", err)
		}
	})
}
