package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
)

// ErrClosed is what every call returns after the bus was closed.
var ErrClosed = errors.New("bus closed")

// closeWithin is how long Close waits for a transaction that is still running.
const closeWithin = time.Second

// StuckError says that a transaction has not returned from the kernel.
// It is an agent.FaultBusStuck.
type StuckError struct {
	Bus string
	For time.Duration // how long it has hung so far
}

// Error is "bus i2c-1 stuck for 12s".
func (e *StuckError) Error() string {
	return fmt.Sprintf("bus %s stuck for %s", e.Bus, e.For.Round(100*time.Millisecond))
}

// Unwrap is the fault that readings of this bus have meanwhile.
func (e *StuckError) Unwrap() error { return agent.FaultBusStuck }

// worker runs the transactions of one bus, one after the other, on one goroutine.
type worker struct {
	name  string
	now   func() time.Duration // monotonic
	after func() error         // releases the raw bus; run on the goroutine as its last act

	jobs chan *job
	quit chan struct{}
	done chan struct{} // closed when the goroutine has ended
	once sync.Once
	err  error // of after; readable once done is closed

	mu        sync.Mutex
	began     time.Duration // when the running transaction began; valid while busy
	busy      bool
	abandoned bool          // the running transaction's caller has given up
	stuck     bool          // … because its deadline passed
	hung      chan struct{} // closed when stuck becomes true; a new one when the bus recovers
}

type job struct {
	run  func() error
	done chan error // buffered

	// Guarded by mu, which is taken before the worker's. A job that is abandoned before it
	// has started never starts.
	mu                 sync.Mutex
	started, abandoned bool
}

func newWorker(name string, now func() time.Duration, after func() error) *worker {
	w := &worker{
		name: name, now: now, after: after,
		jobs: make(chan *job), quit: make(chan struct{}), done: make(chan struct{}),
		hung: make(chan struct{}),
	}
	go w.loop()
	return w
}

func (w *worker) loop() {
	defer close(w.done)
	for {
		select {
		case <-w.quit:
			if w.after != nil {
				w.err = w.after()
			}
			return
		case j := <-w.jobs:
			w.run(j)
		}
	}
}

func (w *worker) run(j *job) {
	j.mu.Lock()
	j.started = !j.abandoned
	w.mu.Lock()
	w.began, w.busy = w.now(), j.started
	w.mu.Unlock()
	j.mu.Unlock()
	if !j.started {
		return
	}
	err := j.run()

	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck {
		w.hung = make(chan struct{})
	}
	w.busy, w.abandoned, w.stuck = false, false, false
	j.done <- err
}

// do runs f on the bus's goroutine and returns its error. If ctx's deadline passes while
// f is still running, the bus is stuck and do returns a *StuckError (f must not touch the
// caller's memory: pass it copies). If ctx ends before f has begun, f never runs and do
// returns ctx's error with agent.FaultTimeout. Callers that wait for a bus that becomes
// stuck get the *StuckError at once.
func (w *worker) do(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return w.gaveUp("", err)
	}
	w.mu.Lock()
	hung := w.hung
	w.mu.Unlock()
	j := &job{run: f, done: make(chan error, 1)}
	select {
	case <-w.quit:
		return fmt.Errorf("bus %s: %w", w.name, ErrClosed)
	case <-hung:
		return w.stuckNow()
	default:
	}
	select {
	case w.jobs <- j:
	case <-w.quit:
		return fmt.Errorf("bus %s: %w", w.name, ErrClosed)
	case <-hung:
		return w.stuckNow()
	case <-ctx.Done():
		return w.gaveUpWaiting(ctx.Err())
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return w.abandon(j, ctx.Err())
	}
}

// abandon ends the wait for j, whose context ended with cause.
func (w *worker) abandon(j *job, cause error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.abandoned = true
	if !j.started {
		return w.gaveUp("waiting for its turn: ", cause)
	}
	w.mu.Lock()
	select {
	case err := <-j.done: // it ended just then
		w.mu.Unlock()
		return err
	default:
	}
	w.abandoned = true
	if !errors.Is(cause, context.DeadlineExceeded) {
		w.mu.Unlock()
		return w.gaveUp("", cause)
	}
	w.markStuck()
	w.mu.Unlock()
	return w.stuckNow()
}

// gaveUpWaiting is for a caller whose turn did not come. If what runs meanwhile is a
// transaction nobody waits for any more, the bus is stuck.
func (w *worker) gaveUpWaiting(cause error) error {
	w.mu.Lock()
	if w.busy && w.abandoned && errors.Is(cause, context.DeadlineExceeded) {
		w.markStuck()
	}
	stuck := w.stuck
	w.mu.Unlock()
	if stuck {
		return w.stuckNow()
	}
	return w.gaveUp("waiting for its turn: ", cause)
}

// markStuck needs w.mu.
func (w *worker) markStuck() {
	if !w.stuck {
		w.stuck = true
		close(w.hung)
	}
}

func (w *worker) gaveUp(doing string, cause error) error {
	if errors.Is(cause, context.DeadlineExceeded) {
		cause = faulty(agent.FaultTimeout, cause)
	}
	return fmt.Errorf("bus %s: %s%w", w.name, doing, cause)
}

// stuckNow is the error of a bus that is or just was stuck.
func (w *worker) stuckNow() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &StuckError{Bus: w.name, For: w.now() - w.began}
}

// Stuck returns a *StuckError while a transaction whose deadline has passed still runs,
// nil otherwise.
func (w *worker) Stuck() error {
	w.mu.Lock()
	stuck := w.stuck
	w.mu.Unlock()
	if !stuck {
		return nil
	}
	return w.stuckNow()
}

// close ends the goroutine, which releases the raw bus as its last act. It waits for it
// unless the bus is stuck: then it returns a *StuckError, and the goroutine ends by
// itself when the kernel lets go. A second close returns nil.
func (w *worker) close() error {
	first := false
	w.once.Do(func() { close(w.quit); first = true })
	w.mu.Lock()
	hung := w.hung
	w.mu.Unlock()
	timer := time.NewTimer(closeWithin)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-hung:
	case <-timer.C:
	}
	if !first {
		return nil
	}
	select {
	case <-w.done:
		if w.err != nil {
			return fmt.Errorf("bus %s: close: %w", w.name, w.err)
		}
		return nil
	default:
		return w.stuckNow()
	}
}
