package forward

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

func TestAStoreThatIsAwayMovesNoCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		records := r.mixed(1, 100)
		r.store.commit(records...)
		p, stop := r.start()
		r.drain(p, time.Minute)
		r.store.mu.Lock()
		r.store.away = true
		r.store.mu.Unlock()
		more := r.mixed(101, 100)
		r.store.commit(more...)
		time.Sleep(5 * time.Minute)
		r.store.mu.Lock()
		r.store.away = false
		r.store.mu.Unlock()
		r.drain(p, time.Minute)
		stop()
		r.arrived(slices.Concat(records, more), Only{})
		if got := len(r.fake.Received()); got != 200 {
			t.Errorf("%d records arrived, want each of 200 once", got)
		}
	})
}

// Salvaged records stand in the store behind younger ones: their epoch comes again, and
// their seqs are lower.
func TestSalvagedRecordsArriveUnderTheirOldPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		young := r.mixed(1, 60)
		for i := range young {
			young[i].Position.Epoch = 99
		}
		all := slices.Concat(r.mixed(50, 30), young[:40], r.mixed(10, 30), r.mixed(1, 9), young[40:])
		r.store.commit(all...)
		p, stop := r.start()
		r.drain(p, time.Minute)
		stop()
		r.arrived(all, Only{})
		for _, b := range r.fake.Batches() {
			before := b.Prev
			for i := range b.Records {
				if seq := b.Records[i].Position.Seq; seq <= before {
					t.Errorf("%s batch: %d after %d", b.Kind, seq, before)
				} else {
					before = seq
				}
			}
		}
	})
}

func TestANoteOfAnotherVersionClaimsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		records := r.mixed(1, 100)
		r.store.commit(records...)
		for _, lane := range []upstream.Lane{upstream.Urgent, upstream.Main} {
			r.store.cursors[lane] = agent.Position{Epoch: upstreamtest.Epoch, Seq: 50}
			r.store.notes[lane] = []byte("\x07from tomorrow")
		}
		p, stop := r.start()
		r.drain(p, time.Minute)
		stop()
		r.arrived(records[50:], Only{})
		first := map[agent.Kind]bool{}
		for _, b := range r.fake.Batches() {
			if !first[b.Kind] && b.Prev != 0 {
				t.Errorf("first %s batch: prev %d", b.Kind, b.Prev)
			}
			first[b.Kind] = true
		}
	})
}

func TestABusyFarSideIsAskedAgainWhenItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var calls []time.Duration
		r.fake.Plan = func(call int, _ upstream.Batch) upstreamtest.Fate {
			calls = append(calls, r.elapsed())
			if call < 4 {
				return upstreamtest.Fate{Err: &upstream.Later{After: 2 * time.Minute, Err: errors.New("429")}}
			}
			return upstreamtest.All
		}
		records := []agent.Record{r.defs.Record(agent.KindReadings, 1)}
		r.store.commit(records...)
		p, stop := r.start()
		time.Sleep(time.Minute)
		if got := r.cond.now(); !slices.Equal(got, []string{"upstream-busy"}) {
			t.Errorf("conditions %v", got)
		}
		r.drain(p, 10*time.Minute)
		stop()
		r.arrived(records, Only{})
		for i := 1; i < len(calls); i++ {
			if gap := calls[i] - calls[i-1]; gap < 2*time.Minute || gap > 2*time.Minute+20*time.Second {
				t.Errorf("asked again after %v, the far side said 2m", gap)
			}
		}
		if got := r.cond.now(); len(got) != 0 {
			t.Errorf("conditions %v afterwards", got)
		}
	})
}

func TestHangUpsEveryKthMessageLoseNothingAndDoNotStall(t *testing.T) {
	for k := 2; k <= 7; k++ {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.fake.Plan = func(call int, b upstream.Batch) upstreamtest.Fate {
				if call%k == 0 {
					return upstreamtest.Fate{Take: len(b.Records) / 2, Err: errDied}
				}
				return upstreamtest.All
			}
			records := r.mixed(1, 3000)
			r.store.commit(records...)
			began := r.elapsed()
			p, stop := r.start()
			r.drain(p, time.Hour)
			stop()
			r.arrived(records, Only{})
			if len(r.store.setAside()) > 0 {
				t.Errorf("every %d: set aside %v", k, asideSeqs(r.store))
			}
			if d := r.elapsed() - began; d > 10*time.Minute {
				t.Errorf("every %d: took %v", k, d)
			}
		})
	}
}

func TestAPoisonedAlarmAloneWaitsForProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			if holds(b, 1) != nil {
				return upstreamtest.Fate{Err: errDied}
			}
			return upstreamtest.All
		}
		r.store.commit(r.defs.Record(agent.KindAlarms, 1))
		p, stop := r.start()
		time.Sleep(10 * time.Minute)
		if got := asideSeqs(r.store); len(got) != 0 {
			t.Errorf("set aside without proof: %v", got)
		}
		r.store.commit(r.defs.Record(agent.KindReadings, 2)) // the main lane delivers: the link is well
		r.drain(p, time.Minute)
		stop()
		if got := asideSeqs(r.store); !slices.Equal(got, []agent.Seq{1}) {
			t.Errorf("set aside: %v", got)
		}
	})
}
