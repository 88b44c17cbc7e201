package forward

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memStore is a store in memory. Epochs follow each other in the order of the records.
type memStore struct {
	mu       sync.Mutex
	records  []agent.Record
	index    map[agent.Position]int
	cursors  map[upstream.Lane]agent.Position
	notes    map[upstream.Lane][]byte
	acks     int
	aside    map[agent.Position]string
	requeued []agent.Position
	states   map[string][]byte
	watchers map[chan struct{}]bool
	fail     error                   // of every call that can fail
	away     bool                    // no records and no head, as while a damaged store is replaced
	removed  map[agent.Position]bool // by retention
}

func newMemStore() *memStore {
	return &memStore{
		index: map[agent.Position]int{}, cursors: map[upstream.Lane]agent.Position{}, notes: map[upstream.Lane][]byte{},
		aside: map[agent.Position]string{}, states: map[string][]byte{}, watchers: map[chan struct{}]bool{},
		removed: map[agent.Position]bool{},
	}
}

func (s *memStore) commit(records ...agent.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.index[r.Position] = len(s.records)
		s.records = append(s.records, r)
	}
	s.wake()
}

func (s *memStore) wake() {
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (s *memStore) AppendAfter(_ context.Context, dst []agent.Record, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		clear(dst) // it must not be used any more
		return nil, s.fail
	}
	if s.away {
		return dst, nil
	}
	start := 0
	if !p.IsZero() {
		i, ok := s.index[p]
		if !ok {
			return nil, errors.New("memstore: no such position")
		}
		start = i + 1
	}
	for i := start; i < len(s.records) && limit > 0; i++ {
		if slices.Contains(kinds, s.records[i].Kind()) && !s.removed[s.records[i].Position] {
			dst = append(dst, s.records[i])
			limit--
		}
	}
	return dst, nil
}

func (s *memStore) Head() agent.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) == 0 || s.away {
		return agent.Position{}
	}
	return s.records[len(s.records)-1].Position
}

func (s *memStore) Watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[ch] = true
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, ch)
	}
}

func (s *memStore) CursorAt(_ context.Context, _ agent.UpstreamID, lane upstream.Lane) (agent.Position, []byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.cursors[lane]
	return p, s.notes[lane], ok, s.fail
}

func (s *memStore) Acked(_ context.Context, _ agent.UpstreamID, lane upstream.Lane, p agent.Position, note []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.cursors[lane], s.notes[lane] = p, note
	s.acks++
	return nil
}

func (s *memStore) Quarantine(_ context.Context, _ agent.UpstreamID, p agent.Position, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.aside[p] = reason
	s.requeued = slices.DeleteFunc(s.requeued, func(q agent.Position) bool { return p == q })
	return nil
}

func (s *memStore) Requeued(_ context.Context, _ agent.UpstreamID, limit int) ([]agent.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []agent.Record
	for _, p := range s.requeued {
		if len(out) < limit {
			out = append(out, s.records[s.index[p]])
		}
	}
	return out, s.fail
}

func (s *memStore) requeue(positions ...agent.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requeued = append(s.requeued, positions...)
	s.wake()
}

func (s *memStore) Settled(_ context.Context, _ agent.UpstreamID, p agent.Position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.aside, p)
	s.requeued = slices.DeleteFunc(s.requeued, func(q agent.Position) bool { return p == q })
	return s.fail
}

func (s *memStore) State(_ context.Context, name string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.states[name]
	return b, ok, s.fail
}

func (s *memStore) SaveState(_ context.Context, name string, blob []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[name] = blob
	return s.fail
}

func (s *memStore) setAside() map[agent.Position]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.aside)
}

func (s *memStore) cursor(lane upstream.Lane) agent.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursors[lane]
}

// Waiting and Quarantined implement Counter.
func (s *memStore) Waiting(ctx context.Context, _ agent.UpstreamID, lane upstream.Lane, kinds ...agent.Kind) (int64, error) {
	records, err := s.AppendAfter(ctx, nil, s.cursor(lane), 1<<30, kinds...)
	return int64(len(records)), err
}

func (s *memStore) Quarantined(context.Context, agent.UpstreamID) (int64, error) {
	return int64(len(s.setAside())), nil
}

// conditions notes what is raised.
type conditions struct {
	mu     sync.Mutex
	raised map[string]string
	ever   map[string]bool
}

func newConditions() *conditions {
	return &conditions{raised: map[string]string{}, ever: map[string]bool{}}
}

func (c *conditions) Raise(code, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raised[code], c.ever[code] = detail, true
}

func (c *conditions) Clear(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.raised, code)
}

func (c *conditions) now() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.raised))
}

func (c *conditions) was(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ever[code]
}

// rig is a pump between a memory store and a fake upstream, in a synctest bubble or not.
type rig struct {
	t     reporter
	store *memStore
	fake  *upstreamtest.Fake
	cond  *conditions
	defs  upstreamtest.Definitions
	began time.Time
	o     Options
}

// reporter is the part of testing.T that a rig needs.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func newRig(t reporter) *rig {
	defs := upstreamtest.Points()
	r := &rig{t: t, store: newMemStore(), cond: newConditions(), defs: defs, fake: &upstreamtest.Fake{Definitions: defs}, began: time.Now()}
	r.o = Options{
		ID: "hq", Upstream: r.fake, Store: r.store, Definitions: defs, Conditions: r.cond, Now: r.now, Elapsed: r.elapsed,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Seed: 1, Batch: Batch{Bytes: 4096},
	}
	return r
}

// elapsed follows the bubble's time, which the real clock does not.
func (r *rig) elapsed() time.Duration { return time.Since(r.began) }

// now is a synced clock that stood at the records' beginning when the test began.
func (r *rig) now() agent.Instant {
	d := r.elapsed()
	return agent.Instant{Wall: upstreamtest.Began.Add(d), Mono: d, Trust: agent.ClockSynced}
}

// start runs a pump; the function ends it and waits.
func (r *rig) start() (*Pump, func()) {
	p := New(r.o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return p, func() {
		r.t.Helper()
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("run: %v", err)
		}
	}
}

func (r *rig) drain(p *Pump, within time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := p.Drain(ctx); err != nil {
		r.t.Fatalf("%v; %+v", err, p.Snapshot(context.Background()))
	}
}

// mixed commits n records of all kinds, mostly readings, from first on.
func (r *rig) mixed(first agent.Seq, n int) []agent.Record {
	var records []agent.Record
	for i := range n {
		seq := first + agent.Seq(i)
		kind := agent.KindReadings
		switch seq % 10 {
		case 3:
			kind = agent.KindScans
		case 5:
			kind = agent.KindAlarms
		case 7:
			kind = agent.KindStock
		case 9:
			kind = agent.KindEvents
		}
		records = append(records, r.defs.Record(kind, seq))
	}
	return records
}

// arrived holds the invariant: every record the upstream selects is at the far side or set
// aside, nothing else is, duplicates have equal content, and no batch claims what it lacks.
func (r *rig) arrived(records []agent.Record, only Only) {
	r.t.Helper()
	content := map[agent.Position]string{}
	for _, got := range r.fake.Received() {
		if have, ok := content[got.Position]; ok && have != got.Content {
			r.t.Errorf("%s with two contents:\n%s\n%s", got.Position, have, got.Content)
		}
		content[got.Position] = got.Content
	}
	aside := r.store.setAside()
	want := map[agent.Position]bool{}
	for i := range records {
		rec := &records[i]
		if !only.selects(rec, r.defs) {
			continue
		}
		want[rec.Position] = true
		_, there := content[rec.Position]
		_, set := aside[rec.Position]
		if !there && !set {
			r.t.Errorf("%s (%s) is lost", rec.Position, rec.Kind())
		}
	}
	for p := range content {
		if !want[p] {
			r.t.Errorf("%s arrived and is not selected", p)
		}
	}
	r.covered(records, only, content, aside)
}

// covered proves each topic from its batches alone: between prev and last of a batch
// nothing is missing but what is set aside.
func (r *rig) covered(records []agent.Record, only Only, content map[agent.Position]string, aside map[agent.Position]string) {
	r.t.Helper()
	type topic struct {
		kind  agent.Kind
		epoch agent.Epoch
	}
	selected := map[topic][]agent.Seq{}
	for i := range records {
		if rec := &records[i]; only.selects(rec, r.defs) {
			at := topic{rec.Kind(), rec.Position.Epoch}
			selected[at] = append(selected[at], rec.Position.Seq)
		}
	}
	for _, seqs := range selected {
		slices.Sort(seqs)
	}
	for _, b := range r.fake.Batches() {
		last := b.Records[len(b.Records)-1].Position.Seq
		if b.Prev == 0 {
			continue // claims nothing
		}
		in := map[agent.Seq]bool{}
		for i := range b.Records {
			in[b.Records[i].Position.Seq] = true
		}
		seqs := selected[topic{b.Kind, b.Epoch}]
		from, _ := slices.BinarySearch(seqs, b.Prev+1)
		for _, seq := range seqs[from:] {
			if seq > last {
				break
			}
			if !in[seq] {
				r.t.Errorf("the %s batch from %d to %d with prev %d lacks %d", b.Kind, b.Records[0].Position.Seq, last, b.Prev, seq)
			}
		}
	}
}
