package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

var update = flag.Bool("update", false, "write testdata/schema anew")

// epochs returns the epoch events in store order.
func epochs(records []agent.Record) []agent.EpochEvent {
	var all []agent.EpochEvent
	for _, r := range records {
		if r.Type == agent.TypeEvent && r.Event.Epoch != nil {
			all = append(all, *r.Event.Epoch)
		}
	}
	return all
}

func TestUncleanEndBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(readings(r.clock.Now(), 5, 0)...)
	head := r.Head()
	dir := filepath.Join(t.TempDir(), "crashed")
	copyFiles(t, r.opt.Dir, dir)
	o := r.opt
	o.Dir, o.Conditions = dir, newConditions()
	r2 := start(t, o, r.clock)
	r2.put(readings(r.clock.Now(), 1, 0)...)
	e := epochs(r2.all())
	if len(e) != 2 || e[1] != (agent.EpochEvent{Previous: head.Epoch, LastSeq: head.Seq, Reason: "unclean"}) {
		t.Errorf("epochs %+v", e)
	}
	if got := r2.Head(); got.Epoch == head.Epoch || got.Seq != 2 {
		t.Errorf("head %s", got)
	}
}

func TestAnotherMachineBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(readings(r.clock.Now(), 5, 0)...)
	head := r.Head()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		id   string
		want int
	}{{"m1", 1}, {"m2", 2}, {"", 2}, {"m2", 2}} {
		o := r.opt
		o.MachineID = tc.id
		r2 := start(t, o, r.clock)
		r2.put(readings(r.clock.Now(), 1, 0)...)
		e := epochs(r2.all())
		if len(e) != tc.want || tc.want == 2 && (e[1].Reason != "machine" || e[1].Previous != head.Epoch) {
			t.Errorf("machine %q: epochs %+v", tc.id, e)
		}
		if err := r2.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackupWhileRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Define([]agent.Definition{definition(0)})
	for range 300 {
		r.clock.Advance(time.Second)
		r.Append(readings(r.clock.Now(), 100, 0))
	}
	r.put(alarm(r.clock.Now(), "x"))
	before := len(r.all())
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				wait(t, r.Append(readings(r.clock.Now(), 10, 1), Urgent()))
			}
		}
	}()
	dir := filepath.Join(t.TempDir(), "restored")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, fileName)
	err := r.Backup(context.Background(), file)
	close(stop)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Backup(context.Background(), file); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second backup to the same file: %v", err)
	}
	head := r.Head()
	o := r.opt
	o.Dir, o.Conditions = dir, newConditions()
	r2 := start(t, o, r.clock)
	r2.put(readings(r.clock.Now(), 1, 0)...)
	all := r2.all()
	contiguous(t, all)
	e := epochs(all)
	if len(e) != 2 || e[1].Reason != "restored" || e[1].Previous != head.Epoch {
		t.Errorf("epochs %+v", e)
	}
	if len(all) < before {
		t.Errorf("%d records in the copy, %d before it began", len(all), before)
	}
	r3 := r2.again() // a restored store is an ordinary one from then on
	r3.put(readings(r.clock.Now(), 1, 0)...)
	if n := len(epochs(r3.all())); n != 2 {
		t.Errorf("%d epochs after a clean restart of the restored store", n)
	}
	if err := r3.stop(); err != nil {
		t.Fatal(err)
	}
	if rep, err := Check(context.Background(), dir); err != nil || !rep.OK {
		t.Errorf("check: %+v %v", rep, err)
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	before, r := damaged(t, true, func(string) {})
	r.put(readings(r.clock.Now(), 1, 2)...)
	before = r.all()
	if _, err := Repair(context.Background(), r.opt); !errors.Is(err, ErrLocked) {
		t.Errorf("repair beside a running agent: %v", err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	rep, err := Repair(context.Background(), r.opt)
	if err != nil || !rep.OK || rep.SetAside == "" {
		t.Fatalf("%+v %v", rep, err)
	}
	rd, err := OpenReadOnly(context.Background(), r.opt.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	if lost := accounted(t, before, readAll(t, rd)); lost != 0 {
		t.Errorf("%d records lost by the repair of a sound store", lost)
	}
}

// A file of a newer version is for that version: starting this agent would only set it aside.
func TestReadOnlyOfANewerVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", filepath.Join(r.opt.Dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(fmt.Sprintf("PRAGMA user_version = %d", SchemaVersion()+1))
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = OpenReadOnly(context.Background(), r.opt.Dir)
	if !errors.Is(err, errNewer) || !strings.Contains(err.Error(), "read the file with the version that wrote it") {
		t.Errorf("stat: %v", err)
	}
	if _, err := Check(context.Background(), r.opt.Dir); !errors.Is(err, errNewer) {
		t.Errorf("check: %v", err)
	}
}

func TestReadOnlyBesideAnAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Define([]agent.Definition{definition(0)})
	r.put(readings(r.clock.Now(), 5, 0)...)
	rd, err := OpenReadOnly(context.Background(), r.opt.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	if n := len(readAll(t, rd)); n != 7 {
		t.Errorf("%d records", n)
	}
	if _, ok := rd.Definition(definition(0).ID); !ok {
		t.Error("definition unknown")
	}
	if _, err := OpenReadOnly(context.Background(), t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no store: %v", err)
	}
}

// TestSchemaV1 opens a store that the first released schema wrote.
func TestSchemaV1(t *testing.T) {
	t.Parallel()
	kept := filepath.Join("testdata", "schema", "v1.db")
	if *update {
		writeSchema(t, kept)
	}
	b, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), b, 0o640); err != nil {
		t.Fatal(err)
	}
	c := clock.NewFake(began.Add(24 * time.Hour))
	o := options(dir, c)
	r := start(t, o, c)
	r.put(readings(c.Now(), 1, 9)...)
	if r.cond.was("store-damaged") || r.cond.was("store-newer") {
		t.Fatal("the store of schema 1 was set aside")
	}
	all := r.all()
	contiguous(t, all)
	if n := len(r.all(agent.KindReadings)); n != 7 {
		t.Errorf("%d readings", n)
	}
	if v := r.all(agent.KindReadings)[1].Reading; v.Value != 4_260_000 || v.Def != definition(1).ID {
		t.Errorf("reading %+v", v)
	}
	if s := r.all(agent.KindScans); len(s) != 1 || s[0].Scan.Code != "0104012345678901" {
		t.Errorf("scans %+v", s)
	}
	if v, ok, err := r.State(context.Background(), "rules"); err != nil || !ok || string(v) != "state" {
		t.Errorf("state %q %v %v", v, ok, err)
	}
	cs, ok, err := r.CursorAt(context.Background(), Cursor{"hq", "main"})
	if err != nil || !ok || cs.Position.Seq != 4 || string(cs.Note) != "note" {
		t.Errorf("cursor %+v %v %v", cs, ok, err)
	}
	if q, err := r.Quarantined(context.Background()); err != nil || len(q) != 1 || q[0].Reason != "too hot" {
		t.Errorf("quarantine %+v %v", q, err)
	}
	if d, ok := r.Definition(definition(1).ID); !ok || d != definition(1) {
		t.Errorf("definition %+v", d)
	}
}

func writeSchema(t *testing.T, kept string) {
	r := newRig(t)
	r.Define([]agent.Definition{definition(0), definition(1), definition(2)})
	r.put(append(readings(r.clock.Now(), 3, 4_250_000), scanned(r.clock.Now(), "0104012345678901"), alarm(r.clock.Now(), "a"))...)
	r.clock.Advance(2 * time.Hour)
	wait(t, r.Append(readings(r.clock.Now(), 3, 4_250_000), Urgent(), WithState("rules", []byte("state"))))
	p := r.all()[3].Position
	if err := errors.Join(r.Acked(context.Background(), Cursor{"hq", "main"}, p, []byte("note")),
		r.Quarantine(context.Background(), "hq", p, "too hot")); err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(r.opt.Dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStateAndCursorsSurvive(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t)
	r.put(readings(r.clock.Now(), 10, 0)...)
	p := r.all()[4].Position
	c := Cursor{"hq", "main"}
	if _, ok, err := r.CursorAt(ctx, c); ok || err != nil {
		t.Errorf("a cursor that never moved: %v %v", ok, err)
	}
	if err := r.Acked(ctx, c, p, []byte("n")); err != nil {
		t.Fatal(err)
	}
	r.SaveState("bytes", []byte("17"))
	if v, ok, _ := r.State(ctx, "bytes"); !ok || string(v) != "17" {
		t.Error("a saved state must be readable at once")
	}
	r = r.again()
	if s, ok, err := r.CursorAt(ctx, c); err != nil || !ok || s.Position != p || string(s.Note) != "n" {
		t.Errorf("cursor %+v %v %v", s, ok, err)
	}
	if v, ok, _ := r.State(ctx, "bytes"); !ok || string(v) != "17" {
		t.Errorf("state %q", v)
	}
	if n, err := r.Waiting(ctx, c, agent.KindReadings); err != nil || n != 6 {
		t.Errorf("%d waiting, %v", n, err)
	}
	if err := r.Forget(ctx, "hq"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := r.CursorAt(ctx, c); ok || err != nil {
		t.Errorf("a forgotten cursor: %v %v", ok, err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := r.Append(readings(r.clock.Now(), 1, 0)).Wait(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed store: %v", err)
	}
}

func TestWaitingFollowsCursorAndCommits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t)
	c := Cursor{"hq", "main"}
	mainKinds := slices.DeleteFunc(agent.Kinds(), func(k agent.Kind) bool { return laneOf(codeOf(k)) != "main" })
	var p agent.Position
	for i := range 40 {
		r.put(append(readings(r.clock.Now(), 7, 0), alarm(r.clock.Now(), "x"), scanned(r.clock.Now(), "s"))...)
		page, err := r.After(ctx, p, i%13+1, mainKinds...)
		if err != nil {
			t.Fatal(err)
		}
		p = page[len(page)-1].Position
		if err := r.Acked(ctx, c, p, nil); err != nil {
			t.Fatal(err)
		}
		left, err := r.After(ctx, p, 1<<20, mainKinds...)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.Waiting(ctx, c, mainKinds...); err != nil || n != int64(len(left)) {
			t.Fatalf("step %d: %d waiting, %d are, %v", i, n, len(left), err)
		}
	}
}

func TestQuarantineLife(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t)
	r.put(readings(r.clock.Now(), 10, 0)...)
	a, b := r.all()[3], r.all()[5]
	for _, p := range []agent.Position{a.Position, b.Position} {
		if err := r.Quarantine(ctx, "hq", p, "rejected"); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := r.Requeue(ctx, "hq", b.Position, agent.Position{Epoch: 1, Seq: 1}); n != 1 || err != nil {
		t.Errorf("requeued %d, %v", n, err)
	}
	got, err := r.Requeued(ctx, "hq", 10)
	if err != nil || len(got) != 1 || !same(got[0], b) {
		t.Errorf("requeued %+v, %v", got, err)
	}
	if err := r.Settled(ctx, "hq", b.Position); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Requeue(ctx, "hq"); n != 1 || err != nil {
		t.Errorf("requeued %d, %v", n, err)
	}
	if err := r.Quarantine(ctx, "hq", a.Position, "again"); err != nil {
		t.Fatal(err)
	}
	q, err := r.Quarantined(ctx)
	if err != nil || len(q) != 1 || q[0].Requeued || q[0].Reason != "again" || !q[0].At.Equal(began) {
		t.Errorf("quarantine %+v, %v", q, err)
	}
}

func TestStatIsJSON(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t)
	r.Define([]agent.Definition{definition(0)})
	r.put(readings(r.clock.Now(), 10, 0)...)
	r.clock.Advance(time.Hour)
	r.put(readings(r.clock.Now(), 10, 0)...)
	if err := r.Acked(ctx, Cursor{"hq", "main"}, r.all()[5].Position, nil); err != nil {
		t.Fatal(err)
	}
	r = restart(r, Keep{Bytes: 8 << 30}, nil)
	r.put(alarm(r.clock.Now(), "x"))
	st, err := r.Stat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if st.Records[agent.KindReadings] != 20 || st.Records[agent.KindEvents] != 2 || len(st.Epochs) != 1 || st.Epochs[0].Reason != "new" ||
		st.Epochs[0].Last != st.Head.Seq || st.Schema != SchemaVersion() || st.NewestTime.Sub(st.OldestTime) != time.Hour || st.HoldDays <= 0 {
		t.Errorf("%+v", st)
	}
	if len(st.Cursors) != 1 || st.Cursors[0].Taken != 6 || st.Cursors[0].Waiting != 16 {
		t.Errorf("cursors %+v", st.Cursors)
	}
	if _, err := json.Marshal(st); err != nil {
		t.Error(err)
	}
}

func TestWatchWakes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	wake, stop := r.Watch()
	defer stop()
	r.put(readings(r.clock.Now(), 1, 0)...)
	select {
	case <-wake:
	case <-time.After(10 * time.Second):
		t.Error("no wake-up after a commit")
	}
}

func TestCommitInTime(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(began)
	o := options(t.TempDir(), c)
	o.CommitWithin = 200 * time.Millisecond
	r := start(t, o, c)
	r.put(readings(c.Now(), 1, 0)...)
	for range 20 { // a commit can come between the two; hardly ever twenty times
		a := r.Append(readings(c.Now(), 1, 0))
		b := r.Append(readings(c.Now(), 1, 0))
		wait(t, a)
		select {
		case <-b.Done():
			return
		default:
		}
	}
	t.Error("records that wait together must share a commit")
}

func TestCountInWindows(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 30 {
		r.put(append(readings(r.clock.Now(), 700, 0), alarm(r.clock.Now(), "x"))...)
	}
	rd := r.live.Load()
	head := rd.head.Load() + 1
	var sum kindCounts
	for from := int64(0); from < head; from += 97 { // windows that cut packs
		n, err := rd.count(from, min(from+97, head))
		if err != nil {
			t.Fatal(err)
		}
		for k := range sum {
			sum[k] += n[k]
		}
	}
	if sum[codeReadings] != 21_000 || sum[codeAlarms] != 30 {
		t.Errorf("counted %v", sum)
	}
	// Holes as a salvage leaves them, wider than a window.
	err := r.do(context.Background(), func(w *writer) error {
		_, err := w.s.conn.ExecContext(background, "UPDATE log SET id = id + ? WHERE id > 10000", 5*countWindow-300)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := rd.count(0, head+5*countWindow)
	if err != nil || n[codeReadings] != 21_000 || n[codeAlarms] != 30 {
		t.Errorf("counted %v over a hole, %v", n, err)
	}
}

// A pump that reads at the very end must never take a definition that a commit adds just
// then for damage.
func TestNewDefinitionsDoNotLookLikeDamageToReaders(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for p := (agent.Position{}); ctx.Err() == nil; {
				records, err := r.After(context.Background(), p, 1000)
				if err != nil {
					t.Errorf("after %s: %v", p, err)
					return
				}
				if n := len(records); n > 0 {
					p = records[n-1].Position
				}
			}
		})
	}
	for i := range 200 {
		d := agent.Definition{Point: agent.SensorID("s" + strconv.Itoa(i)).Point("temperature"), Quantity: agent.Temperature, Driver: "test"}.Identified()
		r.Define([]agent.Definition{d})
		r.put(agent.OfReading(agent.Reading{Def: d.ID, At: r.clock.Now(), Value: agent.Unit, Raw: agent.Unit}))
	}
	cancel()
	wg.Wait()
	if r.cond.was("store-damaged") {
		t.Fatal("a healthy store was set aside")
	}
}

// A backup onto a full or damaged stick is the stick's trouble: the store gives nothing up for it.
func TestTroubleOfACopyIsNotTheStores(t *testing.T) {
	for _, code := range []sqlite3.ErrNo{sqlite3.ErrFull, sqlite3.ErrCorrupt, sqlite3.ErrIoErr} {
		err := fmt.Errorf("backup: %w", foreign{sqlite3.Error{Code: code}})
		if got := troubleOf(err); got != troubleNone {
			t.Errorf("%v of the copy counts as trouble %d of the store", code, got)
		}
	}
}
