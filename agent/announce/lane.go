package announce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// lane is one output and what waits for it.
type lane struct {
	Named
	d       *Dispatcher
	chooses selective // nil for an output that is told everything
	wake    chan struct{}

	mu      sync.Mutex
	waiting []queued
	gone    Summary // what was given up because too many waited
	newest  Notice  // of those

	flood limiter  // owned by run
	owed  []func() // done of what the flood keeps back; owned by run
}

type queued struct {
	Notice
	done  func()
	tried bool // some persons have it; what has waited meanwhile goes first
}

func newLane(d *Dispatcher, o Named) *lane {
	l := &lane{Named: o, d: d, wake: make(chan struct{}, 1)}
	l.flood.zone = d.zone
	if s, ok := o.Settings.(selective); ok {
		l.chooses, l.flood.Flood = s, s.Limit()
	}
	return l
}

func (l *lane) put(q queued) {
	// How things stand is told to every output: it opens then, and what is wrong with it shows
	// before there is an alarm.
	if l.chooses != nil && q.Event != nil && !l.chooses.Concerns(q.Notice) {
		q.done()
		return
	}
	l.mu.Lock()
	var gone *queued
	if len(l.waiting) >= queueLength {
		// A critical alarm that is raised gives way last.
		i := max(0, slices.IndexFunc(l.waiting, func(q queued) bool { return !pressing(q.Notice) }))
		first := l.waiting[i]
		gone = &first
		l.waiting = slices.Delete(l.waiting, i, i+1)
		l.gone.add(first.Notice, l.d.zone)
		l.newest = first.Notice
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

// take is the next notice, which leaves the queue: the oldest, but before people hear of
// anything else they hear of a critical alarm that is raised.
func (l *lane) take() (q queued, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return queued{}, false
	}
	i := 0
	if l.chooses != nil {
		i = max(0, slices.IndexFunc(l.waiting, func(q queued) bool { return pressing(q.Notice) && !q.tried }))
	}
	q = l.waiting[i]
	if i == 0 {
		l.waiting = l.waiting[1:]
	} else {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	return q, true
}

// giveUp counts what was given up in the next summary, or at least says so in the log.
func (l *lane) giveUp(ctx context.Context) {
	l.mu.Lock()
	gone, newest := l.gone, l.newest
	l.gone, l.newest = Summary{}, Notice{}
	l.mu.Unlock()
	if gone.Count() == 0 {
		return
	}
	l.d.log.WarnContext(ctx, "announcements given up", slog.String("output", l.ID), slog.Int("count", gone.Count()))
	if l.chooses != nil {
		l.flood.keep(&gone, newest, l.d.elapsed())
	}
}

func (l *lane) run(ctx context.Context) error {
	for ctx.Err() == nil {
		l.giveUp(ctx)
		if wait, ok := l.flood.wait(l.d.elapsed()); ok && wait == 0 {
			n := l.flood.notice()
			if l.deliver(ctx, &n) {
				l.summarized()
			}
			continue
		}
		q, ok := l.take()
		if !ok {
			l.rest(ctx)
			continue
		}
		if !q.tried && l.flood.keeps(q.Notice, l.d.elapsed()) {
			l.owe(q.done)
			continue
		}
		if l.deliver(ctx, &q.Notice) {
			q.done()
			continue
		}
		l.mu.Lock()
		if ctx.Err() != nil { // stopped before it was delivered: it is tried once more
			l.waiting = append([]queued{q}, l.waiting...)
		} else {
			q.tried = true
			l.waiting = append(l.waiting, q)
		}
		l.mu.Unlock()
	}
	l.sayGoodbye(ctx)
	if err := l.Output.Close(); err != nil {
		return fmt.Errorf("announce: close %s: %w", l.ID, err)
	}
	return nil
}

// rest waits for a notice or for a summary to be due.
func (l *lane) rest(ctx context.Context) {
	var due <-chan time.Time
	if wait, ok := l.flood.wait(l.d.elapsed()); ok {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-l.wake:
	case <-due:
	}
}

// owe keeps done until the summary is told; a power cut before makes the notices late. What is
// more than a queue full is done already.
func (l *lane) owe(done func()) {
	if len(l.owed) >= queueLength {
		done()
		return
	}
	l.owed = append(l.owed, done)
}

func (l *lane) summarized() {
	for _, done := range l.owed {
		done()
	}
	l.owed = nil
	l.flood.over(l.d.elapsed())
}

// deliver tries until the output takes the notice or says that it never will. It reports false
// when ctx is done, or when only some persons are left and others' notices wait.
func (l *lane) deliver(ctx context.Context, n *Notice) bool {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := l.try(ctx, *n)
		switch {
		case err == nil:
			l.d.conditions.Clear(failing, l.subject())
			return true
		case ctx.Err() != nil:
			return false
		}
		l.d.conditions.Raise(failing, l.subject(), err.Error())
		var some *Remaining
		errors.As(err, &some)
		if some == nil && errors.Is(err, ErrPermanent) {
			l.d.log.WarnContext(ctx, "announcement refused", slog.String("output", l.ID), slog.Any("err", err))
			return true
		}
		if some != nil {
			n.To, n.Own = some.To, false
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
		if some != nil && n.Summary == nil && l.others() {
			return false
		}
	}
}

// others reports whether notices wait.
func (l *lane) others() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0
}

func (l *lane) try(ctx context.Context, n Notice) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return l.Output.Announce(ctx, n)
}

func (l *lane) sayGoodbye(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	l.giveUp(ctx)
	for ctx.Err() == nil {
		q, ok := l.take()
		if !ok {
			break
		}
		if l.flood.keeps(q.Notice, l.d.elapsed()) {
			l.owe(q.done)
			continue
		}
		if err := l.try(ctx, q.Notice); err != nil {
			l.d.log.WarnContext(ctx, "announcement not made before the stop", slog.String("output", l.ID), slog.Any("err", err))
			return
		}
		q.done()
	}
	if l.flood.kept.Count() == 0 {
		return
	}
	if err := l.try(ctx, l.flood.notice()); err != nil {
		l.d.log.WarnContext(ctx, "announcement not made before the stop", slog.String("output", l.ID), slog.Any("err", err))
		return
	}
	l.summarized()
}

func (l *lane) subject() string { return "output/" + l.ID }
