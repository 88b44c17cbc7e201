package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"path/filepath"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/receive"
	"github.com/frostline/frostline/sync/wire"
)

// farSide is the reference receiver with a sink that remembers what it was given.
type farSide struct {
	*receive.Receiver
	stop  context.CancelFunc
	ended chan error

	mu    sync.Mutex
	got   map[agent.Position]uint64
	fresh []sight // since the last look
	wrong []string
}

func newFarSide(dir, broker string, log *slog.Logger) (*farSide, error) {
	f := &farSide{got: map[agent.Position]uint64{}, ended: make(chan error, 1)}
	r, err := receive.New(receive.Options{
		Dir: filepath.Join(dir, "receiver"), Broker: mqttconn.Options{URL: broker, ClientID: "crash-receiver"},
		Sink:    func(func(*wire.Batch)) (receive.Sink, error) { return f, nil },
		Digests: math.MaxInt, Clock: clock.NewSystem(time.Time{}), OnAlarm: f.alarm, Log: log,
	})
	if err != nil {
		return nil, err
	}
	f.Receiver = r
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	go func() { f.ended <- r.Run(ctx) }()
	return f, nil
}

// Write implements receive.Sink. It is asked once for each new record.
func (f *farSide) Write(_ context.Context, b *wire.Batch, lines [][]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range b.Records {
		s := sight{b.Records[i].Position, digestOf(lines[i])}
		if _, ok := f.got[s.pos]; ok {
			f.wrong = append(f.wrong, fmt.Sprintf("the receiver wrote position %s twice", s.pos))
		}
		f.got[s.pos] = s.digest
		f.fresh = append(f.fresh, s)
	}
	return nil
}

// Close implements receive.Sink.
func (f *farSide) Close() error { return nil }

// alarm takes what the receiver raises about the gateway. That it is silent while it is
// dead is not wrong.
func (f *farSide) alarm(a receive.Alarm) {
	if a.Alarm == "gateway-silent" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = append(f.wrong, fmt.Sprintf("the receiver raises %s: %s", a.Alarm, a.Detail))
}

// news is what came since the last call, and what is wrong.
func (f *farSide) news() (fresh []sight, wrong []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh, wrong, f.fresh, f.wrong = f.fresh, f.wrong, nil, nil
	return fresh, wrong
}

// received is everything that came.
func (f *farSide) received() map[agent.Position]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.got)
}

func (f *farSide) has(p agent.Position) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.got[p]
	return ok
}

// close ends the receiver, which writes its ledger.
func (f *farSide) close() error {
	f.stop()
	return <-f.ended
}
