package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/store"
)

// rulesState is the name under which the store keeps the state of the rules.
const rulesState = "rules"

// checkpointEvery is how often the rules' state is written without a transition; on start
// the rules are stepped over the records since.
const checkpointEvery = 10 * time.Minute

// recorder is where everything that was measured, scanned or decided passes: it steps the
// rules and appends the records together with what the rules made of them, in one
// transaction. It waits for no disk. It implements sample.Sink.
type recorder struct {
	clock     clock.Clock
	store     *store.DB
	board     *board
	log       *slog.Logger
	announcer *announcer
	troubles  *troubles
	drills    *drills

	mu    sync.Mutex // guards the rest, and orders what is appended
	rules *rules
	calls *escalation
	next  time.Duration // when the rules want to be stepped without input; 0 for never
	armed time.Duration // when Run wakes by itself
	saved time.Duration // when their state was last written
	count counters
	wake  chan struct{} // capacity 1: next has changed
	born  agent.Instant // when this life began
	last  *store.Ticket // of the newest append
	// behind: the store could not be read at the start, so what the rules knew before is not
	// known. They step all the same, and their state is not written over the one on disk.
	behind bool
	renew  func() (*rules, error) // rules that have seen nothing
}

// counters are what passed since the start.
type counters struct {
	Readings, Faults, Scans, Raised int64
}

func newRecorder(a *Agent) *recorder {
	return &recorder{
		clock: a.clock, store: a.store, board: a.board, log: a.log, announcer: a.announcer, troubles: a.troubles, rules: a.rules,
		drills: a.drills, calls: newEscalation(a),
		wake: make(chan struct{}, 1), born: a.clock.Now(),
		renew: func() (*rules, error) { return newRules(a.cfg, a.store) },
	}
}

// Readings records readings of one sensor and steps the rules with each.
func (r *recorder) Readings(readings []agent.Reading) {
	r.board.take(readings)
	records := make([]agent.Record, len(readings))
	r.mu.Lock()
	defer r.mu.Unlock()
	var events []agent.Event
	for i := range readings {
		records[i] = agent.OfReading(readings[i])
		out := r.rules.reading(&records[i].Reading)
		events = append(events, out.Events...)
		r.wants(out.Next)
		if r.calls.press(&readings[i], r.rules.def.Point) {
			records = append(records, r.mute(readings[i].At))
		}
		r.count.Readings++
		if !readings[i].OK() {
			r.count.Faults++
		}
	}
	r.append(records, events, r.firstTick())
}

// firstTick reports whether the agent has just started: what it measures first is committed
// at once. The caller holds mu.
func (r *recorder) firstTick() bool {
	d, ok := r.clock.Now().Sub(r.born)
	return ok && d < time.Second
}

// Scan records a scan, what it moves, and the alarms that this raises or clears. A scan is
// a person's doing, so it is committed at once.
func (r *recorder) Scan(s agent.Scan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.Scans++
	moved, out := r.rules.scan(&s)
	r.wants(out.Next)
	events := append(out.Events, r.badge(&s)...)
	r.append(append([]agent.Record{agent.OfScan(s)}, recordsOf(moved)...), events, true)
}

// Event records an event that no rule looks at. Those of the urgent lane are committed at once.
func (r *recorder) Event(e agent.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := agent.OfEvent(e)
	r.append([]agent.Record{rec}, nil, rec.Urgent())
}

// command does what a person asks for about an alarm.
func (r *recorder) command(c alarm.Command, uid int) ([]agent.AlarmEventID, *store.Ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, err := r.rules.command(r.clock.Now(), c)
	r.wants(out.Next)
	var ids []agent.AlarmEventID
	for i := range out.Events {
		if e := out.Events[i].Alarm; e != nil && e.Transition == c.Do {
			e.UID = &uid
			ids = append(ids, e.ID)
		}
	}
	var ticket *store.Ticket
	if len(out.Events) > 0 {
		ticket = r.append(nil, out.Events, true)
	}
	if err != nil {
		return nil, nil, err
	}
	return ids, ticket, nil
}

// append commits records with the transitions that they caused. The caller holds mu.
func (r *recorder) append(records []agent.Record, events []agent.Event, urgent bool) *store.Ticket {
	var opts []store.AppendOption
	told, notices := r.calls.follow(events)
	said := len(events)+len(told) > 0
	if said {
		urgent = true
		records = append(append(records, recordsOf(events)...), told...)
		opts = append(append(opts, r.state()...), r.calls.state()...)
		opts = append(opts, r.announcer.expect(events, r.rules.alarms, notices...)...)
		r.arm(r.calls.wants())
		for i := range events {
			if a := events[i].Alarm; a != nil && a.Transition == agent.Raised {
				r.count.Raised++
			}
		}
	}
	if urgent {
		opts = append(opts, store.Urgent())
	}
	r.last = r.store.Append(records, opts...)
	if said {
		r.announcer.appended(r.last)
	}
	return r.last
}

// state is the option that commits the rules' state with an Append. The caller holds mu.
func (r *recorder) state() []store.AppendOption {
	r.saved = r.clock.Now().Mono
	if r.behind {
		return nil
	}
	blob, err := r.rules.state()
	if err != nil {
		r.log.Error("state of the rules not written", slog.Any("err", err))
		return nil
	}
	return []store.AppendOption{store.WithState(rulesState, blob)}
}

func recordsOf(events []agent.Event) []agent.Record {
	records := make([]agent.Record, len(events))
	for i := range events {
		records[i] = agent.OfEvent(events[i])
	}
	return records
}

// wants notes when the rules want to be stepped, and wakes Run if that is earlier than it
// would wake by itself. The caller holds mu.
func (r *recorder) wants(next time.Duration) {
	r.next = next
	r.arm(next)
}

// Run steps the rules when they want to be stepped without input, and writes their state
// from time to time. It returns nil.
func (r *recorder) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		r.mu.Lock()
		due := r.saved + checkpointEvery
		if r.behind {
			due = r.clock.Now().Mono + catchUpEvery
		}
		if r.next != 0 {
			due = min(due, r.next)
		}
		if wants := r.calls.wants(); wants != 0 {
			due = min(due, wants)
		}
		r.armed = due
		r.mu.Unlock()
		reached, stop := r.clock.At(due)
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-r.troubles.wake:
			r.step(ctx)
		case <-reached:
			r.step(ctx)
		}
		stop()
	}
	return nil
}

// checkpoint writes the rules' state at once; its ticket tells when everything that was
// appended before is durable.
func (r *recorder) checkpoint() *store.Ticket {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state()
	if state == nil && r.last != nil {
		return r.last // there is no state to write
	}
	return r.store.Append(nil, append(state, store.Urgent())...)
}

// step brings the rules to the present.
func (r *recorder) step(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.behind {
		r.catchUp(ctx)
	}
	now := r.clock.Now()
	out := r.rules.tick(now)
	for _, t := range r.troubles.take() {
		out = join(out, r.rules.step(alarm.Input{At: now, Trouble: &t}))
	}
	r.next = out.Next
	counted := r.calls.tick(now)
	if len(out.Events)+len(r.calls.calls) > 0 {
		r.append(nil, out.Events, true)
		return
	}
	if counted {
		r.store.Append(nil, r.calls.state()...)
	}
	if now.Mono-r.saved >= checkpointEvery {
		r.store.Append(nil, r.state()...)
	}
}

// Responds reports whether the rules can be stepped: nobody holds them for longer than a second.
func (r *recorder) Responds(ctx context.Context) bool {
	free := make(chan struct{})
	go func() {
		r.mu.Lock()
		r.mu.Unlock() //nolint:staticcheck // only whether it can be had matters
		close(free)
	}()
	select {
	case <-free:
		return true
	case <-ctx.Done():
		return true
	case <-time.After(time.Second):
		return false
	}
}

// counts is what passed since the start.
func (r *recorder) counts() counters {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}
