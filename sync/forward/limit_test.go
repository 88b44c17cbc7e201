package forward

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

// metered makes the fake's deliveries cost 110 bytes a record and 150 a batch.
func (r *rig) metered(limit Limit) *Meter {
	m := new(Meter)
	r.o.Meter, r.o.Limit = m, limit
	r.fake.Plan = func(_ int, b upstream.Batch) upstreamtest.Fate {
		m.Add(4, 146+110*len(b.Records))
		return upstreamtest.All
	}
	return m
}

func (r *rig) count(kind func(agent.Kind) bool) int {
	n := 0
	for _, got := range r.fake.Received() {
		if kind(got.Kind) {
			n++
		}
	}
	return n
}

func routine(k agent.Kind) bool { return k != agent.KindAlarms }
func urgent(k agent.Kind) bool  { return k == agent.KindAlarms }

func TestTheByteLimitHoldsAndAlarmsMayUseTheLastTenth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		const limit = 40_000
		m := r.metered(Limit{Bytes: limit, Per: PerDay})
		var records []agent.Record
		for seq := agent.Seq(1); seq <= 1000; seq++ {
			records = append(records, r.defs.Record(agent.KindReadings, seq))
		}
		r.store.commit(records...)
		p, stop := r.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if used := m.total(); used > limit*9/10 || used < limit*7/10 {
			t.Errorf("routine records used %d bytes of %d", used, limit)
		}
		if got := r.cond.now(); !slices.Equal(got, []string{"upstream-budget"}) {
			t.Errorf("conditions %v", got)
		}
		if s := p.Snapshot(t.Context()); s.State != StateBudget || s.Limit == nil || s.Limit.Used != m.total() {
			t.Errorf("snapshot %+v", s)
		}
		for seq := agent.Seq(1001); seq <= 1100; seq++ {
			alarm := r.defs.Record(agent.KindAlarms, seq)
			records = append(records, alarm)
			r.store.commit(alarm)
			time.Sleep(time.Second)
		}
		if n := r.count(urgent); n < 5 {
			t.Errorf("%d alarms in the last tenth", n)
		}
		if used := m.total(); used > limit {
			t.Errorf("%d bytes used of %d", used, limit)
		}
		stop()

		before := r.count(routine)
		m2 := r.metered(Limit{Bytes: limit, Per: PerDay}) // a restart the same day
		_, stop = r.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		if m2.total() > 4000 || r.count(routine) != before {
			t.Errorf("after a restart %d bytes more", m2.total())
		}
		time.Sleep(5 * 24 * time.Hour)
		stop()
		r.arrived(records, Only{})
		if got := r.cond.now(); len(got) != 0 {
			t.Errorf("conditions %v when all is sent", got)
		}
	})
}

func TestAnUpstreamLearnsWhatTheLimitAllowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		m := r.metered(Limit{Bytes: 100_000, Per: PerDay})
		_, stop := r.start()
		defer stop()
		for _, step := range []struct {
			add  int
			want upstream.Allowance
		}{{89_000, upstream.Ample}, {2_000, upstream.Scarce}, {7_000, upstream.Scarce}, {1_500, upstream.Spent}, {5_000, upstream.Spent}} {
			m.Add(0, step.add)
			time.Sleep(6 * time.Second)
			if got := m.Allowance(); got != step.want {
				t.Errorf("after %d bytes: allowance %d, want %d", m.total(), got, step.want)
			}
		}
		time.Sleep(25 * time.Hour)
		if got := m.Allowance(); got != upstream.Ample {
			t.Errorf("the next day: allowance %d", got)
		}
	})
	if got := new(Meter).Allowance(); got != upstream.Ample {
		t.Errorf("without a limit: allowance %d", got)
	}
}

func TestPeriodsBeginAtTheSitesMidnight(t *testing.T) {
	shanghai := time.FixedZone("UTC+8", 8*3600)
	for _, c := range []struct {
		per    Period
		at     string
		loc    *time.Location
		period string
	}{
		{PerHour, "2026-03-01T23:59:59Z", nil, "2026-03-01T23Z"},
		{PerDay, "2026-03-01T15:59:59Z", shanghai, "2026-03-01"},
		{PerDay, "2026-03-01T16:00:00Z", shanghai, "2026-03-02"},
		{PerWeek, "2027-01-03T12:00:00Z", nil, "2026-W53"},
		{PerWeek, "2027-01-04T00:00:00Z", nil, "2027-W01"},
		{PerMonth, "2026-02-28T16:00:00Z", shanghai, "2026-03"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		l := Limit{Per: c.per, Location: c.loc}
		if got := l.name(at); got != c.period {
			t.Errorf("%s of %s is %s, want %s", c.per, c.at, got, c.period)
		}
	}
}

func TestAnUnsetClockKeepsThePeriod(t *testing.T) {
	m := new(Meter)
	b := newBudget(Limit{Bytes: 1000, Per: PerDay}, m, "hq")
	s := newMemStore()
	at := agent.Instant{Wall: upstreamtest.Began, Trust: agent.ClockSynced}
	m.Add(100, 200)
	if err := b.save(t.Context(), s, at, time.Hour, true); err != nil {
		t.Fatal(err)
	}
	again := newBudget(Limit{Bytes: 1000, Per: PerDay}, new(Meter), "hq")
	if err := again.load(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if used := again.used(agent.Instant{}); used != 300 {
		t.Errorf("%d bytes used with an unset clock, want 300", used)
	}
	if used := again.used(at); used != 300 {
		t.Errorf("%d bytes used the same day, want 300", used)
	}
	if used := again.used(agent.Instant{Wall: at.Wall.Add(24 * time.Hour)}); used != 0 {
		t.Errorf("%d bytes used the next day, want 0", used)
	}
}

func TestPassedShareOfAPeriod(t *testing.T) {
	shanghai := time.FixedZone("UTC+8", 8*3600)
	for _, c := range []struct {
		per  Period
		at   string
		loc  *time.Location
		want float64
	}{
		{PerHour, "2026-03-01T23:15:00Z", shanghai, 0.25},
		{PerDay, "2026-03-01T16:00:00Z", shanghai, 0},
		{PerDay, "2026-03-01T12:00:00Z", nil, 0.5},
		{PerWeek, "2026-03-02T00:00:00Z", nil, 0},
		{PerWeek, "2026-03-01T12:00:00Z", nil, 6.5 / 7},
		{PerMonth, "2026-02-15T00:00:00Z", nil, 0.5},
		{PerMonth, "2026-02-28T16:00:00Z", shanghai, 0},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		l := Limit{Per: c.per, Location: c.loc}
		if got := l.passed(at); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%s at %s: %v passed, want %v", c.per, c.at, got, c.want)
		}
	}
	if got := new(Limit).passed(time.Time{}); got != 0 {
		t.Errorf("without a clock %v passed", got)
	}
}
