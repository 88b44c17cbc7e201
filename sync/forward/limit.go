package forward

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// Meter counts the bytes on an upstream's socket. It implements upstream.Meter and, once a
// pump holds it to a limit, upstream.Limited.
type Meter struct {
	read, written atomic.Int64
	allowance     atomic.Int32 // set by the budget
}

// Add counts bytes that crossed the socket.
func (m *Meter) Add(read, written int) {
	m.read.Add(int64(read))
	m.written.Add(int64(written))
}

// Bytes is what was counted since the meter was made.
func (m *Meter) Bytes() (read, written int64) { return m.read.Load(), m.written.Load() }

// Allowance implements upstream.Limited.
func (m *Meter) Allowance() upstream.Allowance { return upstream.Allowance(m.allowance.Load()) }

func (m *Meter) total() int64 { return m.read.Load() + m.written.Load() }

// Period is how long a byte limit counts before it starts anew.
type Period string

// The periods. Day, week (from Monday) and month begin at midnight of the site's time zone.
const (
	PerHour  Period = "hour"
	PerDay   Period = "day"
	PerWeek  Period = "week"
	PerMonth Period = "month"
)

// Limit bounds the bytes on the socket, both ways. Zero bytes are no limit.
type Limit struct {
	Bytes    int64
	Per      Period
	Location *time.Location // of the site; nil is UTC
}

// name is the period that t falls in.
func (l *Limit) name(t time.Time) string {
	loc := l.Location
	if loc == nil {
		loc = time.UTC
	}
	t = t.In(loc)
	switch l.Per {
	case PerHour:
		return t.UTC().Format("2006-01-02T15Z")
	case PerDay:
		return t.Format("2006-01-02")
	case PerWeek:
		year, week := t.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	}
	return t.Format("2006-01")
}

// passed is how much of its period has passed at t, from 0 to 1; 0 where t is unknown.
func (l *Limit) passed(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	loc := l.Location
	if loc == nil {
		loc = time.UTC
	}
	t = t.In(loc)
	year, month, day := t.Date()
	midnight := func(months, days int) time.Time {
		return time.Date(year, month+time.Month(months), day+days, 0, 0, 0, 0, loc)
	}
	var begin, end time.Time
	switch l.Per {
	case PerHour:
		begin = t.Truncate(time.Hour)
		end = begin.Add(time.Hour)
	case PerDay:
		begin, end = midnight(0, 0), midnight(0, 1)
	case PerWeek:
		monday := -(int(t.Weekday()) + 6) % 7
		begin, end = midnight(0, monday), midnight(0, monday+7)
	default:
		begin, end = midnight(0, 1-day), midnight(1, 1-day)
	}
	return min(max(float64(t.Sub(begin))/float64(end.Sub(begin)), 0), 1)
}

// goodbye is what an upstream may need to end its connection, at most.
const goodbye = 1024

// allowance is what is left for traffic without records when so much is used.
func (l *Limit) allowance(used int64) upstream.Allowance {
	switch left := l.Bytes - used; {
	case l.Bytes <= 0:
		return upstream.Ample
	case left <= min(goodbye, l.Bytes/50):
		return upstream.Spent
	case left <= l.Bytes/10:
		return upstream.Scarce
	}
	return upstream.Ample
}

const saveBudgetEvery = time.Minute

// budget holds an upstream to its limit over restarts. Safe for concurrent use.
type budget struct {
	limit Limit
	meter *Meter
	state string // name in the store

	mu      sync.Mutex
	period  string
	base    int64 // meter's total at which the period had used nothing; may be negative
	saved   int64 // used, as last written
	savedAt time.Duration
	perHint float64 // bytes on the socket per byte of size hint, learned
}

type savedBudget struct {
	Period string `json:"period"`
	Bytes  int64  `json:"bytes"`
}

func newBudget(limit Limit, meter *Meter, up agent.UpstreamID) *budget {
	return &budget{limit: limit, meter: meter, state: "forward/" + string(up) + "/bytes", perHint: 1.2}
}

func (b *budget) load(ctx context.Context, s States) error {
	text, ok, err := s.State(ctx, b.state)
	if err != nil {
		return fmt.Errorf("forward: load byte count: %w", err)
	}
	if !ok {
		return nil
	}
	var saved savedBudget
	if json.Unmarshal(text, &saved) != nil {
		return nil // of another version: count anew
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.period, b.base, b.saved = saved.Period, -saved.Bytes, saved.Bytes
	return nil
}

// roll begins a new period if now is in another one. While the clock is unset the period
// goes on.
func (b *budget) roll(now agent.Instant) {
	if now.Wall.IsZero() {
		return
	}
	if name := b.limit.name(now.Wall); name != b.period {
		if b.period != "" {
			b.base = b.meter.total()
		}
		b.period = name
	}
}

// used is what the present period has used.
func (b *budget) used(now agent.Instant) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	used := b.meter.total() - b.base
	b.meter.allowance.Store(int32(b.limit.allowance(used)))
	return used
}

// allows says how many bytes of size hint a lane may still send in this period. The main
// lane leaves the last tenth to the urgent one. Old backlog may use half of the main lane's at
// once; the other half is set free evenly over the period, so that there is always
// something left for what is measured now, and nothing at the end.
func (b *budget) allows(lane upstream.Lane, backlog bool, now agent.Instant) int64 {
	limit := b.limit.Bytes
	if lane != upstream.Urgent {
		limit -= limit / 10
	}
	if backlog {
		limit = limit/2 + int64(float64(limit/2)*b.limit.passed(now.Wall))
	}
	left := limit - b.used(now)
	b.mu.Lock()
	defer b.mu.Unlock()
	if left <= 0 {
		return 0
	}
	return int64(float64(left) / b.perHint)
}

// learn takes what a batch of the given size hint cost.
func (b *budget) learn(hint, cost int64) {
	if hint <= 0 || cost <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.perHint = min(max(0.9*b.perHint+0.1*float64(cost)/float64(hint), 0.01), 10)
}

// save writes the count if it moved and enough time or bytes passed, or if it must.
func (b *budget) save(ctx context.Context, s States, at agent.Instant, now time.Duration, must bool) error {
	used := b.used(at)
	b.mu.Lock()
	moved := used - b.saved
	due := must || now-b.savedAt >= saveBudgetEvery || b.limit.Bytes > 0 && moved > b.limit.Bytes/100
	text, err := json.Marshal(savedBudget{b.period, used})
	if moved == 0 || !due || err != nil {
		b.mu.Unlock()
		return err
	}
	b.saved, b.savedAt = used, now
	b.mu.Unlock()
	if err := s.SaveState(ctx, b.state, text); err != nil {
		return fmt.Errorf("forward: save byte count: %w", err)
	}
	return nil
}
