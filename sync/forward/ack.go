package forward

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
)

// acker writes the newest cursor, at most every ackEvery. The store may take as long as a
// commit to answer; delivery does not wait for it.
type acker struct {
	due chan struct{} // the cursor moved

	mu     sync.Mutex
	cursor agent.Position
	note   note
	moves  uint64 // of the cursor
	taken  uint64 // moves over something delivered
	saved  uint64 // moves as last written
	savedT uint64 // taken as last written
}

func (a *acker) moved(p agent.Position, n note, taken bool) {
	a.mu.Lock()
	if p != a.cursor {
		a.cursor, a.note = p, n
		a.moves++
	}
	if taken {
		a.taken++
	}
	a.mu.Unlock()
	a.wake()
}

func (a *acker) wake() {
	select {
	case a.due <- struct{}{}:
	default:
	}
}

func (l *lane) acknowledgeLoop(ctx context.Context) {
	last := -ackScanEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.ack.due:
		}
		l.ack.mu.Lock()
		taken, moved := l.ack.taken != l.ack.savedT, l.ack.moves != l.ack.saved
		l.ack.mu.Unlock()
		every := ackEvery
		switch {
		case !moved:
			continue
		case !taken:
			every = ackScanEvery
		}
		if wait := last + every - l.p.o.Elapsed(); wait > 0 {
			if !l.pauseForAck(ctx, wait, taken) {
				return
			}
		}
		l.acknowledge(ctx)
		last = l.p.o.Elapsed()
	}
}

// pauseForAck waits, but a delivery cuts the long wait of a mere scan short.
func (l *lane) pauseForAck(ctx context.Context, wait time.Duration, taken bool) (goOn bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		due := l.ack.due
		if taken {
			due = nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-due:
			l.ack.mu.Lock()
			delivered := l.ack.taken != l.ack.savedT
			l.ack.mu.Unlock()
			if delivered {
				return true
			}
		}
	}
}

// acknowledge writes the cursor if it moved since it was last written.
func (l *lane) acknowledge(ctx context.Context) {
	l.ack.mu.Lock()
	p, n, moves, taken := l.ack.cursor, l.ack.note, l.ack.moves, l.ack.taken
	moved := moves != l.ack.saved
	l.ack.mu.Unlock()
	if !moved {
		return
	}
	if err := l.p.o.Store.Acked(ctx, l.p.o.ID, l.name, p, n.text()); err != nil {
		l.p.o.Log.LogAttrs(ctx, slog.LevelWarn, "cursor not written", l.about(err)...)
		l.ack.wake() // again, after a pause
		return
	}
	l.ack.mu.Lock()
	l.ack.saved, l.ack.savedT = moves, taken
	l.ack.mu.Unlock()
}
