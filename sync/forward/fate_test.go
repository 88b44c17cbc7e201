package forward

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
	"github.com/frostline/frostline/sync/wire"
)

var errDied = &upstream.Lost{Err: errors.New("reset by peer")}

// holds reports which of the seqs are in the batch.
func holds(b upstream.Batch, seqs ...agent.Seq) (at []int) {
	for i := range b.Records {
		if slices.Contains(seqs, b.Records[i].Position.Seq) {
			at = append(at, i)
		}
	}
	return at
}

func asideSeqs(s *memStore) []agent.Seq {
	var seqs []agent.Seq
	for p := range s.setAside() {
		seqs = append(seqs, p.Seq)
	}
	slices.Sort(seqs)
	return seqs
}

func TestRejectedRecordsAreSetAsideAndComeAgainOnRequeue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var bad atomic.Pointer[[]agent.Seq]
		bad.Store(&[]agent.Seq{12, 15, 42, 43})
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			return upstreamtest.Fate{Take: -1, Reject: holds(b, *bad.Load()...)}
		}
		records := r.mixed(1, 100)
		r.store.commit(records...)
		p, stop := r.start()
		r.drain(p, time.Minute)
		if got := asideSeqs(r.store); !slices.Equal(got, []agent.Seq{12, 15, 42, 43}) {
			t.Errorf("set aside: %v", got)
		}
		if got := r.cond.now(); !slices.Equal(got, []string{"upstream-rejected"}) {
			t.Errorf("conditions %v", got)
		}
		bad.Store(&[]agent.Seq{15})
		for p := range r.store.setAside() {
			r.store.requeue(p)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := asideSeqs(r.store); !slices.Equal(got, []agent.Seq{15}) {
			t.Errorf("after the requeue: %v", got)
		}
		bad.Store(&[]agent.Seq{})
		r.store.requeue(agent.Position{Epoch: upstreamtest.Epoch, Seq: 15})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := r.cond.now(); len(got) != 0 {
			t.Errorf("conditions %v with an empty quarantine", got)
		}
		stop()
		if len(r.store.setAside()) != 0 {
			t.Errorf("still set aside: %v", r.store.setAside())
		}
		r.arrived(records, Only{})
	})
}

func TestARecordThatCannotBeEncodedIsSetAsideAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			if at := holds(b, 50); at != nil {
				return upstreamtest.Fate{Err: fmt.Errorf("encode: %w", &wire.RecordError{Position: b.Records[at[0]].Position, Err: wire.ErrDefinition})}
			}
			return upstreamtest.All
		}
		records := r.mixed(1, 100)
		r.store.commit(records...)
		p, stop := r.start()
		r.drain(p, time.Minute)
		stop()
		if got := asideSeqs(r.store); !slices.Equal(got, []agent.Seq{50}) {
			t.Errorf("set aside: %v", got)
		}
		r.arrived(records, Only{})
	})
}

func TestTooLargeIsHalvedAndRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.o.Batch.Bytes = 100 << 10
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			if len(b.Records) > 100 || holds(b, 4001) != nil {
				return upstreamtest.Fate{Err: &upstream.TooLarge{Err: errors.New("413")}}
			}
			return upstreamtest.All
		}
		records := r.mixed(1, 6000)
		r.store.commit(records...)
		p, stop := r.start()
		r.drain(p, time.Minute)
		stop()
		if got := asideSeqs(r.store); !slices.Equal(got, []agent.Seq{4001}) {
			t.Errorf("set aside: %v", got)
		}
		r.arrived(records, Only{})
		if calls := r.fake.Calls(); calls > 600 {
			t.Errorf("%d calls: the size was not remembered", calls)
		}
	})
}

func TestAPoisonedRecordIsFoundAndSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			if at := holds(b, 33, 70); at != nil {
				return upstreamtest.Fate{Take: at[0], Err: errDied}
			}
			return upstreamtest.All
		}
		records := r.mixed(1, 200)
		r.store.commit(records...)
		p, stop := r.start()
		r.drain(p, 10*time.Minute)
		stop()
		if got := asideSeqs(r.store); !slices.Equal(got, []agent.Seq{33, 70}) {
			t.Errorf("set aside: %v", got)
		}
		if reason := r.store.setAside()[agent.Position{Epoch: upstreamtest.Epoch, Seq: 33}]; !strings.Contains(reason, "connections died under it") {
			t.Errorf("reason %q", reason)
		}
		r.arrived(records, Only{})
	})
}

func TestALinkThatDiesUnderEverythingSetsNothingAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var dies atomic.Bool
		dies.Store(true)
		r.fake.Plan = func(int, upstream.Batch) upstreamtest.Fate {
			if dies.Load() {
				return upstreamtest.Fate{Err: errDied}
			}
			return upstreamtest.All
		}
		records := r.mixed(1, 50)
		r.store.commit(records...)
		p, stop := r.start()
		time.Sleep(time.Hour)
		if got := asideSeqs(r.store); len(got) != 0 {
			t.Errorf("set aside: %v", got)
		}
		if got := r.cond.now(); !slices.Equal(got, []string{"upstream-unreachable"}) {
			t.Errorf("conditions %v", got)
		}
		if calls := r.fake.Calls(); calls > 4*3600 {
			t.Errorf("%d attempts in an hour", calls)
		}
		dies.Store(false)
		r.drain(p, time.Minute)
		stop()
		r.arrived(records, Only{})
		if got := r.cond.now(); len(got) != 0 {
			t.Errorf("conditions %v afterwards", got)
		}
	})
}

func TestRefusedRaisesItsConditionAndTriesSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var refused atomic.Bool
		refused.Store(true)
		r.fake.Plan = func(int, upstream.Batch) upstreamtest.Fate {
			if refused.Load() {
				return upstreamtest.Fate{Err: &upstream.Refused{Code: "upstream-login", Err: errors.New("bad password")}}
			}
			return upstreamtest.All
		}
		records := r.mixed(1, 50)
		r.store.commit(records...)
		p, stop := r.start()
		time.Sleep(10 * time.Minute)
		if got := r.cond.now(); !slices.Equal(got, []string{"upstream-login"}) {
			t.Errorf("conditions %v", got)
		}
		if calls := r.fake.Calls(); calls < 2*600/20 || calls > 2*600/10+2 {
			t.Errorf("%d attempts in ten minutes, want one per lane every 10 to 20 s", calls)
		}
		if s := p.Snapshot(t.Context()); s.State != StateRefused {
			t.Errorf("state %s", s.State)
		}
		refused.Store(false)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if got := r.cond.now(); len(got) != 0 {
			t.Errorf("conditions %v 25 s after the cause went", got)
		}
		stop()
		r.arrived(records, Only{})
	})
}

func TestOneLaneRefusedDoesNotSlowTheOtherNorLoseItsCondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			if b.Lane == upstream.Urgent {
				return upstreamtest.Fate{Err: &upstream.Refused{Code: "upstream-denied", Err: errors.New("acl")}}
			}
			return upstreamtest.All
		}
		_, stop := r.start()
		next := agent.Seq(1)
		for range 600 {
			records := r.mixed(next, 10)
			for i := range records {
				if e := records[i].Event; e == nil || e.Alarm == nil {
					records[i].SetAt(r.now())
				}
			}
			next += 10
			r.store.commit(records...)
			time.Sleep(time.Second)
		}
		if got := r.cond.now(); !slices.Equal(got, []string{"upstream-denied"}) {
			t.Errorf("conditions %v", got)
		}
		urgent := 0
		for _, got := range r.fake.Received() {
			if got.Kind == agent.KindAlarms {
				urgent++
			}
		}
		if main := len(r.fake.Received()) - urgent; main < 5300 || urgent != 0 {
			t.Errorf("%d main and %d urgent records arrived", main, urgent)
		}
		stop()
		for _, b := range r.fake.Batches() {
			// What was committed in the moment of the first delivery may be history or not.
			if seq := b.Records[0].Position.Seq; b.Hist && seq > 20 {
				t.Errorf("the live batch from %d is called history", seq)
			}
		}
	})
}

func TestNoAnswerWithinTheDeadlineIsUnknownAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var hang atomic.Bool
		hang.Store(true)
		r.fake.Plan = func(int, upstream.Batch) upstreamtest.Fate { return upstreamtest.Fate{Take: -1, Hang: hang.Load()} }
		records := r.mixed(1, 50)
		r.store.commit(records...)
		p, stop := r.start()
		time.Sleep(31 * time.Second)
		if got := r.cond.now(); !slices.Equal(got, []string{"upstream-unacknowledged"}) {
			t.Errorf("conditions %v", got)
		}
		time.Sleep(time.Hour)
		if got := asideSeqs(r.store); len(got) != 0 {
			t.Errorf("set aside: %v", got)
		}
		hang.Store(false)
		r.drain(p, 2*time.Minute)
		stop()
		r.arrived(records, Only{})
	})
}

func TestAStoreThatFailsStopsNothingForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			return upstreamtest.Fate{Take: -1, Reject: holds(b, 12)}
		}
		p, stop := r.start()
		time.Sleep(time.Second)
		records := r.mixed(1, 200)
		r.store.mu.Lock()
		r.store.fail = errors.New("disk I/O error")
		r.store.mu.Unlock()
		r.store.commit(records...)
		time.Sleep(time.Minute)
		r.store.mu.Lock()
		r.store.fail = nil
		r.store.mu.Unlock()
		r.drain(p, time.Minute)
		stop()
		r.arrived(records, Only{})
		if got := r.store.cursor(upstream.Main); got.Seq != 200 {
			t.Errorf("main cursor at %s", got)
		}
	})
}

func TestAStoreThatCannotBeReadAtTheStartIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.store.fail = errors.New("disk I/O error")
		p, stop := r.start()
		time.Sleep(time.Minute)
		records := r.mixed(1, 200)
		r.store.commit(records...)
		r.store.mu.Lock()
		r.store.fail = nil
		r.store.mu.Unlock()
		r.drain(p, time.Minute)
		stop()
		r.arrived(records, Only{})
	})
}

func TestAStopBeforeTheStoreCouldBeReadIsClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.store.fail = errors.New("disk I/O error")
		_, stop := r.start()
		time.Sleep(time.Second)
		stop()
	})
}

func TestAlarmsFollowAtOnceWhenARefusalEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var mended atomic.Bool
		r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
			if mended.Load() {
				return upstreamtest.All
			}
			return upstreamtest.Fate{Err: &upstream.Refused{Code: "upstream-login", Err: errors.New("no")}}
		}
		_, stop := r.start()
		defer stop()
		for round := range 20 {
			mended.Store(false)
			first := agent.Seq(1000 + 10*round)
			alarm, reading := r.defs.Record(agent.KindAlarms, first), r.defs.Record(agent.KindReadings, first+1)
			alarm.SetAt(r.now())
			reading.SetAt(r.now())
			r.store.commit(alarm, reading)
			time.Sleep(time.Minute + time.Duration(round)*time.Second)
			mended.Store(true)
			before := len(r.fake.Received())
			began := time.Now()
			var lane [2]time.Duration // after which the first of main and urgent arrived
			for time.Since(began) < time.Minute && (lane[0] == 0 || lane[1] == 0) {
				time.Sleep(100 * time.Millisecond)
				for _, got := range r.fake.Received()[before:] {
					i := 0
					if got.Kind == agent.KindAlarms {
						i = 1
					}
					if lane[i] == 0 {
						lane[i] = time.Since(began)
					}
				}
			}
			if lane[0] == 0 || lane[1] == 0 || lane[1] > lane[0]+3*time.Second {
				t.Fatalf("round %d: routine records after %v, alarms after %v", round, lane[0], lane[1])
			}
		}
	})
}

// collector is a reporter for a rapid check, whose own T must not be used in a bubble.
type collector struct{ errs []string }

func (*collector) Helper() {}
func (c *collector) Errorf(format string, args ...any) {
	c.errs = append(c.errs, fmt.Sprintf(format, args...))
}
func (c *collector) Fatalf(format string, args ...any) { c.Errorf(format, args...) }

// Whatever the far side does, in whatever order, over restarts: no record is lost, none has
// two contents, no batch claims what it lacks, and the pump gets through once the far side works.
func TestNoRecordIsLostWhateverTheFarSideDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fates := rapid.SliceOfN(rapid.IntRange(0, 10), 1, 60).Draw(rt, "fates")
		lives := rapid.SliceOfN(rapid.IntRange(1, 120), 1, 4).Draw(rt, "seconds per life")
		perLife := rapid.IntRange(1, 120).Draw(rt, "records per life")
		only := rapid.SampledFrom([]Only{
			{}, {Zones: []agent.ZoneID{"room-1"}}, {Kinds: []agent.Kind{agent.KindReadings, agent.KindAlarms}},
		}).Draw(rt, "only")
		bytes := rapid.SampledFrom([]int{1, 500, 4096, 100 << 10}).Draw(rt, "batch bytes")
		var c collector
		synctest.Test(t, func(*testing.T) {
			r := newRig(&c)
			r.o.Only, r.o.Batch.Bytes = only, bytes
			r.fake.Plan = func(call int, b upstream.Batch) upstreamtest.Fate {
				if call > len(fates) {
					return upstreamtest.All
				}
				return fateOf(fates[call-1], b)
			}
			var all []agent.Record
			for _, seconds := range lives {
				_, stop := r.start()
				records := r.mixed(agent.Seq(1+len(all)), perLife)
				all = append(all, records...)
				r.store.commit(records...)
				time.Sleep(time.Duration(seconds) * time.Second)
				stop()
			}
			p, stop := r.start()
			ctx, cancel := context.WithTimeout(context.Background(), 12*time.Hour)
			defer cancel()
			if err := p.Drain(ctx); err != nil {
				c.Errorf("%v: %+v", err, p.Snapshot(ctx))
			}
			stop()
			r.arrived(all, only)
		})
		if len(c.errs) > 0 {
			rt.Fatalf("%s", strings.Join(c.errs, "\n"))
		}
	})
}

func fateOf(n int, b upstream.Batch) upstreamtest.Fate {
	some := len(b.Records) / 2
	switch n {
	case 1:
		return upstreamtest.Fate{Take: -1, Err: errDied} // taken, and nobody knows
	case 2:
		return upstreamtest.Fate{Take: some, Err: errDied}
	case 3:
		return upstreamtest.Fate{Err: errors.New("no route")}
	case 4:
		return upstreamtest.Fate{Take: -1, Reject: []int{some, len(b.Records) - 1}}
	case 5:
		return upstreamtest.Fate{Err: &upstream.TooLarge{Err: errors.New("413")}}
	case 6:
		return upstreamtest.Fate{Err: &upstream.Refused{Code: "upstream-login", Err: errors.New("401")}}
	case 7:
		return upstreamtest.Fate{Take: some, Hang: true}
	case 8:
		return upstreamtest.Fate{Take: -1, Delay: time.Second}
	case 10:
		return upstreamtest.Fate{Err: &upstream.Later{After: time.Minute, Err: errors.New("429")}}
	case 9:
		return upstreamtest.Fate{Err: &wire.RecordError{Position: b.Records[some].Position, Err: wire.ErrEvent}}
	}
	return upstreamtest.All
}
