package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

// fault is a hook that can be told to refuse or to hang.
type fault struct {
	refuse atomic.Pointer[error]
	hang   atomic.Pointer[chan struct{}]
	stage  string
}

func (f *fault) hook(stage string) error {
	if stage != f.stage {
		return nil
	}
	if ch := f.hang.Load(); ch != nil {
		<-*ch
	}
	if err := f.refuse.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *fault) fail(err error) { f.refuse.Store(&err) }
func (f *fault) heal()          { f.refuse.Store(nil) }

func faulty(t *testing.T, stage string) (*rig, *fault) {
	f := &fault{stage: stage}
	c := clock.NewFake(began)
	o := options(t.TempDir(), c)
	o.Fault = f.hook
	o.hangAfter = 100 * time.Millisecond
	return start(t, o, c), f
}

var (
	diskFull  = sqlite3.Error{Code: sqlite3.ErrFull}
	diskError = sqlite3.Error{Code: sqlite3.ErrIoErr}
)

func TestRefusingDisk(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		err        error
	}{
		{"full", "store-full", diskFull},
		{"failing", "store-failing", diskError},
		{"full by errno", "store-full", sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENOSPC}},
	} {
		for _, stage := range []string{"begin", "commit", "committed"} {
			t.Run(tc.name+" at "+stage, func(t *testing.T) {
				r, f := faulty(t, stage)
				r.put(alarm(r.clock.Now(), "first"))
				f.fail(tc.err)
				ticket := r.Append([]agent.Record{alarm(r.clock.Now(), "second")}, Urgent(), WithState("rules", []byte("2")))
				if stage != "committed" { // there the transaction takes, whatever the disk says
					eventually(t, tc.code, func() bool { return r.cond.holds(tc.code) })
					select {
					case <-ticket.Done():
						t.Fatal("durable on a disk that refuses")
					default:
					}
				}
				f.heal()
				wait(t, ticket)
				eventually(t, "condition cleared", func() bool { return !r.cond.holds(tc.code) })
				got := r.all(agent.KindAlarms)
				if len(got) != 2 || got[1].Event.Alarm.ID != "second" {
					t.Fatalf("alarms: %+v", got)
				}
				contiguous(t, r.all())
				if v, ok, err := r.State(context.Background(), "rules"); err != nil || !ok || string(v) != "2" {
					t.Errorf("state %q %v %v", v, ok, err)
				}
			})
		}
	}
}

func TestMemoryKeepsTheNewest(t *testing.T) {
	r, f := faulty(t, "begin")
	r.put(readings(r.clock.Now(), 1, 0)...)
	f.fail(diskError)
	r.Append([]agent.Record{alarm(r.clock.Now(), "kept")}, Urgent(), WithState("rules", []byte("old")))
	eventually(t, "store-failing", func() bool { return r.cond.holds("store-failing") })
	var first, last *Ticket
	for i := range 120 {
		r.clock.Advance(time.Second)
		ticket := r.Append(readings(r.clock.Now(), 100, agent.Value(i)), WithState("rules", []byte{byte(i)}))
		if i == 0 {
			first = ticket
		}
		last = ticket
	}
	f.heal()
	wait(t, last)
	if err := first.Wait(context.Background()); !errors.Is(err, ErrPushedOut) {
		t.Errorf("the first append ended with %v", err)
	}
	all := r.all()
	contiguous(t, all)
	var gaps, alarms int
	var kept int64
	for _, rec := range all {
		switch {
		case rec.Type == agent.TypeReading:
			kept++
		case rec.Event.Gap != nil:
			gaps++
			g := rec.Event.Gap
			if g.Reason != agent.GapMemory || len(g.Counts) != 1 || g.Counts[0] != (agent.Tally{Kind: agent.KindReadings, Count: 2001}) || g.From.IsZero() || !g.To.After(g.From) {
				t.Errorf("gap %+v", g)
			}
		case rec.Event.Alarm != nil:
			alarms++
		}
	}
	if gaps != 1 || alarms != 1 || kept != 1+keepInMemory-1 {
		t.Errorf("%d gaps, %d alarms, %d readings", gaps, alarms, kept)
	}
	if v, _, _ := r.State(context.Background(), "rules"); len(v) != 1 || v[0] != 119 {
		t.Errorf("state %v", v)
	}
	st, err := r.Stat(context.Background())
	if err != nil || st.Dropped.Memory != 2001 {
		t.Errorf("stat %+v %v", st.Dropped, err)
	}
}

func TestHangingDisk(t *testing.T) {
	r, f := faulty(t, "commit")
	r.put(readings(r.clock.Now(), 1, 0)...)
	release := make(chan struct{})
	f.hang.Store(&release)
	ticket := r.Append(readings(r.clock.Now(), 5, 0), Urgent())
	eventually(t, "store-hanging", func() bool { return r.cond.holds("store-hanging") })
	for i := range 200 { // none of it may block
		r.Append(readings(r.clock.Now(), 100, agent.Value(i)))
	}
	last := r.Append([]agent.Record{alarm(r.clock.Now(), "x")})
	if got := r.all(); len(got) == 0 {
		t.Error("readers must not wait for a writer that hangs")
	}
	f.hang.Store(nil)
	close(release)
	wait(t, ticket)
	wait(t, last)
	eventually(t, "condition cleared", func() bool { return !r.cond.holds("store-hanging") })
	contiguous(t, r.all())
	gap := r.all(agent.KindAlarms)
	if len(gap) != 2 || gap[0].Event.Gap == nil {
		t.Fatalf("%d alarms and gaps", len(gap))
	}
	n := gap[0].Event.Gap.Counts[0].Count
	if total := int64(len(r.all(agent.KindReadings))) + n; total != 1+5+20_000 {
		t.Errorf("%d readings accounted for", total)
	}
}

func TestStopWhileHanging(t *testing.T) {
	f := &fault{stage: "commit"}
	c := clock.NewFake(began)
	o := options(t.TempDir(), c)
	o.Fault, o.stopWithin = f.hook, 50*time.Millisecond
	r := start(t, o, c)
	r.put(readings(c.Now(), 1, 0)...)
	release := make(chan struct{})
	f.hang.Store(&release)
	ticket := r.Append(readings(c.Now(), 1, 0), Urgent())
	eventually(t, "writer inside the disk", func() bool { return r.busy.Load() != 0 })
	if err := r.stop(); err == nil || !strings.Contains(err.Error(), "hangs") {
		t.Errorf("stop returned %v", err)
	}
	close(release)
	<-ticket.Done()
}

func TestOpenWhileDiskRefuses(t *testing.T) {
	for _, name := range []string{"refuses", "hangs"} {
		t.Run(name, func(t *testing.T) {
			f := &fault{stage: "attach"}
			c := clock.NewFake(began)
			o := options(t.TempDir(), c)
			o.Fault, o.openWithin = f.hook, 50*time.Millisecond
			release := make(chan struct{})
			code := "store-failing"
			if name == "hangs" {
				f.hang.Store(&release)
				code = "store-hanging"
			} else {
				f.fail(diskError)
			}
			r := start(t, o, c)
			if !r.cond.was(code) {
				t.Errorf("%s was not raised", code)
			}
			r.Define([]agent.Definition{definition(0)})
			ticket := r.Append(readings(c.Now(), 1, 7), Urgent())
			if got := r.all(); len(got) != 0 {
				t.Errorf("%d records before the store is open", len(got))
			}
			if _, ok := r.Definition(definition(0).ID); !ok {
				t.Error("definition unknown without a disk")
			}
			f.heal()
			f.hang.Store(nil)
			close(release)
			wait(t, ticket)
			eventually(t, "condition cleared", func() bool { return !r.cond.holds(code) })
			if got := r.all(agent.KindReadings); len(got) != 1 || got[0].Reading.Value != 7 {
				t.Errorf("read %+v", got)
			}
		})
	}
}

// damaged makes a store of some commits, stops it, lets spoil have its files, and starts it again.
func damaged(t *testing.T, clean bool, spoil func(path string)) (before []agent.Record, r *rig) {
	t.Helper()
	r = newRig(t)
	for i := range 90 {
		r.Define([]agent.Definition{definition(i)})
	}
	for i := range 200 {
		r.clock.Advance(time.Minute)
		r.Append(readings(r.clock.Now(), 90, agent.Value(i)*1_000_000), WithState("rules", []byte("kept")))
		if i%10 == 0 {
			r.put(alarm(r.clock.Now(), "a"))
		}
	}
	r.put(scanned(r.clock.Now(), "last"))
	before = r.all()
	dir := r.opt.Dir
	if clean {
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	} else {
		dir = filepath.Join(t.TempDir(), "copy")
		copyFiles(t, r.opt.Dir, dir)
		r.stop() //nolint:errcheck // the copy goes on
	}
	spoil(filepath.Join(dir, fileName))
	o := r.opt
	o.Dir, o.Conditions = dir, newConditions()
	r = start(t, o, r.clock)
	return before, r
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fileName, fileName + "-wal"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

// accounted fails unless every record of before is there with its content, or named by a gap.
func accounted(t *testing.T, before, after []agent.Record) (lost int) {
	t.Helper()
	have := map[agent.Position]agent.Record{}
	var gaps []agent.Range
	for _, r := range after {
		if _, twice := have[r.Position]; twice {
			t.Fatalf("%s is there twice", r.Position)
		}
		have[r.Position] = r
		if r.Type == agent.TypeEvent && r.Event.Gap != nil {
			gaps = append(gaps, r.Event.Gap.Ranges...)
		}
	}
	open := false // where the damaged file ended is not known
	for _, r := range after {
		open = open || r.Type == agent.TypeEvent && r.Event.Gap != nil && strings.Contains(r.Event.Gap.Detail, "not known")
	}
	end := 0
	for i, r := range before {
		if _, ok := have[r.Position]; ok {
			end = i
		}
	}
	for i, r := range before {
		if open && i > end {
			lost++
			continue
		}
		got, ok := have[r.Position]
		if ok {
			if !same(r, got) {
				t.Fatalf("%s came back as %+v, was %+v", r.Position, got, r)
			}
			continue
		}
		lost++
		if !slices.ContainsFunc(gaps, func(g agent.Range) bool {
			return g.Epoch == r.Position.Epoch && g.First <= r.Position.Seq && r.Position.Seq <= g.Last
		}) {
			t.Fatalf("%s is lost and no gap names it: %+v", r.Position, gaps)
		}
	}
	return lost
}

func same(a, b agent.Record) bool {
	if a.Position != b.Position || a.Type != b.Type || !a.At().Wall.Equal(b.At().Wall) || a.At().Mono != b.At().Mono {
		return false
	}
	if a.Type == agent.TypeReading {
		x, y := a.Reading, b.Reading
		x.At, y.At = agent.Instant{}, agent.Instant{}
		return x == y
	}
	return true
}

func TestDamageIsSetAsideAndSalvaged(t *testing.T) {
	flip := func(t *testing.T, path string, at int64, n int) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b := make([]byte, n)
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] ^= 0xa5
		}
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	size := func(path string) int64 { return sizeOf(path) }
	for _, tc := range []struct {
		name  string
		clean bool
		most  int // records that may be lost
		spoil func(t *testing.T, path string)
	}{
		{"header gone", true, 0, func(t *testing.T, p string) { flip(t, p, 0, 16) }},
		{"a pack flipped", true, 1000, func(t *testing.T, p string) {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			at := bytes.LastIndex(b[:size(p)*99/100], []byte{packVersion})
			for ; at > 0; at = bytes.LastIndex(b[:at], []byte{packVersion}) {
				if bytes.Contains(b[at:at+5], []byte{0, 0}) || b[at+5] != byte(codeReadings) {
					continue
				}
				break
			}
			flip(t, p, int64(at)+40, 3)
		}},
		{"pages overwritten", true, 4000, func(t *testing.T, p string) { flip(t, p, size(p)/2/pageSize*pageSize, 8*pageSize) }},
		{"end cut off", true, 4000, func(t *testing.T, p string) {
			if err := os.Truncate(p, size(p)-16*pageSize); err != nil {
				t.Fatal(err)
			}
		}},
		{"first tables overwritten", true, 500, func(t *testing.T, p string) { flip(t, p, pageSize, 6*pageSize) }},
		{"WAL flipped in the middle", false, 2000, func(t *testing.T, p string) {
			flip(t, p+"-wal", size(p+"-wal")/2, 64)
		}},
		{"WAL header flipped", false, 0, func(t *testing.T, p string) { flip(t, p+"-wal", 8, 16) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var evidence []byte
			before, r := damaged(t, tc.clean, func(p string) {
				tc.spoil(t, p)
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				evidence = b
			})
			r.clock.Advance(time.Hour)
			r.put(readings(r.clock.Now(), 3, 1)...)
			// A flipped pack is found by whoever reads it.
			for p := (agent.Position{}); ; {
				page, err := r.After(context.Background(), p, 1000)
				if err != nil || len(page) == 0 {
					break
				}
				p = page[len(page)-1].Position
			}
			eventually(t, "set aside", func() bool { return r.cond.was("store-damaged") })
			eventually(t, "salvaged", func() bool { return !r.cond.holds("store-damaged") })
			r.put(readings(r.clock.Now(), 1, 2)...)
			lost := accounted(t, before, r.all())
			t.Logf("%d of %d records lost", lost, len(before))
			if lost > tc.most {
				t.Errorf("%d of %d records lost", lost, len(before))
			}
			names, err := filepath.Glob(filepath.Join(r.opt.Dir, fileName+".damaged-*"))
			if err != nil || len(names) == 0 {
				t.Fatalf("nothing set aside: %v", err)
			}
			if b, err := os.ReadFile(names[0]); err != nil || !bytes.Equal(b, evidence) {
				t.Errorf("the evidence was changed: %v", err)
			}
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			rep, err := Check(context.Background(), r.opt.Dir)
			if err != nil || !rep.OK {
				t.Errorf("check: %+v %v", rep, err)
			}
		})
	}
}

func TestTornTailIsAnUncleanEnd(t *testing.T) {
	before, r := damaged(t, false, func(p string) {
		if err := os.Truncate(p+"-wal", sizeOf(p+"-wal")-100); err != nil {
			t.Fatal(err)
		}
	})
	r.put(readings(r.clock.Now(), 1, 2)...)
	if r.cond.was("store-damaged") {
		t.Error("a cut tail of the WAL is what a power cut leaves behind")
	}
	after := r.all()
	first := after[len(after)-2]
	if first.Event == nil || first.Event.Epoch == nil || first.Event.Epoch.Reason != "unclean" {
		t.Fatalf("no new epoch: %+v", first)
	}
	e := first.Event.Epoch
	kept := after[:len(after)-2]
	if e.LastSeq != kept[len(kept)-1].Position.Seq || e.Previous != before[0].Position.Epoch {
		t.Errorf("epoch event %+v after %s", e, kept[len(kept)-1].Position)
	}
	for i := range kept {
		if !same(kept[i], before[i]) {
			t.Fatalf("%s differs", kept[i].Position)
		}
	}
}

func TestNewerSchemaIsSetAsideUnchanged(t *testing.T) {
	r := newRig(t)
	r.put(readings(r.clock.Now(), 1, 2)...)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.opt.Dir, fileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(b[60:], 99)
	if err := os.WriteFile(path, b, 0o640); err != nil {
		t.Fatal(err)
	}
	o := r.opt
	o.Conditions = newConditions()
	r2 := start(t, o, r.clock)
	r2.put(readings(r.clock.Now(), 1, 3)...)
	if !r2.cond.holds("store-newer") {
		t.Error("store-newer is not raised")
	}
	names, err := filepath.Glob(path + ".newer-*")
	if err != nil || len(names) != 1 {
		t.Fatalf("set aside: %v %v", names, err)
	}
	if kept, err := os.ReadFile(names[0]); err != nil || !bytes.Equal(kept, b) {
		t.Errorf("the newer file was changed: %v", err)
	}
	if n := len(r2.all(agent.KindReadings)); n != 1 {
		t.Errorf("%d readings in the fresh store", n)
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "store-newer cleared", func() bool { return !r2.cond.holds("store-newer") })
}

func TestTwoAgents(t *testing.T) {
	r := newRig(t)
	r.put(readings(r.clock.Now(), 1, 2)...)
	if _, err := Open(context.Background(), r.opt); !errors.Is(err, ErrLocked) {
		t.Errorf("the second Open returned %v", err)
	}
}
