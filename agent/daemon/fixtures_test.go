package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/health"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sensors"
)

func TestMain(m *testing.M) {
	if os.Getenv(childConfig) != "" {
		os.Exit(runChild())
	}
	// These tests wait more than they compute: for commits, deadlines and retries in real time.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// morning is when the fake clock of most tests stands.
var morning = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// patience is how long an event is waited for: far more than any should take.
const patience = 30 * time.Second

// eventually waits until ok, and fails the test if that takes too long.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	within(t, patience, what, ok)
}

// within waits until ok, and fails the test if that takes longer than limit.
func within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for began := clock.Elapsed(); !ok(); <-look.C {
		if clock.Elapsed()-began > limit {
			t.Fatalf("waited %v in vain: %s", limit, what)
		}
	}
}

// rig is an agent under test: the real wiring, with devices that the test plays.
type rig struct {
	t     *testing.T
	dir   string
	clock clock.Clock
	fake  *steppable // nil on another clock
	bell  *bell
	fault func(string) error
	keep  string // store.keep, if not the default
	head  string // further top-level lines of the config
	web   string // web.listen; empty: off
	log   *journal

	reload func() error // Options.Reload

	mu    sync.Mutex
	dials map[agent.SensorID]*dial
	guns  map[agent.ReaderID]*gun

	agent  *Agent
	cancel context.CancelFunc
	done   chan error
}

// newRig makes a rig on a clock that the test moves.
func newRig(t *testing.T) *rig {
	t.Helper()
	fake := newSteppable(morning)
	r := newRigOn(t, fake)
	r.fake = fake
	return r
}

// newRigOn makes a rig on a clock; nil is the machine's.
func newRigOn(t *testing.T, c clock.Clock) *rig {
	t.Helper()
	r := &rig{
		t: t, dir: t.TempDir(), clock: c, bell: &bell{}, log: &journal{},
		dials: map[agent.SensorID]*dial{}, guns: map[agent.ReaderID]*gun{},
	}
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("the journal:\n%s", r.log)
		}
	})
	return r
}

// journal keeps what the agent logs.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// dial is the thermometer of a sensor.
func (r *rig) dial(id agent.SensorID) *dial {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.dials[id]
	if d == nil {
		d = &dial{value: 4 * agent.Unit}
		r.dials[id] = d
	}
	return d
}

func (r *rig) gun(id agent.ReaderID) *gun {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.guns[id]
	if g == nil {
		g = &gun{codes: make(chan string)}
		r.guns[id] = g
	}
	return g
}

// drivers are the built-in ones and those that the test plays: dial, gun and bell, whose
// name is that of the sensor or scanner they stand for.
func (r *rig) drivers() drivers {
	d := builtIn()
	d.sensors["dial"] = sensors.Define("dial", dialConfig{},
		func(dialConfig) []sensors.PointSpec {
			return []sensors.PointSpec{{Name: "temperature", Quantity: agent.Temperature}}
		},
		func(_ context.Context, _ sensors.Host, c dialConfig) (sensors.Sensor, error) {
			return r.dial(agent.SensorID(c.Name)), nil
		})
	d.sensors["lever"] = sensors.Define("lever", dialConfig{},
		func(dialConfig) []sensors.PointSpec {
			return []sensors.PointSpec{{Name: "contact", Quantity: agent.Contact}}
		},
		func(_ context.Context, _ sensors.Host, c dialConfig) (sensors.Sensor, error) {
			return lever{r.dial(agent.SensorID(c.Name))}, nil
		})
	d.scanners["gun"] = sensors.DefineScanner("gun", dialConfig{}, nil,
		func(_ context.Context, _ sensors.Host, c dialConfig) (sensors.Scanner, error) {
			return r.gun(agent.ReaderID(c.Name)), nil
		})
	d.outputs["bell"] = announce.Define("bell", bellConfig{},
		func(context.Context, announce.Host, bellConfig) (announce.Output, error) { return r.bell, nil })
	return d
}

// config parses a config whose head is the rig's.
func (r *rig) config(text string) *config.Config {
	r.t.Helper()
	keep := r.keep
	if keep == "" {
		keep = "{age: 400d, bytes: 1GiB, free: 1MiB}"
	}
	web := r.web
	if web == "" {
		web = config.WebOff
	}
	whole := fmt.Sprintf("site: s1\ngateway: gw-01\nstore: {dir: %q, commit_within: 20ms, keep: %s}\nweb: {listen: %q}\n%s\n%s",
		r.dir, keep, web, r.head, text)
	cfg, err := config.Parse("test.yaml", []byte(whole), r.drivers().known())
	if err != nil {
		r.t.Fatalf("config: %v", err)
	}
	return cfg
}

// start runs an agent of the config until stop.
func (r *rig) start(text string) {
	r.t.Helper()
	d := r.drivers()
	o := Options{
		Config: r.config(text), Version: "test", Built: morning.Add(-24 * time.Hour), Clock: r.clock,
		Log:    slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Reload: r.reload, fault: r.fault, drivers: &d,
	}
	var a *Agent
	eventually(r.t, "the lock of the store", func() (ok bool) {
		// A peer that another test starts just now holds every open file between fork and
		// exec, the lock of a store that was closed meanwhile among them.
		var err error
		if a, err = New(context.Background(), o); err != nil && !errors.Is(err, store.ErrLocked) {
			r.t.Fatalf("new: %v", err)
		}
		return err == nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	r.agent, r.cancel, r.done = a, cancel, make(chan error, 1)
	go func() { r.done <- a.Run(ctx) }()
}

// stop ends the agent cleanly. Stopping a stopped one does nothing.
func (r *rig) stop() {
	r.t.Helper()
	if r.cancel == nil {
		return
	}
	r.cancel()
	r.cancel = nil
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("run: %v", err)
		}
	case <-time.After(patience):
		r.t.Errorf("the agent does not stop")
	}
}

// measured waits until n readings were taken since the start.
func (r *rig) measured(n int64) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%d readings", n), func() bool { got, _ := r.agent.Counts(); return got >= n })
}

// tick lets the fake clock go on by d and waits for n more readings.
func (r *rig) tick(d time.Duration, n int64) {
	r.t.Helper()
	before, _ := r.agent.Counts()
	r.fake.Advance(d)
	r.measured(before + n)
}

// durable waits until everything that was appended is on disk.
func (r *rig) durable() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.agent.recorder.checkpoint().Wait(ctx); err != nil {
		r.t.Fatalf("not durable: %v", err)
	}
}

// linger lets what is on disk become as old as a batch waits for company: on the fake clock it would
// never.
func (r *rig) linger() {
	r.t.Helper()
	r.durable()
	r.fake.Advance(100 * time.Millisecond)
}

func (r *rig) status() control.Status {
	r.t.Helper()
	s, err := r.agent.Status(context.Background())
	if err != nil {
		r.t.Fatalf("status: %v", err)
	}
	return s
}

// client speaks to the control socket, once somebody answers on it.
func (r *rig) client() *control.Client {
	r.t.Helper()
	c := control.NewClient(r.dir)
	eventually(r.t, "the control socket", func() bool { return c.Get(r.t.Context(), "status", &control.Status{}) == nil })
	return c
}

// condition is the active condition of a subject as status shows it.
func (r *rig) condition(code, subject string) (health.Active, bool) {
	r.t.Helper()
	for _, c := range r.status().Conditions {
		if c.Code == code && c.Subject == subject {
			return c, true
		}
	}
	return health.Active{}, false
}

// shown waits until the condition is in status, with a remedy.
func (r *rig) shown(code, subject string) {
	r.t.Helper()
	eventually(r.t, code+" of "+subject+" in status", func() bool {
		c, ok := r.condition(code, subject)
		return ok && c.Remedy != ""
	})
}

// gone waits until the condition is no longer in status: at most 30 s after its cause ended.
func (r *rig) gone(code, subject string) {
	r.t.Helper()
	within(r.t, 30*time.Second, code+" of "+subject+" gone from status", func() bool {
		_, there := r.condition(code, subject)
		return !there
	})
}

// reader is what records are read from.
type reader interface {
	After(ctx context.Context, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error)
}

func allOf(t *testing.T, from reader, kinds ...agent.Kind) []agent.Record {
	t.Helper()
	var all []agent.Record
	for at := (agent.Position{}); ; {
		got, err := from.After(context.Background(), at, 4096, kinds...)
		if err != nil {
			t.Fatalf("read the store: %v", err)
		}
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
		at = got[len(got)-1].Position
	}
}

// records are what the running agent's store holds, once everything is durable.
func (r *rig) records(kinds ...agent.Kind) []agent.Record {
	r.t.Helper()
	r.durable()
	return allOf(r.t, r.agent.store, kinds...)
}

// kept are what the stopped agent's store holds.
func (r *rig) kept(kinds ...agent.Kind) []agent.Record {
	r.t.Helper()
	db, err := store.OpenReadOnly(context.Background(), r.dir)
	if err != nil {
		r.t.Fatalf("open the store: %v", err)
	}
	defer db.Close() //nolint:errcheck // only read
	return allOf(r.t, db, kinds...)
}

// contiguous fails the test where an epoch has a hole.
func contiguous(t *testing.T, records []agent.Record) {
	t.Helper()
	last := map[agent.Epoch]agent.Seq{}
	for i := range records {
		p := records[i].Position
		if was := last[p.Epoch]; p.Seq != was+1 {
			t.Errorf("position %v follows seq %d of its epoch", p, was)
		}
		last[p.Epoch] = p.Seq
	}
}

// transitions are those of one alarm, in order.
func transitions(records []agent.Record, id agent.AlarmID) []agent.AlarmEvent {
	var all []agent.AlarmEvent
	for i := range records {
		if e := records[i].Event; records[i].Type == agent.TypeEvent && e.Alarm != nil && e.Alarm.Alarm == id {
			all = append(all, *e.Alarm)
		}
	}
	return all
}

// words are the transitions' words.
func words(events []agent.AlarmEvent) string {
	var all []string
	for _, e := range events {
		all = append(all, string(e.Transition))
	}
	return strings.Join(all, " ")
}
