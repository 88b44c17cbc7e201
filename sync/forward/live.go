package forward

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/backoff"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

const (
	farBehind  = 5 * time.Second  // older than a batch that lingers by so much: the rest must not wait for it
	oldBacklog = 15 * time.Minute // older than that: it has a share of its own in the byte limit
)

// age is how long ago that instant was; more than anything if it was in another boot.
func (l *lane) age(at agent.Instant) time.Duration {
	now := l.p.o.Now()
	if now.Boot != at.Boot {
		return math.MaxInt64
	}
	return now.Mono - at.Mono
}

// behind reports whether a record taken at that instant is backlog: what is measured now
// should not wait until it and its like are delivered.
func (l *lane) behind(at agent.Instant) bool { return l.age(at) > l.p.o.Batch.Linger+farBehind }

// live is the main lane's second window. It is open while the lane delivers backlog, begins
// at the head of the moment, and brings what is measured now, out of its turn. It has no
// cursor: the lane passes over everything in its turn and leaves out what is in taken.
//
// Whatever goes wrong closes it, and what it had not brought comes in its turn: only the
// lane itself waits, retries and takes batches apart. The next one begins at the head again.
//
// All of it is owned by the lane's deliver goroutine. A nil live is never open.
type live struct {
	taken     taken
	retry     *backoff.Backoff
	notBefore time.Duration // since when it may open again after a failure

	cutter *lane          // cuts the windows of the open one; nil: closed
	begin  agent.Position // of the open one
	stop   func()         // ends the cutter's fetch, and returns when it has ended
}

func newLive(r Retry, seed uint64) *live {
	return &live{retry: backoff.New(r.Base, r.Max, r.Healthy, seed)}
}

// windows is where the next live window comes from; nil while there is none.
func (v *live) windows() <-chan window {
	if v == nil || v.cutter == nil {
		return nil
	}
	return v.cutter.windows
}

func (v *live) close() {
	if v == nil || v.cutter == nil {
		return
	}
	v.stop()
	v.cutter = nil
}

// openLive opens the live window at the head, unless it is open, failed a moment ago, or
// nothing is left of the byte limit.
func (l *lane) openLive(ctx context.Context) {
	v, head := l.live, l.p.o.Store.Head()
	if v == nil || v.cutter != nil || head.IsZero() || l.p.o.Elapsed() < v.notBefore || l.fitting(nil, false) < 0 {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	v.begin = head
	v.cutter = &lane{
		p: l.p, name: l.name, kinds: l.kinds, whole: true, windows: make(chan window),
		pos: head, sent: head, last: note{Epoch: head.Epoch}, max: l.limit(),
	}
	ended := make(chan struct{})
	go func(c *lane) {
		defer close(ended)
		c.fetch(ctx)
	}(v.cutter)
	v.stop = func() {
		cancel()
		<-ended
	}
}

// deliverLive brings a live window to the far side, each batch in one attempt. The error is
// ctx's.
func (l *lane) deliverLive(ctx context.Context, w window) error {
	v := l.live
	if len(w.whole) == 0 {
		return nil
	}
	if w.end.Epoch != v.begin.Epoch || l.behind(w.at) {
		v.close() // it has become backlog itself
		return nil
	}
	n := 0
	for _, b := range w.batches {
		if l.fitting(b.Records, false) < len(b.Records) {
			v.close()
			return nil
		}
		end := l.attempt(ctx, &b)
		var rejected *upstream.Rejected
		switch {
		case end == nil:
		case errors.As(end, &rejected) && len(rejected.Records) > 0:
			if _, err := l.setAside(ctx, rejected); err != nil {
				return err
			}
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			l.failedLive(ctx, end)
			return nil
		}
		l.succeeded()
		v.retry.Worked(l.p.o.Elapsed())
		n += len(b.Records)
	}
	v.taken.add(w)
	l.count(n)
	return nil
}

// failedLive closes the live window. It raises no condition: what is wrong with the link, the
// lane meets at its next batch; what is wrong with a record, when it gets there.
func (l *lane) failedLive(ctx context.Context, end error) {
	v, now := l.live, l.p.o.Elapsed()
	v.close()
	v.notBefore = now + v.retry.Failed(now)
	var bad *wire.RecordError
	var tooLarge *upstream.TooLarge
	var refused *upstream.Refused
	switch {
	case errors.As(end, &bad), errors.As(end, &tooLarge): // says nothing about the link
	case errors.As(end, &refused):
		l.p.link.refusal()
	default:
		l.p.link.failure()
	}
	l.p.o.Log.LogAttrs(ctx, slog.LevelDebug, "live window closed", l.about(end)...)
}

// passed is called when the lane got past a window: it closes the live window that it has
// reached, and opens one where it is far behind.
func (l *lane) passed(ctx context.Context, w *window) {
	v := l.live
	if v == nil {
		return
	}
	v.taken.forget(w.end)
	if w.caughtUp || w.end.Epoch == v.begin.Epoch && w.end.Seq > v.begin.Seq {
		v.close()
	}
	if !w.caughtUp && len(w.batches) > 0 && l.behind(w.at) {
		l.openLive(ctx)
	}
}

// meanwhile waits as sleep does, but what is measured now goes on.
func (l *lane) meanwhile(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		case w := <-l.live.windows():
			if err := l.deliverLive(ctx, w); err != nil {
				return err
			}
		}
	}
}
