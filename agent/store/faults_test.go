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
	failed atomic.Int64
}

func (f *fault) hook(stage string) error {
	if stage != f.stage {
		return nil
	}
	if ch := f.hang.Load(); ch != nil {
		<-*ch
	}
	if err := f.refuse.Load(); err != nil {
		f.failed.Add(1)
		return *err
	}
	return nil
}

func (f *fault) failures() int64 { return f.failed.Load() }

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
	t.Parallel()
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
				t.Parallel()
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
	t.Parallel()
	r, f := faulty(t, "begin")
	r.put(readings(r.clock.Now(), 1, 0)...)
	f.fail(diskError)
	r.Append([]agent.Record{alarm(r.clock.Now(), "kept")}, Urgent(), WithState("rules", []byte("old")))
	eventually(t, "store-failing", func() bool { return r.cond.holds("store-failing") })
	var first, last *Ticket
	var firstAt time.Duration
	for i := range 120 {
		r.clock.Advance(time.Second)
		ticket := r.Append(readings(r.clock.Now(), 100, agent.Value(i)), WithState("rules", []byte{byte(i)}))
		if i == 0 {
			first, firstAt = ticket, r.clock.Now().Mono
		}
		last = ticket
	}
	f.heal()
	wait(t, last)
	all := r.all()
	contiguous(t, all)
	// What the writer was just trying to commit is kept beside the newest.
	firstKept := slices.ContainsFunc(all, func(rec agent.Record) bool { return rec.Type == agent.TypeReading && rec.Reading.At.Mono == firstAt })
	if err := first.Wait(context.Background()); firstKept != (err == nil) || err != nil && !errors.Is(err, ErrPushedOut) {
		t.Errorf("the first append ended with %v, kept: %t", err, firstKept)
	}
	var gaps, alarms int
	var kept, gone int64
	for _, rec := range all {
		switch {
		case rec.Type == agent.TypeReading:
			kept++
		case rec.Event.Gap != nil:
			gaps++
			g := rec.Event.Gap
			if g.Reason != agent.GapMemory || len(g.Counts) != 1 || g.Counts[0].Kind != agent.KindReadings || g.From.IsZero() || !g.To.After(g.From) {
				t.Fatalf("gap %+v", g)
			}
			gone = g.Counts[0].Count
		case rec.Event.Alarm != nil:
			alarms++
		}
	}
	if gaps != 1 || alarms != 1 || kept < keepInMemory || kept+gone != 1+120*100 {
		t.Errorf("%d gaps, %d alarms, %d readings, %d gone", gaps, alarms, kept, gone)
	}
	if v, _, _ := r.State(context.Background(), "rules"); len(v) != 1 || v[0] != 119 {
		t.Errorf("state %v", v)
	}
	st, err := r.Stat(context.Background())
	if err != nil || st.Dropped.Memory != gone {
		t.Errorf("stat %+v %v", st.Dropped, err)
	}
}

func TestHangingDisk(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
	for _, name := range []string{"refuses", "hangs"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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

func TestNewerSchemaIsSetAsideUnchanged(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	r := newRig(t)
	r.put(readings(r.clock.Now(), 1, 2)...)
	if _, err := Open(context.Background(), r.opt); !errors.Is(err, ErrLocked) {
		t.Errorf("the second Open returned %v", err)
	}
}
