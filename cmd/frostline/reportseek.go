package main

import (
	"context"
	"time"

	"github.com/frostline/frostline/agent"
)

// course is how the wall clock ran along the sequence, as far as the rare records tell: an agent
// writes one at every start and at every step of its clock, and between them time only goes
// forward. So a report of a day need not read a year. Where the course is not certain,
// everything is read.
type course struct {
	marks  []milestone
	broken bool // records were brought back from a damaged store, behind younger ones
}

// milestone is one rare record.
type milestone struct {
	at    agent.Position
	wall  time.Time // zero where unknown
	boot  agent.BootID
	fresh bool           // time may have gone back just before it: a start, a step of the clock
	after agent.Position // the last record of the epoch before, where it is the first of its own
}

func (c *course) add(r *agent.Record) {
	e := r.Event
	m := milestone{at: r.Position, wall: e.At.Wall, boot: e.At.Boot}
	m.fresh = len(c.marks) == 0 || c.marks[len(c.marks)-1].boot != m.boot ||
		e.Clock != nil && e.Clock.NewOffset < e.Clock.OldOffset || e.Change != nil && e.Change.State == "started"
	if e.Epoch != nil {
		m.fresh, m.after = true, agent.Position{Epoch: e.Epoch.Previous, Seq: e.Epoch.LastSeq}
		c.broken = c.broken || e.Epoch.Reason == "damaged"
	}
	c.marks = append(c.marks, m)
}

// margin is how far from the time that was asked for nothing is left out: what holds when it
// begins, and what was written a little out of order, lies within.
func (q *inquiry) margin() time.Duration {
	longest := 20 * time.Minute
	for _, every := range q.limits.every {
		longest = max(longest, every)
	}
	return 3 * longest
}

// start is a position before which nothing is as late as limit, and how many of the rare records
// stand up to there.
func (q *inquiry) start(ctx context.Context, limit time.Time) (p agent.Position, n int, err error) {
	if q.course.broken {
		return p, 0, nil
	}
	oldest, err := q.store.Oldest(ctx)
	if err != nil {
		return p, 0, err
	}
	for i := range q.course.marks {
		m := &q.course.marks[i]
		if m.wall.IsZero() || !m.wall.Before(limit) {
			break
		}
		if m.fresh && m.at != oldest {
			if early, err := q.early(ctx, m, limit); err != nil || !early {
				return q.between(ctx, n, limit, err)
			}
		}
		n = i + 1
	}
	return q.between(ctx, n, limit, nil)
}

// early reports whether the records just before a milestone, where time may have gone back, are
// before the limit.
func (q *inquiry) early(ctx context.Context, m *milestone, limit time.Time) (bool, error) {
	const few = 64
	last := agent.Position{Epoch: m.at.Epoch, Seq: m.at.Seq - 1}
	if !m.after.IsZero() {
		last = m.after
	}
	if last.Seq == 0 {
		return false, nil
	}
	from := agent.Position{Epoch: last.Epoch, Seq: last.Seq - min(last.Seq, few)}
	records, err := q.store.After(ctx, from, few)
	found := false
	for i := range records {
		r := &records[i]
		if r.Position.Epoch != last.Epoch || r.Position.Seq > last.Seq {
			break
		}
		if r.At().Wall.IsZero() || !r.At().Wall.Before(limit) {
			return false, err
		}
		found = found || r.Position == last
	}
	return found, err
}

// between is the last position it finds that is before the limit, in the stretch of monotone time
// behind the n-th rare record.
func (q *inquiry) between(ctx context.Context, n int, limit time.Time, err error) (agent.Position, int, error) {
	if n == 0 || err != nil {
		return agent.Position{}, 0, err
	}
	m := &q.course.marks[n-1]
	best, end := m.at, q.store.Head()
	if n < len(q.course.marks) {
		end = q.course.marks[n].at
	}
	if end.Epoch != best.Epoch {
		return best, n, nil
	}
	for high := end.Seq; high > best.Seq+page; {
		middle := best.Seq + (high-best.Seq)/2
		found, err := q.store.After(ctx, agent.Position{Epoch: best.Epoch, Seq: middle - 1}, 1)
		if err != nil {
			return best, n, err
		}
		if len(found) == 1 && found[0].Position.Epoch == best.Epoch && found[0].Position.Seq < high &&
			found[0].At().Boot == m.boot && !found[0].At().Wall.IsZero() && found[0].At().Wall.Before(limit) {
			best = found[0].Position
			continue
		}
		high = middle
	}
	return best, n, nil
}

// lastEarly is how many rare records there are up to the last that is before limit, or of
// unknown time: behind it nothing is before limit that comes after something that is not.
func (q *inquiry) lastEarly(limit time.Time) int {
	for i := len(q.course.marks) - 1; i >= 0; i-- {
		if w := q.course.marks[i].wall; w.IsZero() || w.Before(limit) {
			return i + 1
		}
	}
	return 0
}
