package announce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
)

const (
	// queueLength is how many notices wait for one output; the oldest give way.
	queueLength = 1000
	// remembered is for how many transitions it is known that they were announced.
	remembered = 4096
	// firstPause and longestPause bound how long an output that failed rests.
	firstPause, longestPause = time.Second, time.Minute
	// attempt is how long one Announce may take.
	attempt = 30 * time.Second
	// farewell is how long the outputs together have at a stop for what still waits.
	farewell = 2 * time.Second
)

// Conditions takes what is wrong with an output. Package health's Tracker is one.
type Conditions interface {
	Raise(code, subject, detail string)
	Clear(code, subject string)
}

const failing = "output-failing"

// Named is an output with the operator's name for it.
type Named struct {
	ID     string
	Output Output
}

// Dispatcher brings every notice to every output. Announce may be called by any goroutine.
type Dispatcher struct {
	lanes      []*lane
	conditions Conditions
	log        *slog.Logger

	mu    sync.Mutex
	seen  map[transition]bool
	order []transition // ring of what seen holds
	next  int
}

// transition tells one announcement from another: an occurrence may be re-alarmed often.
type transition struct {
	id   agent.AlarmEventID
	what agent.Transition
	boot agent.BootID
	mono time.Duration
}

// New makes a dispatcher. It closes the outputs at the end of Run.
func New(outputs []Named, conditions Conditions, log *slog.Logger) *Dispatcher {
	d := &Dispatcher{conditions: conditions, log: log, seen: make(map[transition]bool, remembered)}
	for _, o := range outputs {
		d.lanes = append(d.lanes, &lane{Named: o, d: d, wake: make(chan struct{}, 1)})
	}
	return d
}

// Announce queues the notice for every output and returns at once. It reports false, and does
// nothing, if the same transition was announced before.
func (d *Dispatcher) Announce(n Notice) bool {
	if !d.first(n) {
		return false
	}
	done := d.countdown(n.Done)
	for _, l := range d.lanes {
		l.put(queued{n, done})
	}
	return true
}

// countdown calls done when it was called once per output.
func (d *Dispatcher) countdown(done func()) func() {
	if done == nil {
		return func() {}
	}
	var left atomic.Int64
	left.Store(int64(len(d.lanes)))
	if len(d.lanes) == 0 {
		done()
	}
	return func() {
		if left.Add(-1) == 0 {
			done()
		}
	}
}

func (d *Dispatcher) first(n Notice) bool {
	if n.Event == nil {
		return true
	}
	key := transition{n.Event.ID, n.Event.Transition, n.At.Boot, n.At.Mono}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[key] {
		return false
	}
	if len(d.order) < remembered {
		d.order = append(d.order, key)
	} else {
		delete(d.seen, d.order[d.next])
		d.order[d.next] = key
		d.next = (d.next + 1) % remembered
	}
	d.seen[key] = true
	return true
}

// Run announces until ctx is done; then every output has a moment for what still waits, and
// is closed. It returns what the outputs' Close said.
func (d *Dispatcher) Run(ctx context.Context) error {
	errs := make([]error, len(d.lanes))
	var wg sync.WaitGroup
	for i, l := range d.lanes {
		wg.Go(func() { errs[i] = l.run(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// lane is one output and what waits for it.
type lane struct {
	Named
	d    *Dispatcher
	wake chan struct{}

	mu      sync.Mutex
	waiting []queued
	dropped int
}

type queued struct {
	Notice
	done func()
}

func (l *lane) put(q queued) {
	l.mu.Lock()
	var gone *queued
	if len(l.waiting) >= queueLength {
		first := l.waiting[0]
		gone = &first
		l.waiting = l.waiting[1:]
		l.dropped++
	}
	l.waiting = append(l.waiting, q)
	l.mu.Unlock()
	if gone != nil {
		gone.done()
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take is the oldest notice, which leaves the queue, and how many were given up before it.
func (l *lane) take() (q queued, dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return queued{}, 0, false
	}
	q, dropped = l.waiting[0], l.dropped
	l.waiting = l.waiting[1:]
	l.dropped = 0
	return q, dropped, true
}

func (l *lane) run(ctx context.Context) error {
	for ctx.Err() == nil {
		q, dropped, ok := l.take()
		if !ok {
			select {
			case <-ctx.Done():
			case <-l.wake:
			}
			continue
		}
		if dropped > 0 {
			l.d.log.WarnContext(ctx, "announcements given up", slog.String("output", l.ID), slog.Int("count", dropped))
		}
		if l.deliver(ctx, q.Notice) {
			q.done()
			continue
		}
		l.mu.Lock() // stopped before it was delivered: it is tried once more
		l.waiting = append([]queued{q}, l.waiting...)
		l.mu.Unlock()
	}
	l.sayGoodbye(ctx)
	if err := l.Output.Close(); err != nil {
		return fmt.Errorf("announce: close %s: %w", l.ID, err)
	}
	return nil
}

// deliver tries until the output takes the notice, says that it never will, or ctx is done,
// which it reports as false.
func (l *lane) deliver(ctx context.Context, n Notice) bool {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := l.try(ctx, n)
		switch {
		case err == nil:
			l.d.conditions.Clear(failing, l.subject())
			return true
		case ctx.Err() != nil:
			return false
		}
		l.d.conditions.Raise(failing, l.subject(), err.Error())
		if errors.Is(err, ErrPermanent) {
			l.d.log.WarnContext(ctx, "announcement refused", slog.String("output", l.ID), slog.Any("err", err))
			return true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

func (l *lane) try(ctx context.Context, n Notice) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return l.Output.Announce(ctx, n)
}

func (l *lane) sayGoodbye(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	for ctx.Err() == nil {
		q, _, ok := l.take()
		if !ok {
			return
		}
		if err := l.try(ctx, q.Notice); err != nil {
			l.d.log.WarnContext(ctx, "announcement not made before the stop", slog.String("output", l.ID), slog.Any("err", err))
			return
		}
		q.done()
	}
}

func (l *lane) subject() string { return "output/" + l.ID }
