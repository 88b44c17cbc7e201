package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/frostline/frostline/internal/lab"
)

// measureMemory looks at resident memory once a second and keeps the largest.
func measureMemory(ctx context.Context, b *bench) ([]figure, error) {
	dir, err := b.place("memory-steady")
	if err != nil {
		return nil, err
	}
	m, err := broker(dir)
	if err != nil {
		return nil, err
	}
	defer m.Stop()
	var steady lab.Usage
	err = b.with(ctx, dir, setup{points: 100, every: "1s", broker: m.Addr()}, func(g *gatewayRun) error {
		if err := g.delivering(ctx); err != nil {
			return err
		}
		if err := lab.Sleep(ctx, pick(b, 30*time.Second, 5*time.Second)); err != nil {
			return err
		}
		steady, err = g.most(ctx, pick(b, 60*time.Second, 10*time.Second))
		return err
	})
	if err != nil {
		return nil, err
	}
	n := pick(b, 10_000_000, 1_000_000)
	waiting, draining, err := memoryOfBacklog(ctx, b, n)
	if err != nil {
		return nil, err
	}
	return []figure{
		atMost("anonymous resident memory, steady", mebi(steady.Anon), "MiB", 12, "total RSS %.1f MiB; 100 readings/s delivered", mebi(steady.RSS)),
		atMost(fmt.Sprintf("anonymous resident memory, backlog of %d", n), mebi(max(waiting.Anon, draining.Anon)), "MiB", 18,
			"total RSS %.1f MiB; %.1f MiB anonymous while it waits, %.1f while it drains",
			mebi(max(waiting.RSS, draining.RSS)), mebi(waiting.Anon), mebi(draining.Anon)),
	}, nil
}

// memoryOfBacklog looks at a gateway with n records waiting, from its start: first without
// a broker, then while it drains.
func memoryOfBacklog(ctx context.Context, b *bench, n int) (waiting, draining lab.Usage, err error) {
	dir, err := b.place("memory-backlog")
	if err != nil {
		return waiting, draining, err
	}
	if err := fill(ctx, filepath.Join(dir, "store"), n); err != nil {
		return waiting, draining, err
	}
	m, err := broker(dir)
	if err != nil {
		return waiting, draining, err
	}
	defer m.Stop()
	m.Stop() // the outage
	err = b.with(ctx, dir, setup{points: seriesInBacklog, every: "1s", broker: m.Addr()}, func(g *gatewayRun) error {
		var err error
		if waiting, err = g.most(ctx, pick(b, 30*time.Second, 5*time.Second)); err != nil {
			return err
		}
		if err := m.Launch(); err != nil {
			return err
		}
		if err := g.delivering(ctx); err != nil {
			return err
		}
		draining, err = g.most(ctx, pick(b, 45*time.Second, 5*time.Second))
		return err
	})
	return waiting, draining, err
}

// most is the largest of each that was seen in a time.
func (g *gatewayRun) most(ctx context.Context, within time.Duration) (lab.Usage, error) {
	var most lab.Usage
	for end := time.Now().Add(within); time.Now().Before(end); {
		u, err := g.Usage()
		if err != nil {
			return most, err
		}
		most.Anon, most.RSS = max(most.Anon, u.Anon), max(most.RSS, u.RSS)
		if err := lab.Sleep(ctx, 250*time.Millisecond); err != nil {
			return most, err
		}
	}
	return most, nil
}
