package bus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"periph.io/x/conn/v3/onewire"

	"github.com/frostline/frostline/sensors/bus"
)

// countingLine counts transactions.
type countingLine struct{ n atomic.Int64 }

func (*countingLine) String() string { return "line" }
func (l *countingLine) Tx(_, _ []byte, _ onewire.Pullup) error {
	l.n.Add(1)
	return nil
}
func (*countingLine) Search(bool) ([]onewire.Address, error) { return nil, nil }

func TestBegin(t *testing.T) {
	var now atomic.Int64
	line := &countingLine{}
	o := bus.NewOneWire("ow0", line, func() time.Duration { return time.Duration(now.Load()) })
	defer o.Close()
	ok := func([]byte) error { return nil }
	begin := func(mine uint64, accept func([]byte) error) (uint64, error) {
		return o.Begin(t.Context(), mine, time.Second, []byte{0xCC, 0x44}, onewire.WeakPullup, 1, accept)
	}
	step := func(what string, mine uint64, wantRound uint64, wantSent int64) uint64 {
		t.Helper()
		n, err := begin(mine, ok)
		if err != nil || n != wantRound || line.n.Load() != wantSent {
			t.Errorf("%s: round %d, %d sent, %v; want round %d, %d sent", what, n, line.n.Load(), err, wantRound, wantSent)
		}
		return n
	}
	a := step("the first sends", 0, 1, 1)
	b := step("the second joins", 0, 1, 1)
	o.End(a)
	step("who comes after the first result sends", 0, 2, 2)
	a = step("and the first joins that one", a, 2, 2)
	b = step("as does the second", b, 2, 2)
	o.End(1)
	step("an old round's end is none of this one's", 1, 2, 2)
	step("nobody joins a round twice", a, 3, 3)
	now.Add(int64(2 * time.Second))
	step("nobody joins an old round", b, 4, 4)

	refuse := errors.New("nobody converts")
	o.End(4)
	if n, err := begin(0, func([]byte) error { return refuse }); !errors.Is(err, refuse) || n != 0 {
		t.Errorf("a refused round is %d, %v", n, err)
	}
	step("a refused round is not joined", 0, 5, 6)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Begin(ctx, 0, time.Second, nil, onewire.WeakPullup, 0, ok); err == nil {
		t.Error("a round begins after its time")
	}
}
