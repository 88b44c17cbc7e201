package bus

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"periph.io/x/conn/v3/physic"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hangingBus hangs in Tx while it holds.
type hangingBus struct {
	mu      sync.Mutex
	gate    chan struct{} // nil: answers at once
	began   chan struct{} // one per Tx that hangs
	closed  int
	answers byte
}

func newHangingBus() *hangingBus { return &hangingBus{began: make(chan struct{}, 16)} }

func (h *hangingBus) hold() (letGo func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	gate := make(chan struct{})
	h.gate = gate
	return sync.OnceFunc(func() {
		h.mu.Lock()
		h.gate = nil
		h.mu.Unlock()
		close(gate)
	})
}

func (h *hangingBus) String() string                  { return "hanging" }
func (h *hangingBus) SetSpeed(physic.Frequency) error { return nil }
func (h *hangingBus) Close() error                    { h.closed++; return nil }

func (h *hangingBus) Tx(_ uint16, _, r []byte) error {
	h.mu.Lock()
	gate := h.gate
	h.mu.Unlock()
	if gate != nil {
		h.began <- struct{}{}
		<-gate
	}
	for i := range r {
		h.answers++
		r[i] = h.answers
	}
	return nil
}

// eventually polls until ok, for at most five seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it never came to pass that %s", what)
		}
	}
}

func soon(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func wantStuck(t *testing.T, err error, name string) {
	t.Helper()
	var stuck *StuckError
	if !errors.As(err, &stuck) || stuck.Bus != name || !errors.Is(err, agent.FaultBusStuck) {
		t.Fatalf("error %v, want a StuckError of %s", err, name)
	}
}

func TestStuckBusAnswersAtOnceAndRecovers(t *testing.T) {
	raw := newHangingBus()
	letGo := raw.hold()
	b := NewI2C("i2c-1", raw, clock.Elapsed)
	defer b.Close()
	defer letGo()

	r := []byte{0xEE}
	wantStuck(t, b.Tx(soon(t, 20*time.Millisecond), 0x44, nil, r), "i2c-1")
	wantStuck(t, b.Stuck(), "i2c-1")
	began := clock.Elapsed()
	wantStuck(t, b.Tx(soon(t, time.Minute), 0x44, nil, r), "i2c-1")
	if took := clock.Elapsed() - began; took > 5*time.Second {
		t.Errorf("a stuck bus answered after %s", took)
	}
	letGo()
	eventually(t, "the bus recovers", func() bool { return b.Stuck() == nil })
	if r[0] != 0xEE {
		t.Errorf("the transaction that was given up wrote %#x into its caller's memory", r[0])
	}
	if err := b.Tx(soon(t, time.Minute), 0x44, nil, r); err != nil || r[0] != 2 {
		t.Errorf("after recovery: %v, %#x", err, r[0])
	}
}

func TestWaitingCallersLearnAtOnceThatTheBusIsStuck(t *testing.T) {
	raw := newHangingBus()
	letGo := raw.hold()
	b := NewI2C("i2c-1", raw, clock.Elapsed)
	defer b.Close()
	defer letGo()

	first := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	go func() { first <- b.Tx(ctx, 1, nil, nil) }()
	<-raw.began
	second := make(chan error, 1)
	go func() { second <- b.Tx(t.Context(), 2, nil, nil) }() // would wait for ever
	wantStuck(t, <-first, "i2c-1")
	wantStuck(t, <-second, "i2c-1")
}

func TestCanceledTransactionLeavesTheBusUsable(t *testing.T) {
	raw := newHangingBus()
	letGo := raw.hold()
	b := NewI2C("i2c-1", raw, clock.Elapsed)
	defer b.Close()
	defer letGo()

	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() { got <- b.Tx(ctx, 1, nil, nil) }()
	<-raw.began
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) || errors.Is(err, agent.FaultBusStuck) {
		t.Fatalf("canceled: %v", err)
	}
	if err := b.Stuck(); err != nil {
		t.Fatalf("a canceled transaction counts as stuck: %v", err)
	}
	// Its successor waits its turn; when its deadline passes too, the bus is stuck.
	wantStuck(t, b.Tx(soon(t, 20*time.Millisecond), 2, nil, nil), "i2c-1")
	letGo()
	eventually(t, "the bus recovers", func() bool { return b.Stuck() == nil })
	if err := b.Tx(soon(t, time.Minute), 2, nil, nil); err != nil {
		t.Errorf("after recovery: %v", err)
	}
}

func TestTurnThatNeverComesIsATimeout(t *testing.T) {
	raw := newHangingBus()
	letGo := raw.hold()
	b := NewI2C("i2c-1", raw, clock.Elapsed)
	defer b.Close()

	first := make(chan error, 1)
	go func() { first <- b.Tx(t.Context(), 1, nil, nil) }()
	<-raw.began
	err := b.Tx(soon(t, 50*time.Millisecond), 2, nil, nil)
	if !errors.Is(err, agent.FaultTimeout) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, agent.FaultBusStuck) {
		t.Errorf("waiting behind a transaction in time: %v", err)
	}
	letGo()
	if err := <-first; err != nil {
		t.Errorf("the one that ran: %v", err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Tx(done, 1, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is done: %v", err)
	}
}

func TestManyCallersWhileTheBusFlaps(t *testing.T) {
	raw := newHangingBus()
	b := NewI2C("i2c-1", raw, clock.Elapsed)
	defer b.Close()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range 200 {
				r := make([]byte, 2)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(n+i)%5)*time.Millisecond)
				err := b.Tx(ctx, 1, nil, r)
				cancel()
				if err == nil && r[1] != r[0]+1 {
					t.Errorf("answers of two callers are mixed: %v", r)
				}
			}
		}()
	}
	stop := make(chan struct{})
	flapped := make(chan struct{})
	go func() {
		defer close(flapped)
		for {
			letGo := raw.hold()
			select {
			case <-raw.began:
			case <-stop:
				letGo()
				return
			}
			select {
			case <-time.After(2 * time.Millisecond):
			case <-stop:
			}
			letGo()
		}
	}()
	wg.Wait()
	close(stop)
	<-flapped
	for len(raw.began) > 0 {
		<-raw.began
	}
	eventually(t, "the bus recovers", func() bool { return b.Stuck() == nil })
	if err := b.Tx(soon(t, time.Minute), 1, nil, nil); err != nil {
		t.Errorf("at the end: %v", err)
	}
}

func TestClose(t *testing.T) {
	raw := newHangingBus()
	b := NewI2C("i2c-1", raw, clock.Elapsed)
	if err := b.Tx(t.Context(), 1, nil, nil); err != nil {
		t.Fatal(err)
	}
	if b.Close() != nil || b.Close() != nil || raw.closed != 1 {
		t.Errorf("closed %d times", raw.closed)
	}
	if err := b.Tx(t.Context(), 1, nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}

	raw = newHangingBus()
	letGo := raw.hold()
	b = NewI2C("i2c-1", raw, clock.Elapsed)
	wantStuck(t, b.Tx(soon(t, 50*time.Millisecond), 1, nil, nil), "i2c-1")
	wantStuck(t, b.Close(), "i2c-1")
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	letGo()
	<-b.w.done
	if raw.closed != 1 {
		t.Errorf("once it let go the bus was closed %d times", raw.closed)
	}
}
