package announce

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
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
	ID       string
	Output   Output
	Settings any // of the output; if an Audience is embedded in them, its floods are bounded
}

// Option changes how a dispatcher works.
type Option func(*Dispatcher)

// InZone makes summaries tell the time in the site's zone. Without it: UTC.
func InZone(zone *time.Location) Option { return func(d *Dispatcher) { d.zone = zone } }

// Timed makes the dispatcher measure with elapsed, which returns monotonic time. Without it
// it is the system's.
func Timed(elapsed func() time.Duration) Option { return func(d *Dispatcher) { d.elapsed = elapsed } }

// Dispatcher brings every notice to every output. Announce may be called by any goroutine.
type Dispatcher struct {
	lanes      []*lane
	conditions Conditions
	log        *slog.Logger
	zone       *time.Location
	elapsed    func() time.Duration

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

	only    string
	level   int
	persons bool
}

// New makes a dispatcher. It closes the outputs at the end of Run.
func New(outputs []Named, conditions Conditions, log *slog.Logger, options ...Option) *Dispatcher {
	d := &Dispatcher{
		conditions: conditions, log: log, zone: time.UTC, elapsed: clock.Elapsed,
		seen: make(map[transition]bool, remembered),
	}
	for _, o := range options {
		o(d)
	}
	for _, o := range outputs {
		d.lanes = append(d.lanes, newLane(d, o))
	}
	return d
}

// Announce queues the notice for every output and returns at once. It reports false, and does
// nothing, if the same transition was announced before.
func (d *Dispatcher) Announce(n Notice) bool {
	if !d.first(n) {
		return false
	}
	lanes := d.lanes
	if n.Only != nil {
		lanes = slices.DeleteFunc(slices.Clone(lanes), func(l *lane) bool { return !slices.Contains(n.Only, l.ID) })
	}
	done := countdown(n.Done, len(lanes))
	for _, l := range lanes {
		l.put(queued{Notice: n, done: done})
	}
	return true
}

// countdown calls done when it was called once per output.
func countdown(done func(), outputs int) func() {
	if done == nil {
		return func() {}
	}
	var left atomic.Int64
	left.Store(int64(outputs))
	if outputs == 0 {
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
	key := transition{n.Event.ID, n.Event.Transition, n.At.Boot, n.At.Mono, strings.Join(n.Only, ","), n.Level, len(n.To) > 0}
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
