package announce_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// fake is an output that notes what it is told and answers as told.
type fake struct {
	mu     sync.Mutex
	got    []string
	calls  int
	answer func(ctx context.Context, call int) error
	closed int
}

func (f *fake) Announce(ctx context.Context, n announce.Notice) error {
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.mu.Unlock()
	if f.answer != nil {
		if err := f.answer(ctx, call); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, string(n.Event.ID)+" "+string(n.Event.Transition))
	return nil
}

func (f *fake) Close() error { f.closed++; return nil }

func (f *fake) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.got...)
}

// board notes conditions.
type board struct {
	mu sync.Mutex
	on map[string]string
}

func (b *board) Raise(code, subject, detail string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.on[code+" "+subject] = detail
}

func (b *board) Clear(code, subject string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.on, code+" "+subject)
}

func (b *board) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.on)
}

func notice(id string, t agent.Transition, mono time.Duration) announce.Notice {
	return announce.Notice{At: agent.Instant{Mono: mono}, Event: &agent.AlarmEvent{ID: agent.AlarmEventID(id), Transition: t}}
}

// running starts the dispatcher and returns how to stop it.
func running(t *testing.T, d *announce.Dispatcher) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestOnce: what is announced late before the commit is not announced again with it.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		d := announce.New([]announce.Named{{ID: "a", Output: f}}, &board{on: map[string]string{}}, quiet)
		stop := running(t, d)
		for n, c := range []struct {
			n    announce.Notice
			want bool
		}{
			{notice("x", agent.Raised, 1), true},
			{notice("x", agent.Raised, 1), false},
			{notice("x", agent.Cleared, 2), true},
			{notice("x", agent.ReAlarmed, 3), true},
			{notice("x", agent.ReAlarmed, 4), true},
			{notice("y", agent.Raised, 1), true},
		} {
			if got := d.Announce(c.n); got != c.want {
				t.Errorf("notice %d: %v", n, got)
			}
		}
		synctest.Wait()
		if got, want := fmt.Sprint(f.told()), "[x raised x cleared x re-alarmed x re-alarmed y raised]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		stop()
		if f.closed != 1 {
			t.Errorf("closed %d times", f.closed)
		}
	})
}

// TestSlowDelaysNothing: an output that hangs delays no other, and its queue is bounded.
func TestSlowDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := &fake{answer: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		quick := &fake{}
		cond := &board{on: map[string]string{}}
		d := announce.New([]announce.Named{{ID: "hung", Output: hung}, {ID: "quick", Output: quick}}, cond, quiet)
		stop := running(t, d)
		done := 0
		var mu sync.Mutex
		for n := range 3000 {
			note := notice(fmt.Sprint(n), agent.Raised, 0)
			note.Done = func() { mu.Lock(); done++; mu.Unlock() }
			d.Announce(note)
			synctest.Wait()
		}
		if n := len(quick.told()); n != 3000 {
			t.Errorf("the quick output was told %d of 3000", n)
		}
		mu.Lock()
		if done < 1900 || done > 2000 {
			t.Errorf("%d notices are done; what the hung output gave up has to be", done)
		}
		mu.Unlock()
		<-time.After(31 * time.Second) // of the bubble's clock: the attempt's deadline passes
		synctest.Wait()
		if cond.len() != 1 {
			t.Errorf("conditions %v", cond.on)
		}
		stop()
	})
}

// TestTriedAgain: a failed output is tried again, in order, with growing pauses, and its
// condition goes when it works.
func TestTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(_ context.Context, call int) error {
			if call <= 8 {
				return errors.New("no route to host")
			}
			return nil
		}}
		cond := &board{on: map[string]string{}}
		d := announce.New([]announce.Named{{ID: "a", Output: f}}, cond, quiet)
		stop := running(t, d)
		d.Announce(notice("x", agent.Raised, 1))
		d.Announce(notice("y", agent.Raised, 1))
		synctest.Wait()
		if cond.len() != 1 {
			t.Errorf("conditions %v", cond.on)
		}
		<-time.After(184 * time.Second) // 1+2+4+8+16+32+60+60 s, and the ninth attempt is taken
		synctest.Wait()
		if got := fmt.Sprint(f.told()); got != "[x raised y raised]" {
			t.Errorf("got %s", got)
		}
		if cond.len() != 0 {
			t.Errorf("conditions %v", cond.on)
		}
		stop()
	})
}

func TestPermanent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(_ context.Context, call int) error {
			if call == 1 {
				return fmt.Errorf("answered 400: %w", announce.ErrPermanent)
			}
			return nil
		}}
		cond := &board{on: map[string]string{}}
		d := announce.New([]announce.Named{{ID: "a", Output: f}}, cond, quiet)
		stop := running(t, d)
		d.Announce(notice("x", agent.Raised, 1))
		synctest.Wait()
		if cond.len() != 1 {
			t.Error("a refused announcement is no condition")
		}
		d.Announce(notice("y", agent.Raised, 1))
		synctest.Wait()
		if got := fmt.Sprint(f.told()); got != "[y raised]" || cond.len() != 0 {
			t.Errorf("got %s, conditions %v", got, cond.on)
		}
		stop()
	})
}

// TestStop: what waits at a stop is tried once more, within a bounded time.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := true
		f := &fake{answer: func(context.Context, int) error {
			if failing {
				return errors.New("down")
			}
			return nil
		}}
		d := announce.New([]announce.Named{{ID: "a", Output: f}}, &board{on: map[string]string{}}, quiet)
		stop := running(t, d)
		d.Announce(notice("x", agent.Raised, 1))
		d.Announce(notice("y", agent.Raised, 1))
		synctest.Wait()
		failing = false
		stop()
		if got := fmt.Sprint(f.told()); got != "[x raised y raised]" {
			t.Errorf("got %s", got)
		}
	})
}
