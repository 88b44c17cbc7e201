package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/internal/lab"
	"github.com/frostline/frostline/internal/peers"
)

// measureDrain lets a gateway find its broker again with a million records waiting.
func measureDrain(ctx context.Context, b *bench) ([]figure, error) {
	n := pick(b, 1_000_000, 200_000)
	stored, err := b.place("backlog")
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, stored, n); err != nil {
		return nil, err
	}
	plain, err := drains(ctx, b, stored, "plain", n)
	if err != nil {
		return nil, err
	}
	compact, err := drains(ctx, b, stored, "compact", n)
	if err != nil {
		return nil, err
	}
	return []figure{
		atLeast(fmt.Sprintf("drain to Mosquitto of %d records", n), median(plain.rate), "records/s", 150_000,
			"MQTT plain, the default; median of %s", list(plain.rate)),
		atMost("  disk written per record", median(plain.disk), "B", 20, "up to the end of the process"),
		atMost("  anonymous memory at most, while it drains", mebi(plain.peak), "MiB", 18, "%.1f MiB before the broker was there", mebi(plain.before)),
		aside("  the same, MQTT compact", median(compact.rate), "records/s", "median of %s; %.2f B disk, %.1f MiB, %.1f before",
			list(compact.rate), median(compact.disk), mebi(compact.peak), mebi(compact.before)),
	}, nil
}

// drained is what a few drains took.
type drained struct {
	rate         []float64 // records per second
	disk         []float64 // bytes per record
	before, peak int64     // anonymous memory, the most of all
}

func drains(ctx context.Context, b *bench, stored, encoding string, n int) (drained, error) {
	var d drained
	for i := range 3 {
		dir, err := b.place(fmt.Sprintf("drain-%s-%d", encoding, i))
		if err != nil {
			return d, err
		}
		if err := copyDir(stored, filepath.Join(dir, "store")); err != nil {
			return d, err
		}
		if err := d.drain(ctx, b, dir, encoding, n); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *drained) drain(ctx context.Context, b *bench, dir, encoding string, n int) error {
	m, err := broker(dir)
	if err != nil {
		return err
	}
	defer m.Stop()
	m.Stop() // the outage
	var g *gatewayRun
	var before lab.Usage
	err = b.with(ctx, dir, setup{points: seriesInBacklog, every: "1s", broker: m.Addr(), encoding: encoding}, func(run *gatewayRun) error {
		g = run
		if err := lab.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		var err error
		if before, err = g.Usage(); err != nil {
			return err
		}
		if err := m.Launch(); err != nil {
			return err
		}
		rate, peak, err := g.watchDrain(ctx)
		d.rate, d.peak, d.before = append(d.rate, rate), max(d.peak, peak), max(d.before, before.Anon)
		return err
	})
	if err != nil {
		return err
	}
	total, err := g.Written()
	d.disk = append(d.disk, per(total-before.Written, int64(n)))
	return err
}

// watchDrain waits for the first record to be taken and then until next to nothing waits. The
// gateway goes on measuring meanwhile, so a few records always do.
func (g *gatewayRun) watchDrain(ctx context.Context) (rate float64, peak int64, err error) {
	const few = 500
	var began, ended time.Time
	var first, last int64
	err = lab.Await(ctx, "the backlog to be taken", 10*time.Minute, 20*time.Millisecond, func() bool {
		if used, err := g.Usage(); err == nil {
			peak = max(peak, used.Anon)
		}
		u, err := g.far(ctx)
		if err != nil {
			return false
		}
		last, ended = u.Taken, time.Now()
		if u.Taken == 0 || began.IsZero() {
			began, first = ended, u.Taken
		}
		return u.Taken > 0 && u.Waiting < few
	})
	return float64(last-first) / ended.Sub(began).Seconds(), peak, err
}

// measureWire counts the bytes on the socket, both ways, of the compact encoding.
func measureWire(ctx context.Context, b *bench) ([]figure, error) {
	live, err := wireLive(ctx, b, "compact")
	if err != nil {
		return nil, err
	}
	n := pick(b, 1_000_000, 200_000)
	backlog, err := wireBacklog(ctx, b, "compact", n)
	if err != nil {
		return nil, err
	}
	plain, err := wireLive(ctx, b, "plain")
	if err != nil {
		return nil, err
	}
	return []figure{
		atMost("wire per reading, MQTT compact, live batch, 100/s", live, "B", 20, "both ways with acknowledgements, status and pings"),
		atMost("wire per reading, MQTT compact, backlog", backlog, "B", 4, "%d records, both ways, with the connection's beginning", n),
		aside("  live, MQTT plain", plain, "B", ""),
	}, nil
}

// counted is a relay in front of a broker that counts every byte.
type counted struct {
	*peers.Proxy
	bytes atomic.Int64
}

func count(target string) (*counted, error) {
	p, err := peers.Relay(target)
	if err != nil {
		return nil, err
	}
	c := &counted{Proxy: p}
	look := func(chunk []byte) ([]byte, error) {
		c.bytes.Add(int64(len(chunk)))
		return chunk, nil
	}
	p.Up, p.Down = look, look
	return c, nil
}

func wireLive(ctx context.Context, b *bench, encoding string) (float64, error) {
	dir, err := b.place("wire-live-" + encoding)
	if err != nil {
		return 0, err
	}
	m, err := broker(dir)
	if err != nil {
		return 0, err
	}
	defer m.Stop()
	relay, err := count(m.Addr())
	if err != nil {
		return 0, err
	}
	defer relay.Close()
	var bytes, taken int64
	err = b.with(ctx, dir, setup{points: 100, every: "1s", broker: relay.Addr(), encoding: encoding}, func(g *gatewayRun) error {
		if err := g.delivering(ctx); err != nil {
			return err
		}
		if err := lab.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		u, err := g.far(ctx)
		if err != nil {
			return err
		}
		bytes, taken = relay.bytes.Load(), u.Taken
		if err := lab.Sleep(ctx, pick(b, 60*time.Second, 15*time.Second)); err != nil {
			return err
		}
		u, err = g.far(ctx)
		bytes, taken = relay.bytes.Load()-bytes, u.Taken-taken
		return err
	})
	return per(bytes, taken), err
}

func wireBacklog(ctx context.Context, b *bench, encoding string, n int) (float64, error) {
	dir, err := b.place("wire-backlog-" + encoding)
	if err != nil {
		return 0, err
	}
	if err := fill(ctx, filepath.Join(dir, "store"), n); err != nil {
		return 0, err
	}
	m, err := broker(dir)
	if err != nil {
		return 0, err
	}
	defer m.Stop()
	relay, err := count(m.Addr())
	if err != nil {
		return 0, err
	}
	defer relay.Close()
	var bytes, taken int64
	err = b.with(ctx, dir, setup{points: seriesInBacklog, every: "1s", broker: relay.Addr(), encoding: encoding}, func(g *gatewayRun) error {
		if _, _, err := g.watchDrain(ctx); err != nil {
			return err
		}
		u, err := g.far(ctx)
		bytes, taken = relay.bytes.Load(), u.Taken
		return err
	})
	return per(bytes, taken), err
}
