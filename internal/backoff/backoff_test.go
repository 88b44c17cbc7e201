package backoff

import (
	"testing"
	"time"
)

func TestWaitsGrowToTheMaximumWithFullJitter(t *testing.T) {
	const base, limit = time.Second, 20 * time.Second
	b := New(base, limit, time.Minute, 1)
	ceiling := base
	low, high := false, false
	for i := range 200 {
		d := b.Failed(time.Duration(i) * time.Second)
		if d < 0 || d > ceiling {
			t.Fatalf("failure %d waits %v, ceiling %v", i+1, d, ceiling)
		}
		if ceiling = min(ceiling*2, limit); i > 10 {
			low, high = low || d < limit/4, high || d > limit*3/4
		}
	}
	if !low || !high {
		t.Error("the jitter does not reach from nothing to the maximum")
	}
}

func TestOnlyAHealthyPeriodStartsAnew(t *testing.T) {
	b := New(time.Second, time.Hour, 10*time.Second, 1)
	now := time.Duration(0)
	for range 6 {
		b.Failed(now)
	}
	b.Worked(now)
	b.Worked(now + 9*time.Second)
	if b.Failed(now + 9*time.Second); b.failures != 4 {
		t.Errorf("a success of 9 s: %d failures count, want half of 6 and one more", b.failures)
	}
	b.Worked(now + 10*time.Second)
	b.Worked(now + 15*time.Second)
	if d := b.Failed(now + 20*time.Second); b.failures != 1 || d > time.Second {
		t.Errorf("a success of 10 s: %d failures count, wait %v", b.failures, d)
	}
}

func TestSameSeedSameWaits(t *testing.T) {
	a, b, c := New(time.Second, time.Hour, time.Minute, 7), New(time.Second, time.Hour, time.Minute, 7), New(time.Second, time.Hour, time.Minute, 8)
	same := true
	for range 10 {
		da, db, dc := a.Failed(0), b.Failed(0), c.Failed(0)
		if da != db {
			t.Fatalf("%v and %v from one seed", da, db)
		}
		same = same && da == dc
	}
	if same {
		t.Error("another seed gives the same waits")
	}
}

func TestNoOverflow(t *testing.T) {
	b := New(1, 1<<62, time.Minute, 1)
	for range 1000 {
		if d := b.Failed(0); d < 0 {
			t.Fatalf("wait %v", d)
		}
	}
}
