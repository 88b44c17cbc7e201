package forward

import (
	"context"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// State is what a lane does, in a word.
type State string

// The states of a lane.
const (
	StateIdle       State = "idle"       // everything was taken
	StateDelivering State = "delivering" // the far side takes records
	StateRetrying   State = "retrying"   // the last attempt's fate is unknown; it comes again
	StateRefused    State = "refused"    // the far side takes nothing until somebody acts
	StateBudget     State = "budget"     // the byte limit is used up
	StateUndated    State = "undated"    // the next record waits for its date
	StateStopped    State = "stopped"
)

// Snapshot is how a pump stands.
type Snapshot struct {
	ID      agent.UpstreamID `json:"id"`
	State   State            `json:"state"`   // the worse of its lanes'
	Waiting int64            `json:"waiting"` // records not yet taken
	Read    int64            `json:"bytes_read"`
	Written int64            `json:"bytes_written"`
	Limit   *LimitSnapshot   `json:"limit,omitempty"`
	Lanes   []LaneSnapshot   `json:"lanes"`
}

// LimitSnapshot is how much of the byte limit is used.
type LimitSnapshot struct {
	Bytes int64  `json:"bytes"`
	Per   Period `json:"per"`
	Used  int64  `json:"used"`
}

// LaneSnapshot is how a lane stands.
type LaneSnapshot struct {
	Lane        upstream.Lane  `json:"lane"`
	State       State          `json:"state"`
	Position    agent.Position `json:"position"` // everything up to here was taken or set aside
	Waiting     int64          `json:"waiting"`
	Taken       uint64         `json:"taken"`      // records since the start, those of live windows among them
	SetAside    uint64         `json:"set_aside"`  // records since the start
	PerSecond   float64        `json:"per_second"` // records taken, over the last few seconds
	LastSuccess agent.Instant  `json:"-"`
	Error       string         `json:"error,omitempty"` // of the last attempt
}

// Snapshot tells how the pump stands. What a live window brought counts as waiting until the
// cursor has passed it. Where the store cannot count, Waiting is the distance
// to the head, which counts records too that this upstream does not select.
func (p *Pump) Snapshot(ctx context.Context) Snapshot {
	s := Snapshot{ID: p.o.ID, State: StateIdle}
	s.Read, s.Written = p.o.Meter.Bytes()
	if p.o.Limit.Bytes > 0 {
		s.Limit = &LimitSnapshot{Bytes: p.o.Limit.Bytes, Per: p.o.Limit.Per, Used: p.budget.used(p.o.Now())}
	}
	now := p.o.Elapsed()
	p.mu.Lock()
	for _, l := range p.lanes {
		v := l.view
		v.PerSecond = l.rate.perSecond(now)
		s.Lanes = append(s.Lanes, v)
	}
	p.mu.Unlock()
	head := p.o.Store.Head()
	for i := range s.Lanes {
		v := &s.Lanes[i]
		v.Waiting = p.waiting(ctx, v, head, p.lanes[i].kinds)
		s.Waiting += v.Waiting
		if worse(v.State, s.State) {
			s.State = v.State
		}
	}
	return s
}

// Waiting counts the records that the upstream has not taken, as Snapshot does.
func (p *Pump) Waiting(ctx context.Context) int64 { return p.Snapshot(ctx).Waiting }

func (p *Pump) waiting(ctx context.Context, v *LaneSnapshot, head agent.Position, kinds []agent.Kind) int64 {
	at := v.Position
	if at == head || len(kinds) == 0 {
		return 0
	}
	if c, ok := p.o.Store.(Counter); ok {
		if n, err := c.Waiting(ctx, p.o.ID, v.Lane, kinds...); err == nil {
			return n
		}
	}
	if at.Epoch == head.Epoch && at.Seq <= head.Seq {
		return int64(head.Seq - at.Seq)
	}
	return int64(head.Seq)
}

func worse(a, b State) bool {
	order := []State{StateIdle, StateDelivering, StateUndated, StateBudget, StateRetrying, StateRefused, StateStopped}
	rank := func(s State) int {
		for i, o := range order {
			if o == s {
				return i
			}
		}
		return -1
	}
	return rank(a) > rank(b)
}

// rate counts over two halves of its span, so that it follows within seconds.
type rate struct {
	begun     time.Duration
	now, last float64
	lastSpan  time.Duration
}

const rateSpan = 5 * time.Second

func (r *rate) add(now time.Duration, n int) {
	r.turn(now)
	r.now += float64(n)
}

func (r *rate) turn(now time.Duration) {
	span := now - r.begun
	if span < rateSpan {
		return
	}
	r.last, r.lastSpan = r.now, span
	r.begun, r.now = now, 0
}

func (r *rate) perSecond(now time.Duration) float64 {
	r.turn(now)
	span := now - r.begun + r.lastSpan
	if span <= 0 {
		return 0
	}
	return (r.now + r.last) / span.Seconds()
}
