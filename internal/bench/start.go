package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/lab"
)

// measureStart times the way from the start of the process to the first reading on disk:
// on a new store, after a clean stop, and after a kill. What is committed is asked every
// millisecond over the control socket; which position is the first reading's is read from
// the store afterwards.
func measureStart(ctx context.Context, b *bench) ([]figure, error) {
	const rounds = 5
	var fresh, stopped, killed []float64
	for i := range rounds {
		dir, err := b.place(fmt.Sprintf("start-%d", i))
		if err != nil {
			return nil, err
		}
		for _, way := range []struct {
			into *[]float64
			end  func(*gatewayRun) error
		}{{&fresh, stopIt}, {&stopped, killIt}, {&killed, stopIt}} {
			took, err := startOnce(ctx, b, dir, way.end)
			if err != nil {
				return nil, err
			}
			*way.into = append(*way.into, millis(took))
		}
	}
	return []figure{
		atMost("start to first durable reading", median(fresh), "ms", 300, "new store; median of %s", list(fresh)),
		atMost("  after a clean stop", median(stopped), "ms", 300, "median of %s", list(stopped)),
		atMost("  after a kill", median(killed), "ms", 300, "median of %s", list(killed)),
	}, nil
}

func stopIt(g *gatewayRun) error { return g.Stop() }
func killIt(g *gatewayRun) error { return g.Kill() }

// look is what was committed at a moment.
type look struct {
	at   time.Duration // since the start
	head agent.Position
}

func startOnce(ctx context.Context, b *bench, dir string, end func(*gatewayRun) error) (time.Duration, error) {
	began := time.Now()
	g, err := b.start(dir, setup{points: 100, every: "1s"})
	if err != nil {
		return 0, err
	}
	var looks []look
	awaitErr := lab.Await(ctx, "records", 10*time.Second, time.Millisecond, func() bool {
		s, err := g.status(ctx)
		if err == nil && s.Store.Last > 0 {
			looks = append(looks, look{time.Since(began), agent.Position{Epoch: s.Store.Epoch, Seq: s.Store.Last}})
		}
		return time.Since(began) > time.Second
	})
	if err := errors.Join(awaitErr, end(g)); err != nil {
		return 0, err
	}
	first, err := firstReading(ctx, filepath.Join(dir, "store"), began)
	if err != nil {
		return 0, err
	}
	for _, l := range looks {
		if l.head.Epoch == first.Epoch && l.head.Seq >= first.Seq {
			return l.at, nil
		}
	}
	return 0, errors.New("bench: no reading was seen durable within a second")
}

// firstReading is the position of the first reading that was taken from a moment on.
func firstReading(ctx context.Context, dir string, from time.Time) (agent.Position, error) {
	db, err := store.OpenReadOnly(ctx, dir)
	if err != nil {
		return agent.Position{}, err
	}
	defer db.Close() //nolint:errcheck // it only read
	for p := (agent.Position{}); ; {
		records, err := db.After(ctx, p, 4096, agent.KindReadings)
		if err != nil {
			return p, err
		}
		if len(records) == 0 {
			return p, errors.New("bench: the store holds no reading of this start")
		}
		for i := range records {
			if !records[i].Reading.At.Wall.Before(from.Truncate(time.Millisecond)) {
				return records[i].Position, nil
			}
		}
		p = records[len(records)-1].Position
	}
}

// measureSize looks at the binary that everything else was measured with.
func measureSize(_ context.Context, b *bench) ([]figure, error) {
	info, err := os.Stat(b.binary)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return []figure{atMost("static binary, stripped", float64(info.Size())/1e6, "MB", 20, "%s", filepath.Base(b.binary))}, nil
}
