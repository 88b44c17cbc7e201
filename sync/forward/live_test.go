package forward

import (
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

func TestWhatIsMeasuredNowDoesNotWaitForABacklog(t *testing.T) {
	for _, only := range []Only{{}, {Zones: []agent.ZoneID{"room-1"}}, {Kinds: []agent.Kind{agent.KindReadings, agent.KindAlarms}}} {
		synctest.Test(t, func(t *testing.T) {
			o := newOutage(t, 8_000)
			o.o.Only, o.o.Batch.Bytes = only, 2048
			p, stop := o.start()
			time.Sleep(3 * time.Second)
			from := len(o.all)
			o.measures(12)
			to := len(o.all)
			if s := p.Snapshot(t.Context()); s.Waiting < 1_000 {
				t.Errorf("%d waiting: there was no backlog", s.Waiting)
			}
			o.drain(p, time.Hour)
			stop()
			o.arrived(o.all, only)
			o.chained()
			for i := from; i < to; i++ {
				if !only.selects(&o.all[i], o.defs) {
					o.arrival[o.all[i].Position] = o.commits[o.all[i].Position]
				}
			}
			// A second of lingering, a window of the backlog with four topics, four batches of its own, twice.
			if lag := o.lag(from, to); lag > 3*time.Second {
				t.Errorf("what was measured meanwhile took %v", lag)
			}
			for _, b := range o.fake.Batches() {
				if first := b.Records[0].Position.Seq; b.Lane == upstream.Main && b.Hist != (first <= o.backlog) {
					t.Errorf("batch from %d: hist %v", first, b.Hist)
				}
			}
			// What live windows brought comes once, but for the first of each topic.
			again := len(o.fake.Received())
			unique := map[agent.Position]bool{}
			for _, got := range o.fake.Received() {
				unique[got.Position] = true
			}
			if again -= len(unique); again > 4 {
				t.Errorf("%d records came twice", again)
			}
			if got := o.store.cursor(upstream.Main).Seq; got != agent.Seq(len(o.all)) {
				t.Errorf("cursor at %d of %d", got, len(o.all))
			}
		})
	}
}

func TestOrderHoldsWithinEachOfTheTwoWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 5_000)
		p, stop := o.start()
		o.measures(20)
		o.drain(p, time.Hour)
		stop()
		o.arrived(o.all, Only{})
		var backlog, live = map[agent.Kind]agent.Seq{}, map[agent.Kind]agent.Seq{}
		first := map[agent.Kind]bool{}
		for _, b := range o.fake.Batches() {
			order := backlog
			if b.Records[0].Position.Seq > o.backlog {
				order = live
			}
			for i := range b.Records {
				seq := b.Records[i].Position.Seq
				if seq <= order[b.Kind] && first[b.Kind] {
					t.Errorf("%s: %d after %d", b.Kind, seq, order[b.Kind])
				} else if seq <= order[b.Kind] {
					first[b.Kind] = true // the first of a live window's topic, in its turn
					continue
				}
				order[b.Kind] = seq
			}
		}
	})
}

// The pump is stopped, as by a crash that writes no cursor, while both windows drain.
func TestACrashWhileALiveWindowIsOpenLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 10_000)
		for life := range 6 {
			cursors, notes := maps.Clone(o.store.cursors), maps.Clone(o.store.notes)
			_, stop := o.start()
			o.measures(7 + life)
			stop()
			if life%2 == 0 { // killed: what was not written long before is not written
				o.store.cursors, o.store.notes = cursors, notes
			}
		}
		if len(o.live) == 0 || o.store.cursor(upstream.Main).Seq >= o.backlog {
			t.Fatalf("%d live batches, cursor at %s: the lives were too long", len(o.live), o.store.cursor(upstream.Main))
		}
		p, stop := o.start()
		o.drain(p, time.Hour)
		stop()
		o.arrived(o.all, Only{})
	})
}

func TestALinkThatFlapsWhileBothDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 10_000)
		o.plan = func(upstream.Batch) upstreamtest.Fate {
			if o.elapsed()%time.Minute > 40*time.Second {
				return upstreamtest.Fate{Delay: 200 * time.Millisecond, Err: errDied}
			}
			return upstreamtest.Fate{Take: -1, Delay: 200 * time.Millisecond}
		}
		p, stop := o.start()
		for range 3 {
			time.Sleep(time.Minute - o.elapsed()%time.Minute)
			o.measures(8) // the link is back, and the pause after the last failure over
			from := len(o.all)
			o.measures(25)
			to := len(o.all)
			time.Sleep(5 * time.Second)
			if lag := o.lag(from, to); lag > 5*time.Second {
				t.Errorf("what was measured while the link worked took %v", lag)
			}
			o.measures(15)
		}
		if o.store.cursor(upstream.Main).Seq >= o.backlog {
			t.Error("there was no backlog in the end")
		}
		o.drain(p, 5*time.Hour)
		stop()
		o.arrived(o.all, Only{})
		if len(o.store.setAside()) > 0 {
			t.Errorf("set aside: %v", asideSeqs(o.store))
		}
	})
}

func TestAFarSideThatRefusesWhileBothDrain(t *testing.T) {
	for _, kind := range []agent.Kind{agent.KindReadings, agent.KindScans} {
		synctest.Test(t, func(t *testing.T) {
			o := newOutage(t, 5_000)
			var refused atomic.Bool
			o.plan = func(b upstream.Batch) upstreamtest.Fate {
				if b.Kind == kind && refused.Load() {
					return upstreamtest.Fate{Err: &upstream.Refused{Code: "upstream-denied", Err: errors.New("acl")}}
				}
				return upstreamtest.Fate{Take: -1, Delay: 100 * time.Millisecond}
			}
			p, stop := o.start()
			o.measures(10)
			refused.Store(true)
			o.measures(5)
			before := o.count(routine)
			o.measures(300)
			if got := o.cond.now(); !slices.Equal(got, []string{"upstream-denied"}) {
				t.Errorf("conditions %v", got)
			}
			if calls := o.fake.Calls(); calls > 1000 || o.count(routine) > before+400 {
				t.Errorf("%d calls, %d records more: a lane that is refused goes on", calls, o.count(routine)-before)
			}
			refused.Store(false)
			o.drain(p, time.Hour)
			stop()
			o.arrived(o.all, Only{})
			o.chained()
			if got := o.cond.now(); len(got) != 0 {
				t.Errorf("conditions %v afterwards", got)
			}
		})
	}
}

func TestRecordsRejectedInALiveWindowAreSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 5_000)
		bad := []agent.Seq{5_041, 5_043, 5_052, 5_057, 5_101}
		offered := map[agent.Seq]int{}
		var mended atomic.Bool
		o.plan = func(b upstream.Batch) upstreamtest.Fate {
			fate := upstreamtest.Fate{Take: -1, Delay: 100 * time.Millisecond}
			if b.Lane == upstream.Main && !mended.Load() {
				fate.Reject = holds(b, bad...)
			}
			for _, i := range fate.Reject {
				offered[b.Records[i].Position.Seq]++
			}
			return fate
		}
		p, stop := o.start()
		o.measures(20)
		if got := asideSeqs(o.store); !slices.Equal(got, bad) || o.store.cursor(upstream.Main).Seq > 5_000 {
			t.Errorf("set aside by the live window: %v, cursor at %s", got, o.store.cursor(upstream.Main))
		}
		o.drain(p, time.Hour)
		for seq, n := range offered {
			if n != 1 {
				t.Errorf("%d was offered %d times", seq, n)
			}
		}
		o.arrived(o.all, Only{})
		mended.Store(true)
		for pos := range o.store.setAside() {
			o.store.requeue(pos)
		}
		time.Sleep(30 * time.Second)
		stop()
		if got := asideSeqs(o.store); len(got) != 0 {
			t.Errorf("still set aside: %v", got)
		}
		o.arrived(o.all, Only{})
	})
}

// The link carries less than is measured: the live window falls behind, and begins at the head again and
// again. So some of each moment arrives soon.
func TestALiveWindowThatFallsBehindBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 2_000)
		o.o.Batch.Bytes = 2048
		var wide atomic.Bool
		o.plan = func(upstream.Batch) upstreamtest.Fate {
			if wide.Load() {
				return upstreamtest.All
			}
			return upstreamtest.Fate{Take: -1, Delay: 250 * time.Millisecond}
		}
		p, stop := o.start()
		for range 60 {
			o.commit(o.measured(agent.Seq(len(o.all)+1), 100))
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Second)
		for from := 2_000; from < len(o.all); from += 1_000 { // ten seconds each
			soon := 0
			o.store.mu.Lock()
			for _, rec := range o.all[from : from+1_000] {
				if at := o.arrival[rec.Position]; at != 0 && rec.Kind() != agent.KindAlarms && at-o.commits[rec.Position] < 8*time.Second {
					soon++
				}
			}
			o.store.mu.Unlock()
			if soon == 0 {
				t.Errorf("of what was measured from %s on nothing arrived soon", o.all[from].Position)
			}
		}
		wide.Store(true)
		o.drain(p, 5*time.Hour)
		stop()
		o.arrived(o.all, Only{})
	})
}

// A record under which connections die is found by the lane in its turn; the live window leaves it
// to the lane, and nothing innocent is set aside.
func TestAPoisonedRecordInALiveWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 5_000)
		var deaths atomic.Int64
		o.plan = func(b upstream.Batch) upstreamtest.Fate {
			if holds(b, 5_071) != nil {
				deaths.Add(1)
				return upstreamtest.Fate{Err: errDied}
			}
			return upstreamtest.Fate{Take: -1, Delay: 100 * time.Millisecond}
		}
		p, stop := o.start()
		o.measures(30)
		if n := deaths.Load(); n != 1 {
			t.Errorf("%d connections died while the backlog drained, want one", n)
		}
		o.drain(p, time.Hour)
		stop()
		if got := asideSeqs(o.store); !slices.Equal(got, []agent.Seq{5_071}) {
			t.Errorf("set aside: %v", got)
		}
		o.arrived(o.all, Only{})
	})
}

// The clock is unset while the backlog of an earlier boot drains: what is measured waits for
// its date, and the live window with it.
func TestALiveWindowWaitsForDates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 5_000)
		p, stop := o.start()
		time.Sleep(5 * time.Second)
		dated := o.measured(5_001, 3_000)
		undated := o.measured(5_001, 3_000)
		for i := range undated {
			undated[i].SetAt(agent.Instant{Mono: o.elapsed()})
		}
		o.commit(undated[:1000])
		time.Sleep(20 * time.Second)
		o.commit(undated[1000:])
		time.Sleep(10 * time.Minute)
		if s := p.Snapshot(t.Context()); s.State != StateUndated || o.sent() != 5_000 {
			t.Errorf("%d sent: %+v", o.sent(), s)
		}
		o.store.mu.Lock()
		copy(o.store.records[5_000:], dated)
		o.store.mu.Unlock()
		copy(o.all[5_000:], dated)
		time.Sleep(5 * time.Second)
		from := len(o.all)
		o.measures(5)
		to := len(o.all)
		o.drain(p, time.Hour)
		stop()
		o.arrived(o.all, Only{})
		o.chained()
		if lag := o.lag(from, to); lag > 3*time.Second {
			t.Errorf("what was measured while the dated ones drained took %v", lag)
		}
	})
}

func TestALiveWindowEndsWithItsEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 5_000)
		p, stop := o.start()
		o.measures(10)
		n := len(o.all)
		for range 10 { // a new epoch, and what was salvaged of the old one behind it
			records := o.measured(agent.Seq(len(o.all)-n+1), 10)
			for i := range records {
				records[i].Position.Epoch = 99
			}
			o.commit(records)
			time.Sleep(time.Second)
		}
		o.commit(o.measured(agent.Seq(n)+500, 20))
		time.Sleep(2 * time.Second)
		o.commit(o.measured(agent.Seq(n)+100, 20))
		o.drain(p, time.Hour)
		stop()
		o.arrived(o.all, Only{})
	})
}

// Retention removes what nobody had taken, of the backlog and of what a live window brought.
func TestRetentionUnderALiveWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(t, 5_000)
		p, stop := o.start()
		o.measures(20)
		gone := func(seq agent.Seq) bool { return seq > 1_000 && seq < 4_000 || seq > 5_060 && seq < 5_120 }
		o.store.mu.Lock()
		for _, rec := range o.store.records {
			if gone(rec.Position.Seq) && rec.Kind() == agent.KindReadings {
				o.store.removed[rec.Position] = true
			}
		}
		o.store.mu.Unlock()
		o.measures(20)
		o.drain(p, time.Hour)
		stop()
		left := slices.DeleteFunc(slices.Clone(o.all), func(rec agent.Record) bool { return o.store.removed[rec.Position] })
		for _, got := range o.fake.Received() {
			if o.store.removed[got.Position] {
				left = append(left, o.all[got.Position.Seq-1]) // taken before it was removed
			}
		}
		o.arrived(left, Only{})
		if got := o.store.cursor(upstream.Main).Seq; got != agent.Seq(len(o.all)) {
			t.Errorf("cursor at %d of %d", got, len(o.all))
		}
	})
}

// With a byte limit what is measured now goes first, and the backlog gets half at once and the rest of its
// share in time.
func TestAByteLimitIsSharedByBacklogAndLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 300_000
		o := newOutage(t, 0)
		readings := func(n int) []agent.Record {
			var records []agent.Record
			for range n {
				rec := o.defs.Record(agent.KindReadings, agent.Seq(len(o.all)+len(records)+1))
				rec.SetAt(o.now())
				records = append(records, rec)
			}
			return records
		}
		o.commit(readings(10_000))
		time.Sleep(24*time.Hour - o.now().Wall.Sub(o.now().Wall.Truncate(24*time.Hour))) // to midnight
		m := new(Meter)
		o.o.Meter, o.o.Limit = m, Limit{Bytes: limit, Per: PerDay}
		o.plan = func(b upstream.Batch) upstreamtest.Fate {
			m.Add(4, 146+110*len(b.Records))
			return upstreamtest.All
		}
		p, stop := o.start()
		time.Sleep(time.Minute)
		if used := m.total(); used < limit*9/10*4/10 || used > limit*9/10*55/100 {
			t.Errorf("the backlog used %d bytes of %d at once", used, limit)
		}
		if s := p.Snapshot(t.Context()); s.State != StateBudget || len(o.cond.now()) != 1 {
			t.Errorf("%+v, conditions %v", s, o.cond.now())
		}
		from := len(o.all)
		for range 23 { // what is measured needs about a third of the day's limit
			o.commit(readings(30))
			time.Sleep(time.Hour)
		}
		to := len(o.all)
		if lag := o.lag(from, to); lag > 3*time.Second {
			t.Errorf("what was measured took %v", lag)
		}
		if used := m.total(); used < limit*8/10 || used > limit {
			t.Errorf("%d bytes of %d used at the day's end", used, limit)
		}
		if n := o.store.cursor(upstream.Main).Seq; n < 1_000 {
			t.Errorf("the backlog got to %d only", n)
		}
		o.o.Limit.Bytes = 0
		stop()
		p, stop = o.start()
		o.drain(p, time.Hour)
		stop()
		o.arrived(o.all, Only{})
	})
}
