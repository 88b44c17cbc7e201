package store

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("FROSTLINE_STORE_CHILD"); dir != "" {
		child(dir)
		return
	}
	if err := flag.Set("rapid.checks", "15"); err != nil { // a flag on the command line overrides it
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

var began = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// conditions remembers what is raised.
type conditions struct {
	mu     sync.Mutex
	active map[string]string
	ever   map[string]bool
}

func newConditions() *conditions {
	return &conditions{active: map[string]string{}, ever: map[string]bool{}}
}

func (c *conditions) Raise(code, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active[code], c.ever[code] = detail, true
}

func (c *conditions) Clear(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.active, code)
}

func (c *conditions) holds(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.active[code]
	return ok
}

func (c *conditions) was(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ever[code]
}

// rig is a store that runs.
type rig struct {
	*DB
	t     testing.TB
	opt   Options
	clock *clock.Fake
	cond  *conditions
	stop  func() error
}

func options(dir string, c *clock.Fake) Options {
	return Options{Dir: dir, CommitWithin: 20 * time.Millisecond, Now: c.Now, MachineID: "m1", Version: "test", Conditions: newConditions(), showFor: time.Millisecond}
}

func start(t testing.TB, o Options, c *clock.Fake) *rig {
	t.Helper()
	db, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	r := &rig{DB: db, t: t, opt: o, clock: c, cond: o.Conditions.(*conditions)}
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { r.stop() }) //nolint:errcheck // a test that cares stops by itself
	return r
}

func newRig(t testing.TB) *rig {
	c := clock.NewFake(began)
	return start(t, options(t.TempDir(), c), c)
}

// again stops the store cleanly and starts it once more.
func (r *rig) again() *rig {
	r.t.Helper()
	if err := r.stop(); err != nil {
		r.t.Fatal(err)
	}
	o := r.opt
	o.Conditions = newConditions()
	return start(r.t, o, r.clock)
}

func (r *rig) put(records ...agent.Record) {
	r.t.Helper()
	wait(r.t, r.Append(records, Urgent()))
}

func wait(t testing.TB, ticket *Ticket) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := ticket.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// all reads everything, in small pages.
func (r *rig) all(kinds ...agent.Kind) []agent.Record {
	r.t.Helper()
	return readAll(r.t, r.DB, kinds...)
}

type afterer interface {
	After(context.Context, agent.Position, int, ...agent.Kind) ([]agent.Record, error)
}

func readAll(t testing.TB, a afterer, kinds ...agent.Kind) []agent.Record {
	t.Helper()
	var all []agent.Record
	var p agent.Position
	for {
		page, err := a.After(context.Background(), p, 1+len(all)%700, kinds...)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		p = page[len(page)-1].Position
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within 10 s: %s", what)
		case <-tick.C:
		}
	}
}

// definitions are made once: their ids are digests.
var definitions = sync.OnceValue(func() *[1200]agent.Definition {
	var all [1200]agent.Definition
	for i := range all {
		all[i] = agent.Definition{Point: agent.PointID(fmt.Sprintf("s%d/temperature", i)), Quantity: agent.Temperature, Zone: "z", Driver: "synthetic"}.Identified()
	}
	return &all
})

func definition(i int) agent.Definition { return definitions()[i] }

func readings(at agent.Instant, n int, value agent.Value) []agent.Record {
	var out []agent.Record
	defs := definitions()
	for i := range n {
		v := value + agent.Value(i)*10_000
		out = append(out, agent.OfReading(agent.Reading{Def: defs[i].ID, At: at, Value: v, Raw: v}))
	}
	return out
}

func alarm(at agent.Instant, id string) agent.Record {
	return agent.OfEvent(agent.Event{At: at, Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{ID: agent.AlarmEventID(id), Alarm: "a", Transition: agent.Raised, State: agent.StateUnack}})
}

func scanned(at agent.Instant, code string) agent.Record {
	return agent.OfScan(agent.Scan{Reader: "dock", At: at, Code: code, Symbology: agent.SymbologyNFC})
}

// contiguous fails unless the positions of each epoch count up without a hole.
func contiguous(t testing.TB, records []agent.Record) {
	t.Helper()
	next := map[agent.Epoch]agent.Seq{}
	for _, r := range records {
		if want, ok := next[r.Position.Epoch]; ok && r.Position.Seq != want {
			t.Fatalf("position %s where seq %d was due", r.Position, want)
		}
		next[r.Position.Epoch] = r.Position.Seq + 1
	}
}

func TestAppendIsReadBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Define([]agent.Definition{definition(0), definition(1), definition(2)})
	at := r.clock.Now()
	r.put(readings(at, 3, 4_250_000)...)
	r.clock.Advance(time.Second)
	r.put(append(readings(r.clock.Now(), 2, -18_500_000), scanned(at, "0A\x1dB"), alarm(at, "a:1"))...)
	got := r.all()
	contiguous(t, got)
	if len(got) != 1+3+3+2+2 {
		t.Fatalf("%d records", len(got))
	}
	if got[0].Event == nil || got[0].Event.Epoch == nil || got[0].Event.Epoch.Reason != "new" || got[0].Position.Seq != 1 {
		t.Errorf("first record is %+v", got[0])
	}
	if v := got[4].Reading; v.Value != 4_250_000 || v.Def != definition(0).ID || !v.At.Wall.Equal(at.Wall) || v.At.Mono != at.Mono || v.At.Trust != at.Trust {
		t.Errorf("reading came back as %+v", v)
	}
	if n := len(r.all(agent.KindAlarms)); n != 1 {
		t.Errorf("%d alarms", n)
	}
	if n := len(r.all(agent.KindScans, agent.KindAlarms)); n != 2 {
		t.Errorf("%d scans and alarms", n)
	}
	if h := r.Head(); h != got[len(got)-1].Position {
		t.Errorf("head %s", h)
	}
	head := r.Head()
	r2 := r.again()
	if h := r2.Head(); h != head {
		t.Errorf("head after a clean stop %s, was %s", h, head)
	}
	if _, ok := r2.Definition(definition(2).ID); !ok {
		t.Error("definition forgotten")
	}
	r2.put(readings(r.clock.Now(), 1, 1)...)
	if h := r2.Head(); h.Epoch != head.Epoch || h.Seq != head.Seq+1 {
		t.Errorf("after a clean stop the epoch must go on, head %s", h)
	}
}

// A lane of alarms stands at the head nearly always: it must see the next alarm, however
// many readings come before and after it, and also what an earlier life has left.
func TestARareRecordAmongReadingsIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{"first life", "second life"} {
		for i := range 3 {
			at := r.Head()
			r.put(readings(r.clock.Now(), 5, agent.Unit)...)
			if found, err := r.After(t.Context(), at, 10, agent.KindAlarms); err != nil || len(found) != 0 {
				t.Fatalf("%s: %d alarms among readings, %v", name, len(found), err)
			}
			at = r.Head()
			id := fmt.Sprintf("%s:%d", name, i)
			r.put(append(readings(r.clock.Now(), 2, agent.Unit), alarm(r.clock.Now(), id))...)
			r.put(readings(r.clock.Now(), 2, agent.Unit)...)
			found, err := r.After(t.Context(), at, 10, agent.KindAlarms)
			if err != nil || len(found) != 1 || string(found[0].Event.Alarm.ID) != id {
				t.Fatalf("%s: found %+v, %v, want alarm %s", name, found, err, id)
			}
		}
		r = r.again()
	}
	if n := len(r.all(agent.KindAlarms)); n != 6 {
		t.Errorf("%d alarms of two lives, want 6", n)
	}
}

// The records of one transaction are laid out in the storage of the one before: nothing of
// it may shine through.
func TestTransactionsOfManyShapesKeepTheirRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want := 0
	for i, n := range []int{900, 1, 0, 1200, 3} {
		batch := append(readings(r.clock.Now(), n, agent.Value(i)*agent.Unit), scanned(r.clock.Now(), fmt.Sprint(i)))
		r.put(batch...)
		want += n
	}
	contiguous(t, r.all())
	if n := len(r.all(agent.KindReadings)); n != want {
		t.Errorf("%d readings, want %d", n, want)
	}
	for i, s := range r.all(agent.KindScans) {
		if s.Scan.Code != fmt.Sprint(i) {
			t.Errorf("scan %d is %q", i, s.Scan.Code)
		}
	}
}
