package upstreamtest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sync/upstream"
)

// Far is a far side under a test's control. What a far side cannot do is nil, and
// a test that needs it must be excepted by name.
type Far struct {
	Received    func() []Received                 // what the far side holds, in the order of arrival, repetitions included
	HangUpEvery func(k int)                       // cut the connection under every k-th message; 0 ends it
	DelayAck    func(d time.Duration)             // answer so much later
	NeverAck    func(on bool)                     // take messages and do not answer
	Down        func(on bool)                     // refuse connections and cut the present one
	Reject      func(func(p agent.Position) bool) // reject these records for ever
	Overwrites  bool                              // a repetition replaces, so Received shows no repetition (InfluxDB)
	Unordered   bool                              // Received has no order of arrival
}

// Factory opens the upstream under test against a fresh far side. What it starts ends with
// t.Cleanup; it must not close the upstream, which Run does.
type Factory func(t *testing.T, h upstream.Host) (upstream.Upstream, Far)

// patience is how long one step of a test may take.
const patience = 20 * time.Second

// Run holds the upstream to its contract. except names the tests that do not concern this
// kind of far side, such as rejecting where its protocol has no such thing; a Far that lacks
// what any other test needs fails it.
func Run(t *testing.T, open Factory, except ...string) {
	for _, c := range []struct {
		name  string
		needs func(Far) bool
		test  func(*testing.T, *bench)
	}{
		{"every kind arrives in order", nil, testOrder},
		{"a repetition has equal content", nil, testRepetition},
		{"both lanes at once", nil, testLanes},
		{"an ended context ends Deliver", nil, testEndedContext},
		{"an empty batch is no error for the records after it", nil, testEmptyBatch},
		{"nothing is taken for granted before the answer", func(f Far) bool { return f.DelayAck != nil }, testDelayedAck},
		{"no answer is unknown and ends with the context", func(f Far) bool { return f.NeverAck != nil }, testNeverAck},
		{"hang-ups lose nothing", func(f Far) bool { return f.HangUpEvery != nil }, testHangUps},
		{"unreachable is unknown, then works", func(f Far) bool { return f.Down != nil }, testDown},
		{"rejected records are named", func(f Far) bool { return f.Reject != nil }, testRejects},
		{"a second Close does nothing", nil, testClose},
	} {
		if slices.Contains(except, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			leaks := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, leaks) }) // after the far side has gone
			b := newBench(t, open)
			if c.needs != nil && !c.needs(b.far) {
				t.Fatal("upstreamtest: the Far cannot do what this test needs; complete it, or name the test in except")
			}
			c.test(t, b)
			if err := b.up.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// bench is one upstream under test.
type bench struct {
	t    *testing.T
	up   upstream.Upstream
	far  Far
	defs Definitions
}

func newBench(t *testing.T, open Factory) *bench {
	b := &bench{t: t, defs: Points()}
	b.up, b.far = open(t, Host(b.defs))
	return b
}

// Host is a host that knows the definitions and takes everything else without looking.
func Host(defs upstream.Definitions) upstream.Host {
	now := agent.Instant{Wall: Began, Mono: time.Hour, Trust: agent.ClockSynced}
	return upstream.Host{
		ID: "test", Site: "s1", Gateway: "gw-01", Boot: agent.BootID{1}, Definitions: defs,
		Meter: discard{}, Conditions: discard{},
		Info:   func() upstream.Info { return upstream.Info{Version: "test"} },
		Status: func() upstream.Status { return upstream.Status{Now: now} },
		Secret: func(ref string) (string, error) { return ref, nil },
		Log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

type discard struct{}

func (discard) Add(int, int)         {}
func (discard) Raise(string, string) {}
func (discard) Clear(string)         {}

// deliver wants the batch taken at the first attempt.
func (b *bench) deliver(batch upstream.Batch) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	if err := b.up.Deliver(ctx, batch); err != nil {
		b.t.Fatalf("deliver %s from %d: %v", batch.Kind, batch.Records[0].Position.Seq, err)
	}
}

// insist delivers again and again, as the pump does, until the batch is taken.
func (b *bench) insist(batch upstream.Batch) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	for {
		try, stop := context.WithTimeout(ctx, patience/4)
		err := b.up.Deliver(try, batch)
		stop()
		if err == nil {
			return
		}
		var rejected *upstream.Rejected
		if errors.As(err, &rejected) {
			b.t.Fatalf("rejected: %v", err)
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("deliver: not taken within %v: %v", patience, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// holds wants exactly the batches' records at the far side, each with one content.
func (b *bench) holds(batches ...upstream.Batch) {
	b.t.Helper()
	content := map[agent.Position]string{}
	for _, r := range b.far.Received() {
		if have, ok := content[r.Position]; ok && have != r.Content {
			b.t.Errorf("%s came with two contents:\n%s\n%s", r.Position, have, r.Content)
		}
		content[r.Position] = r.Content
	}
	sent := map[agent.Position]bool{}
	for _, batch := range batches {
		for i := range batch.Records {
			p := batch.Records[i].Position
			sent[p] = true
			if _, ok := content[p]; !ok {
				b.t.Errorf("%s was taken and is not there", p)
			}
		}
	}
	for p := range content {
		if !sent[p] {
			b.t.Errorf("%s is there and was never sent", p)
		}
	}
}

func testOrder(t *testing.T, b *bench) {
	var all []upstream.Batch
	first := agent.Seq(1)
	for range 3 {
		for _, kind := range agent.Kinds() {
			batch := b.defs.Batch(kind, first, 20)
			first += 20
			b.deliver(batch)
			all = append(all, batch)
		}
	}
	b.holds(all...)
	if b.far.Unordered {
		return
	}
	last := map[agent.Kind]agent.Seq{}
	for _, r := range b.far.Received() {
		if r.Position.Seq <= last[r.Kind] {
			t.Errorf("%s %d after %d", r.Kind, r.Position.Seq, last[r.Kind])
		}
		last[r.Kind] = r.Position.Seq
	}
}

func testRepetition(t *testing.T, b *bench) {
	batch := b.defs.Batch(agent.KindReadings, 1, 50)
	b.deliver(batch)
	batch.Hist = true // as after a reconnect
	b.deliver(batch)
	half := batch
	half.Records, half.Prev = batch.Records[25:], batch.Records[24].Position.Seq
	b.deliver(half)
	b.holds(batch)
	if n := len(b.far.Received()); b.far.Overwrites && n != len(batch.Records) {
		t.Errorf("%d records at the far side, sent %d", n, len(batch.Records))
	}
}

func testLanes(t *testing.T, b *bench) {
	var main, urgent []upstream.Batch
	for i := range 10 {
		main = append(main, b.defs.Batch(agent.KindReadings, agent.Seq(1+100*i), 90))
		urgent = append(urgent, b.defs.Batch(agent.KindAlarms, agent.Seq(91+100*i), 3))
	}
	var wg sync.WaitGroup
	for _, lane := range [][]upstream.Batch{main, urgent} {
		wg.Go(func() {
			for _, batch := range lane {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				if err := b.up.Deliver(ctx, batch); err != nil {
					t.Errorf("deliver %s: %v", batch.Kind, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	b.holds(append(main, urgent...)...)
}

func testEndedContext(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch := b.defs.Batch(agent.KindReadings, 1, 5)
	if err := b.up.Deliver(ctx, batch); err == nil {
		t.Error("Deliver with an ended context: no error")
	}
	b.insist(batch)
	b.holds(batch)
}

func testEmptyBatch(t *testing.T, b *bench) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.up.Deliver(ctx, upstream.Batch{Lane: upstream.Main, Kind: agent.KindReadings, Epoch: Epoch}); err != nil {
		t.Logf("an empty batch: %v", err)
	}
	batch := b.defs.Batch(agent.KindReadings, 1, 5)
	b.insist(batch)
	b.holds(batch)
}

func testDelayedAck(t *testing.T, b *bench) {
	first := b.defs.Batch(agent.KindReadings, 1, 5)
	b.deliver(first) // connects
	const delay = 150 * time.Millisecond
	b.far.DelayAck(delay)
	began := clock.Elapsed()
	second := b.defs.Batch(agent.KindReadings, 6, 5)
	b.deliver(second)
	if took := clock.Elapsed() - began; took < delay {
		t.Errorf("Deliver returned after %v, the answer came after %v", took, delay)
	}
	b.holds(first, second)
}

func testNeverAck(t *testing.T, b *bench) {
	first := b.defs.Batch(agent.KindReadings, 1, 5)
	b.deliver(first)
	b.far.NeverAck(true)
	second := b.defs.Batch(agent.KindReadings, 6, 5)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := clock.Elapsed()
	err := b.up.Deliver(ctx, second)
	if took := clock.Elapsed() - began; took > patience/4 {
		t.Errorf("Deliver returned %v after its context ended", took-200*time.Millisecond)
	}
	var rejected *upstream.Rejected
	if err == nil || errors.As(err, &rejected) {
		t.Fatalf("a batch without an answer: %v, want an unknown end", err)
	}
	b.far.NeverAck(false)
	b.insist(second)
	b.holds(first, second)
}

func testHangUps(t *testing.T, b *bench) {
	b.far.HangUpEvery(3)
	var all []upstream.Batch
	for i := range 12 {
		batch := b.defs.Batch(agent.KindReadings, agent.Seq(1+10*i), 10)
		b.insist(batch)
		all = append(all, batch)
	}
	b.far.HangUpEvery(0)
	b.holds(all...)
}

func testDown(t *testing.T, b *bench) {
	b.far.Down(true)
	batch := b.defs.Batch(agent.KindReadings, 1, 10)
	ctx, cancel := context.WithTimeout(t.Context(), patience/4)
	defer cancel()
	err := b.up.Deliver(ctx, batch)
	var rejected *upstream.Rejected
	var lost *upstream.Lost
	if err == nil || errors.As(err, &rejected) || errors.As(err, &lost) {
		t.Fatalf("unreachable: %v, want an unknown end that is not Lost", err)
	}
	b.far.Down(false)
	b.insist(batch)
	b.holds(batch)
}

func testRejects(t *testing.T, b *bench) {
	bad := map[agent.Seq]bool{3: true, 4: true, 17: true}
	b.far.Reject(func(p agent.Position) bool { return bad[p.Seq] })
	batch := b.defs.Batch(agent.KindReadings, 1, 20)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := b.up.Deliver(ctx, batch)
	var rejected *upstream.Rejected
	if !errors.As(err, &rejected) {
		t.Fatalf("deliver: %v, want *upstream.Rejected", err)
	}
	for _, r := range rejected.Records {
		if !bad[r.Position.Seq] {
			t.Errorf("%s is called rejected and was not", r.Position)
		}
		if r.Reason == "" {
			t.Errorf("%s is rejected without a reason", r.Position)
		}
		delete(bad, r.Position.Seq)
	}
	if len(bad) > 0 {
		t.Errorf("not named: %v", bad)
	}
	left := batch
	left.Records = nil
	for i := range batch.Records {
		if seq := batch.Records[i].Position.Seq; seq != 3 && seq != 4 && seq != 17 {
			left.Records = append(left.Records, batch.Records[i])
		}
	}
	b.holds(left)
}

func testClose(t *testing.T, b *bench) {
	batch := b.defs.Batch(agent.KindReadings, 1, 5)
	b.deliver(batch)
	for range 2 {
		if err := b.up.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.up.Deliver(ctx, b.defs.Batch(agent.KindReadings, 6, 5)); err == nil {
		t.Error("Deliver after Close: no error")
	}
	b.holds(batch)
}
