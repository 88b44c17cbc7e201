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
	name string
	now  func() time.Duration // monotonic

	jobs chan *job
	quit chan struct{}
	done chan struct{} // closed when the goroutine has ended
	once sync.Once

	mu    sync.Mutex
	began time.Duration // when the running transaction began; valid while busy
	busy  bool
	stuck bool // its caller has given up
}

type job struct {
	run  func() error
	done chan error // buffered
	mu   sync.Mutex
	// state of the job, guarded by mu
	started, abandoned bool
}

func newWorker(name string, now func() time.Duration) *worker {
	w := &worker{name: name, now: now, jobs: make(chan *job), quit: make(chan struct{}), done: make(chan struct{})}
	go w.loop()
	return w
}

func (w *worker) loop() {
	defer close(w.done)
	for {
		select {
		case <-w.quit:
			return
		case j := <-w.jobs:
			w.run(j)
		}
	}
}

func (w *worker) run(j *job) {
	j.mu.Lock()
	if j.abandoned {
		j.mu.Unlock()
		return
	}
	j.started = true
	j.mu.Unlock()

	w.mu.Lock()
	w.began, w.busy, w.stuck = w.now(), true, false
	w.mu.Unlock()

	err := j.run()

	w.mu.Lock()
	w.busy, w.stuck = false, false
	w.mu.Unlock()
	j.done <- err
}

// do runs f on the bus's goroutine and returns its error. If ctx ends first it returns
// a *StuckError where f is still running (f must not touch the caller's memory then:
// pass it copies), and ctx's error where f has not begun and never will.
func (w *worker) do(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("bus %s: %w", w.name, errors.Join(err, agent.FaultTimeout))
	}
	if err := w.Stuck(); err != nil {
		return err
	}
	j := &job{run: f, done: make(chan error, 1)}
	select {
	case w.jobs <- j:
	case <-w.quit:
		return fmt.Errorf("bus %s: %w", w.name, ErrClosed)
	case <-ctx.Done():
		if err := w.Stuck(); err != nil {
			return err
		}
		return fmt.Errorf("bus %s: waiting for its turn: %w", w.name, errors.Join(ctx.Err(), agent.FaultTimeout))
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
	}
	j.mu.Lock()
	j.abandoned = true
	started := j.started
	j.mu.Unlock()
	if !started {
		return fmt.Errorf("bus %s: waiting for its turn: %w", w.name, errors.Join(ctx.Err(), agent.FaultTimeout))
	}
	select {
	case err := <-j.done: // it ended just then
		return err
	default:
	}
	w.mu.Lock()
	if w.busy {
		w.stuck = true
	}
	w.mu.Unlock()
	if err := w.Stuck(); err != nil {
		return err
	}
	return fmt.Errorf("bus %s: %w", w.name, errors.Join(ctx.Err(), agent.FaultTimeout))
}

// Stuck returns a *StuckError while a transaction whose caller has given up still runs,
// nil otherwise.
func (w *worker) Stuck() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stuck {
		return nil
	}
	return &StuckError{Bus: w.name, For: w.now() - w.began}
}

// close ends the goroutine. It waits for it unless the bus is stuck.
func (w *worker) close() {
	w.once.Do(func() { close(w.quit) })
	if w.Stuck() == nil {
		<-w.done
	}
}
