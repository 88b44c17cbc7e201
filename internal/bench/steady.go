package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/lab"
)

// measureDisk counts what a steady gateway writes: 100 readings a second, everything
// delivered. It counts until the process has ended, so the WAL that a checkpoint has yet to
// bring home, the state of the rules and the cursors are all in it.
func measureDisk(ctx context.Context, b *bench) ([]figure, error) {
	dir, err := b.place("disk")
	if err != nil {
		return nil, err
	}
	m, err := broker(dir)
	if err != nil {
		return nil, err
	}
	defer m.Stop()
	var from time.Time
	var before, during lab.Usage
	var g *gatewayRun
	window := pick(b, 3*time.Minute, 30*time.Second)
	err = b.with(ctx, dir, setup{points: 100, every: "1s", broker: m.Addr()}, func(run *gatewayRun) error {
		g = run
		if err := g.delivering(ctx); err != nil {
			return err
		}
		if err := lab.Sleep(ctx, pick(b, 15*time.Second, 5*time.Second)); err != nil {
			return err
		}
		var err error
		from = time.Now()
		if before, err = g.Usage(); err != nil {
			return err
		}
		if err := lab.Sleep(ctx, window); err != nil {
			return err
		}
		during, err = g.Usage()
		return err
	})
	if err != nil {
		return nil, err
	}
	total, err := g.Written()
	if err != nil {
		return nil, err
	}
	readings, err := readingsSince(ctx, dir, from)
	if err != nil {
		return nil, err
	}
	if before.Written == 0 && total == 0 {
		return nil, fmt.Errorf("bench: %s is not on a disk: the kernel counted no byte written", dir)
	}
	return []figure{atMost("disk written per reading, 100/s, commit_within 1s", per(total-before.Written, readings), "B", 150,
		"%d readings in %v, up to the end of the process; %.0f B in the window alone", readings, window,
		per(during.Written-before.Written, int64(window/time.Second)*100))}, nil
}

// readingsSince counts the readings of a stopped gateway that were taken from a moment on.
func readingsSince(ctx context.Context, dir string, from time.Time) (int64, error) {
	db, err := store.OpenReadOnly(ctx, filepath.Join(dir, "store"))
	if err != nil {
		return 0, err
	}
	defer db.Close() //nolint:errcheck // it only read
	n := int64(0)
	for p := (agent.Position{}); ; {
		records, err := db.After(ctx, p, 4096, agent.KindReadings)
		if err != nil || len(records) == 0 {
			return n, err
		}
		for i := range records {
			if !records[i].Reading.At.Wall.Before(from) {
				n++
			}
		}
		p = records[len(records)-1].Position
	}
}

// measureCPU counts the processor time of a gateway that takes 2 000 readings a second
// from its sensors to the broker, without its start. Read ten times a second, as fast as a
// config may ask, the wake-ups cost as much as the readings.
func measureCPU(ctx context.Context, b *bench) ([]figure, error) {
	var runs [3][]float64
	for i, s := range []setup{
		{points: 200, every: "100ms"},
		{points: 200, every: "100ms", encoding: "compact"},
		{points: 2000, every: "1s"},
	} {
		var err error
		if runs[i], err = cpuPerReading(ctx, b, fmt.Sprintf("cpu-%d", i), s); err != nil {
			return nil, err
		}
	}
	return []figure{
		atMost("CPU per reading, source to taken, 2 000/s durable", median(runs[0]), "µs", 8,
			"200 points every 100 ms, MQTT plain; median of %s", list(runs[0])),
		aside("  the same, MQTT compact", median(runs[1]), "µs", "median of %s", list(runs[1])),
		aside("  2 000 points every second, MQTT plain", median(runs[2]), "µs", "median of %s", list(runs[2])),
	}, nil
}

func cpuPerReading(ctx context.Context, b *bench, name string, s setup) ([]float64, error) {
	dir, err := b.place(name)
	if err != nil {
		return nil, err
	}
	m, err := broker(dir)
	if err != nil {
		return nil, err
	}
	defer m.Stop()
	s.broker = m.Addr()
	var runs []float64
	err = b.with(ctx, dir, s, func(g *gatewayRun) error {
		if err := g.delivering(ctx); err != nil {
			return err
		}
		if err := lab.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		for range 3 {
			taken, cpu, err := g.spent(ctx)
			if err != nil {
				return err
			}
			if err := lab.Sleep(ctx, pick(b, 20*time.Second, 5*time.Second)); err != nil {
				return err
			}
			taken2, cpu2, err := g.spent(ctx)
			if err != nil {
				return err
			}
			runs = append(runs, per(cpu2-cpu, taken2-taken)/float64(time.Microsecond))
		}
		return nil
	})
	return runs, err
}

// spent is how many records were taken, and the processor time until then.
func (g *gatewayRun) spent(ctx context.Context) (taken int64, cpu time.Duration, err error) {
	u, err := g.far(ctx)
	if err != nil {
		return 0, 0, err
	}
	used, err := g.Usage()
	return u.Taken, used.CPU, err
}

func list(values []float64) string {
	text := ""
	for i, v := range values {
		if i > 0 {
			text += ", "
		}
		text += number(v)
	}
	return text
}
