package store

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

// kinds counts records by kind.
func kinds(records []agent.Record) map[agent.Kind]int {
	n := map[agent.Kind]int{}
	for i := range records {
		n[records[i].Kind()]++
	}
	return n
}

func TestAgeRemovesOnlyWhatWasTaken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t)
	for range 48 {
		r.put(append(readings(r.clock.Now(), 5, 0), alarm(r.clock.Now(), "a"))...)
		r.clock.Advance(time.Hour)
	}
	before := r.all()
	taken := before[len(before)/2].Position
	ups := []UpstreamRef{{ID: "hq"}}
	r = restart(r, Keep{Age: 12 * time.Hour}, ups)
	if err := r.Acked(ctx, Cursor{"hq", "main"}, taken, nil); err != nil {
		t.Fatal(err)
	}
	r = restart(r, Keep{Age: 12 * time.Hour}, ups)
	eventually(t, "taken readings removed", func() bool { return len(r.all(agent.KindReadings)) < 5*48-100 })
	r.put(readings(r.clock.Now(), 1, 0)...)
	after := r.all()
	have := map[agent.Position]bool{}
	for _, rec := range after {
		have[rec.Position] = true
	}
	for i, rec := range before {
		if i > len(before)/2 && !have[rec.Position] {
			t.Fatalf("%s was not taken and is gone", rec.Position)
		}
		if rec.Kind() == agent.KindAlarms && !have[rec.Position] {
			t.Fatalf("alarm %s: its lane took nothing, and it is gone", rec.Position)
		}
	}
	if n := kinds(after)[agent.KindAlarms]; n != 48 {
		t.Errorf("%d alarms and gaps: what was taken needs no gap", n)
	}
	// Once everything is taken, age alone decides.
	for _, lane := range []string{"main", "urgent"} {
		if err := r.Acked(ctx, Cursor{"hq", lane}, r.Head(), nil); err != nil {
			t.Fatal(err)
		}
	}
	r = restart(r, Keep{Age: 12 * time.Hour}, ups)
	eventually(t, "old records removed", func() bool { return len(r.all()) < 6*14 })
	for _, rec := range r.all() {
		if age := r.clock.Now().Wall.Sub(rec.At().Wall); age > 13*time.Hour {
			t.Errorf("%s is %s old", rec.Position, age)
		}
	}
}

// restart stops and starts with other settings: retention then looks at once.
func restart(r *rig, k Keep, ups []UpstreamRef) *rig {
	r.opt.Keep, r.opt.Upstreams = k, ups
	return r.again()
}

func TestWhatHoldsBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, tc := range []struct {
		name string
		ups  []UpstreamRef
		held bool
	}{
		{"no upstream", nil, false},
		{"a new one from the oldest", []UpstreamRef{{ID: "new"}}, true},
		{"a new one from now", []UpstreamRef{{ID: "new", FromNow: true}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for range 20 {
				r.put(readings(r.clock.Now(), 3, 0)...)
				r.clock.Advance(time.Hour)
			}
			if err := r.Acked(ctx, Cursor{"gone", "main"}, r.all()[1].Position, nil); err != nil { // not configured: holds nothing back
				t.Fatal(err)
			}
			kept := r.all(agent.KindReadings)[0].Position
			if tc.ups == nil {
				if err := r.Quarantine(ctx, "gone", kept, "x"); err != nil {
					t.Fatal(err)
				}
			}
			r = restart(r, Keep{Age: time.Hour}, tc.ups)
			r.put(alarm(r.clock.Now(), "x"))
			if tc.held {
				eventually(t, "a pass of retention", func() bool {
					var passed bool
					err := r.do(ctx, func(w *writer) error { passed = w.ret.passed != 0; return nil })
					return err == nil && passed
				})
				if n := len(r.all(agent.KindReadings)); n != 60 {
					t.Errorf("%d readings left of 60", n)
				}
				return
			}
			eventually(t, "removed", func() bool { return len(r.all(agent.KindReadings)) <= 6 })
		})
	}
}

func TestQuarantinedIsNotAged(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t)
	for range 20 {
		r.put(readings(r.clock.Now(), 3, 0)...)
		r.clock.Advance(time.Hour)
	}
	kept := r.all(agent.KindReadings)[4]
	if err := r.Quarantine(ctx, "hq", kept.Position, "rejected"); err != nil {
		t.Fatal(err)
	}
	for _, lane := range []string{"main", "urgent"} {
		if err := r.Acked(ctx, Cursor{"hq", lane}, r.Head(), nil); err != nil {
			t.Fatal(err)
		}
	}
	r = restart(r, Keep{Age: time.Hour}, []UpstreamRef{{ID: "hq"}})
	eventually(t, "removed", func() bool { return len(r.all(agent.KindReadings)) <= 9 })
	if rec, ok, err := r.live.Load().At(ctx, kept.Position); err != nil || !ok || !same(rec, kept) {
		t.Errorf("the quarantined record: %v %v", ok, err)
	}
}

func TestBytesIsKept(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t)
	limit := int64(2 << 20)
	r = restart(r, Keep{Bytes: limit}, []UpstreamRef{{ID: "hq"}})
	r.put(alarm(r.clock.Now(), "first"), scanned(r.clock.Now(), "first"))
	var largest int64
	for i := range 120 {
		for range 40 {
			r.clock.Advance(time.Second)
			r.Append(readings(r.clock.Now(), 100, agent.Value(i*1000)))
		}
		r.put(scanned(r.clock.Now(), "s"))
		path := filepath.Join(r.opt.Dir, fileName)
		largest = max(largest, sizeOf(path)+sizeOf(path+"-wal"))
	}
	eventually(t, "shrunk", func() bool {
		path := filepath.Join(r.opt.Dir, fileName)
		return sizeOf(path)+sizeOf(path+"-wal") <= limit
	})
	if !r.cond.was("store-dropping") {
		t.Error("store-dropping was not raised")
	}
	t.Logf("at most %d bytes", largest)
	// Retention goes on by itself: what is read counts if nothing was removed meanwhile.
	var after []agent.Record
	var st Stat
	eventually(t, "a quiet moment", func() bool {
		before, err := r.Stat(ctx)
		if err != nil {
			return false
		}
		after = r.all()
		st, err = r.Stat(ctx)
		return err == nil && st.Dropped == before.Dropped && st.Head == before.Head
	})
	n := kinds(after)
	if after[0].Position.Seq != 1 || n[agent.KindScans] != 121 {
		t.Errorf("readings go first: %v", n)
	}
	// Every position is there or in a gap record, and the tallies agree.
	next := agent.Seq(1)
	gone := map[agent.Seq]bool{}
	var tallied int64
	for _, rec := range after {
		if rec.Type == agent.TypeEvent && rec.Event.Gap != nil {
			for _, g := range rec.Event.Gap.Ranges {
				for s := g.First; s <= g.Last; s++ {
					gone[s] = true
				}
			}
			for _, c := range rec.Event.Gap.Counts {
				tallied += c.Count
			}
		}
	}
	for _, rec := range after {
		for ; next < rec.Position.Seq; next++ {
			if !gone[next] {
				t.Fatalf("seq %d is missing without a gap record", next)
			}
		}
		next++
	}
	if tallied != int64(len(gone)) {
		t.Errorf("gap records count %d and name %d", tallied, len(gone))
	}
	if st.Dropped.Retention != tallied {
		t.Errorf("dropped %+v, tallied %d", st.Dropped, tallied)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if rep, err := Check(ctx, r.opt.Dir); err != nil || !rep.OK {
		t.Errorf("check: %+v %v", rep, err)
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A disk that stays full is told of once, not at each try.
func TestNoRoomIsSaidOnce(t *testing.T) {
	t.Parallel()
	f := &fault{stage: "begin"}
	c := clock.NewFake(began)
	o := options(t.TempDir(), c)
	o.Fault = f.hook
	o.Keep = Keep{Bytes: 16 << 20}
	var log lockedBuffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	r := start(t, o, c)
	r.put(readings(c.Now(), 100, 0)...)
	for episode := 1; episode <= 2; episode++ {
		f.fail(diskFull)
		ticket := r.Append(readings(c.Now(), 1, 0), Urgent())
		tries := f.failures()
		eventually(t, "some tries", func() bool { return f.failures() >= tries+6 })
		f.heal()
		wait(t, ticket)
		if n := strings.Count(log.String(), "no room made on the full disk"); n != episode {
			t.Fatalf("%d lines after %d full disks:\n%s", n, episode, log.String())
		}
	}
}

func TestBallast(t *testing.T) {
	t.Parallel()
	r, f := faulty(t, "commit")
	path := filepath.Join(r.opt.Dir, ballastName)
	eventually(t, "ballast", func() bool { return sizeOf(path) == ballastSize })
	f.fail(diskFull)
	ticket := r.Append(readings(r.clock.Now(), 1, 0), Urgent())
	eventually(t, "ballast given up", func() bool { _, err := os.Stat(path); return os.IsNotExist(err) })
	f.heal()
	wait(t, ticket)
}
