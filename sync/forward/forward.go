package forward

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sync/upstream"
)

// From says where a new upstream begins.
type From string

// Where a new upstream begins.
const (
	FromOldest From = "oldest"
	FromNow    From = "now"
)

// Batch says how batches are cut.
type Batch struct {
	// Bytes of plain encoding that a batch holds, about. Default 100 KiB.
	Bytes int
	// Linger is how old the oldest record of a live batch gets before the batch goes, so that
	// more can join it. It counts from the measurement: what waited for its commit that long
	// does not wait again. A backlog and the urgent lane never linger. Default 1 s.
	Linger time.Duration
}

// Options are what a pump needs. ID, Upstream, Store, Definitions, Conditions, Now and Log
// are required.
type Options struct {
	ID          agent.UpstreamID
	Upstream    upstream.Upstream // the pump calls Deliver only; who opened it closes it, after Run
	Meter       *Meter            // the one in the upstream's Host; nil where nothing is counted
	Store       Store
	Definitions upstream.Definitions
	Only        Only
	Batch       Batch
	Limit       Limit
	From        From // default oldest
	Conditions  upstream.Conditions
	Now         func() agent.Instant
	Log         *slog.Logger

	Deadline time.Duration        // for one Deliver; default 30 s
	Retry    Retry                // zero: the defaults
	Seed     uint64               // of the jitter; 0: from the ID and the boot, so that gateways differ
	Elapsed  func() time.Duration // real monotonic time; nil: clock.Elapsed
}

// Retry spaces attempts after an unknown end. The waits have full jitter; see internal/backoff.
type Retry struct {
	Base    time.Duration // default 500 ms
	Max     time.Duration // default 20 s
	Healthy time.Duration // default 10 s
	Refused time.Duration // between half of it and all of it after a refusal; default 20 s
}

// Pump forwards to one upstream.
type Pump struct {
	o       Options
	budget  *budget
	link    link
	lanes   []*lane
	drain   signal // sent when a Drain begins: look again, and do not linger
	moved   signal // sent when a lane gets on
	stopped chan struct{}

	mu       sync.Mutex // guards what follows, and the views of the lanes
	draining int
	raised   map[string]map[upstream.Lane]bool // conditions by code, and the lanes that hold them
}

// New makes a pump. It starts nothing.
func New(o Options) *Pump {
	o = o.withDefaults()
	p := &Pump{
		o: o, budget: newBudget(o.Limit, o.Meter, o.ID), stopped: make(chan struct{}),
		raised: map[string]map[upstream.Lane]bool{},
	}
	p.lanes = []*lane{newLane(p, upstream.Urgent), newLane(p, upstream.Main)}
	return p
}

func (o Options) withDefaults() Options {
	if o.Meter == nil {
		o.Meter = new(Meter)
	}
	if o.Batch.Bytes <= 0 {
		o.Batch.Bytes = 100 << 10
	}
	if o.Batch.Linger <= 0 {
		o.Batch.Linger = time.Second
	}
	if o.Deadline <= 0 {
		o.Deadline = 30 * time.Second
	}
	if o.Retry.Base <= 0 {
		o.Retry.Base = 500 * time.Millisecond
	}
	if o.Retry.Max <= 0 {
		o.Retry.Max = 20 * time.Second
	}
	if o.Retry.Healthy <= 0 {
		o.Retry.Healthy = 10 * time.Second
	}
	if o.Retry.Refused <= 0 {
		o.Retry.Refused = 20 * time.Second
	}
	if o.Elapsed == nil {
		o.Elapsed = clock.Elapsed
	}
	if o.Seed == 0 {
		h := fnv.New64a()
		boot := o.Now().Boot
		h.Write([]byte(o.ID))
		h.Write(boot[:])
		o.Seed = h.Sum64()
	}
	return o
}

// Run forwards until ctx is done, then writes its cursors and returns nil. Call it once.
// A store that cannot be read at the start is asked again until it can: the agent measures
// and warns meanwhile.
func (p *Pump) Run(ctx context.Context) error {
	defer close(p.stopped)
	if !p.begin(ctx) {
		return nil
	}
	var wg sync.WaitGroup
	for _, l := range p.lanes {
		wg.Go(func() { l.run(ctx) })
	}
	wg.Go(func() { p.housekeeping(ctx) })
	wg.Wait()
	final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, l := range p.lanes {
		l.acknowledge(final)
	}
	p.saveBudget(final, true)
	return nil
}

// begin loads what the store knows of this upstream; false: ctx was done before it could.
func (p *Pump) begin(ctx context.Context) bool {
	for told := false; ; told = true {
		err := p.load(ctx)
		if err == nil {
			return true
		}
		if !told && ctx.Err() == nil { // later on the store's own conditions say so
			p.o.Log.WarnContext(ctx, "store not read", slog.String("upstream", string(p.o.ID)), slog.Any("err", err))
		}
		if sleep(ctx, storeRetry) != nil {
			return false
		}
	}
}

func (p *Pump) load(ctx context.Context) error {
	if err := p.budget.load(ctx, p.o.Store); err != nil {
		return err
	}
	for _, l := range p.lanes {
		if err := l.load(ctx); err != nil {
			return err
		}
	}
	return nil
}

// housekeeping saves the byte count and keeps the quarantine's condition true.
func (p *Pump) housekeeping(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		p.checkQuarantine(ctx)
		p.saveBudget(ctx, false)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *Pump) saveBudget(ctx context.Context, must bool) {
	if err := p.budget.save(ctx, p.o.Store, p.o.Now(), p.o.Elapsed(), must); err != nil && ctx.Err() == nil {
		p.o.Log.WarnContext(ctx, "byte count not saved", slog.String("upstream", string(p.o.ID)), slog.Any("err", err))
	}
}

const conditionRejected = "upstream-rejected"

// checkQuarantine raises or clears the condition by what the store holds, where it can count.
func (p *Pump) checkQuarantine(ctx context.Context) {
	c, ok := p.o.Store.(Counter)
	if !ok {
		return
	}
	n, err := c.Quarantined(ctx, p.o.ID)
	switch {
	case err != nil:
		return // the store's own conditions say so
	case n > 0:
		p.o.Conditions.Raise(conditionRejected, fmt.Sprintf("%d records are set aside", n))
	default:
		p.o.Conditions.Clear(conditionRejected)
	}
}

// ErrStopped is what Drain returns when Run ended before everything was taken.
var ErrStopped = errors.New("forward: the pump stopped")

// Drain returns nil once nothing waits: every record that was committed when it was called
// is taken or set aside. Meanwhile the pump does not linger.
func (p *Pump) Drain(ctx context.Context) error {
	p.mu.Lock()
	p.draining++
	p.mu.Unlock()
	p.drain.send()
	defer func() {
		p.mu.Lock()
		p.draining--
		p.mu.Unlock()
	}()
	head := p.o.Store.Head()
	for {
		moved := p.moved.wait()
		if now := p.o.Store.Head(); now.Epoch != head.Epoch {
			head = now // the old epoch ended meanwhile
		}
		if p.reached(head) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("forward: drain: %w", ctx.Err())
		case <-p.stopped:
			return ErrStopped
		case <-moved:
		}
	}
}

func (p *Pump) reached(head agent.Position) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if !l.caughtUp || l.caughtAt.Epoch != head.Epoch || l.caughtAt.Seq < head.Seq {
			return false
		}
	}
	return true
}

func (p *Pump) isDraining() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draining > 0
}

// Meter is what counts the upstream's bytes.
func (p *Pump) Meter() *Meter { return p.o.Meter }

// raise holds a condition for a lane; it is cleared when no lane holds it.
func (p *Pump) raise(lane upstream.Lane, code, detail string) {
	p.mu.Lock()
	if p.raised[code] == nil {
		p.raised[code] = map[upstream.Lane]bool{}
	}
	p.raised[code][lane] = true
	p.mu.Unlock()
	p.o.Conditions.Raise(code, detail)
}

// clear lets go of the lane's conditions that match.
func (p *Pump) clear(lane upstream.Lane, match func(code string) bool) {
	var free []string
	p.mu.Lock()
	for code, lanes := range p.raised {
		if !lanes[lane] || !match(code) {
			continue
		}
		delete(lanes, lane)
		if len(lanes) == 0 {
			delete(p.raised, code)
			free = append(free, code)
		}
	}
	p.mu.Unlock()
	for _, code := range free {
		p.o.Conditions.Clear(code)
	}
}

// signal wakes everybody who waits for it.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that is closed at the next send.
func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// link is what both lanes know of the connection.
type link struct {
	worked signal // sent when a delivery works after one did not

	mu        sync.Mutex
	up        bool
	refused   bool           // since the last success
	head      agent.Position // newest committed when the present connection began, at the latest
	successes uint64
}

// attempt notes that a delivery begins, and whether its newest record was committed before
// the connection did.
func (k *link) attempt(newest agent.Position, head func() agent.Position) (hist bool) {
	now := head()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.up {
		k.head = now
	}
	switch newest.Epoch {
	case k.head.Epoch:
		return newest.Seq <= k.head.Seq
	case now.Epoch:
		return false // an epoch that began since
	}
	return true
}

func (k *link) success() {
	k.mu.Lock()
	was := k.up && !k.refused
	k.up, k.refused = true, false
	k.successes++
	k.mu.Unlock()
	if !was {
		k.worked.send()
	}
}

func (k *link) failure() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.up = false
}

func (k *link) refusal() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refused = true
}

func (k *link) count() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.successes
}
