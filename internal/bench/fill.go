package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sensors/synthetic"
)

// seriesInBacklog is how many points the readings of a generated store belong to; as many
// are in each commit, one reading a second each, as after an outage of a gateway that
// commits every second.
const seriesInBacklog = 100

// fill makes a store of n readings in dir, which the gateway of a setup with as many points
// takes for its own: untaken, of an earlier boot. It is made in memory where that is
// possible and copied then, since a hundred thousand commits to a disk take minutes.
func fill(ctx context.Context, dir string, n int) error {
	memory, err := os.MkdirTemp("/dev/shm", "frostline-bench-")
	if err != nil {
		return generate(ctx, dir, n)
	}
	defer os.RemoveAll(memory) //nolint:errcheck // it is memory
	if err := generate(ctx, memory, n); err != nil {
		return err
	}
	return copyDir(memory, dir)
}

// generate writes the readings through the store itself, commit by commit.
func generate(ctx context.Context, dir string, n int) (err error) {
	sensor, err := synthetic.Driver.Open(ctx, nil, &synthetic.Config{Points: seriesInBacklog, Seed: 1})
	if err != nil {
		return fmt.Errorf("bench: fill a store: %w", err)
	}
	defer func() { err = errors.Join(err, sensor.Close()) }()
	boot := clock.NewBootID()
	commits := n / seriesInBacklog
	began := time.Now().Add(-time.Duration(commits) * time.Second).Truncate(time.Millisecond)
	now := agent.Instant{Wall: began.UTC(), Mono: time.Hour, Boot: boot, Trust: agent.ClockSynced}
	db, err := store.Open(ctx, store.Options{
		Dir: dir, CommitWithin: time.Microsecond, Now: func() agent.Instant { return now },
		MachineID: machineID(), Version: "bench", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fmt.Errorf("bench: fill a store: %w", err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- db.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	defs := definitions()
	db.Define(defs)
	if err := db.Append(nil, store.Urgent()).Wait(ctx); err != nil {
		return fmt.Errorf("bench: fill a store: %w", err)
	}
	readings := make([]agent.Record, len(defs))
	for i := range commits {
		samples, err := sensor.Read(ctx, nil)
		if err != nil {
			return fmt.Errorf("bench: fill a store: %w", err)
		}
		at := now.Add(time.Duration(i) * time.Second)
		for p := range samples {
			v := samples[p].Value
			readings[p] = agent.OfReading(agent.Reading{Def: defs[p].ID, At: at, Value: v, Raw: v})
		}
		if err := db.Append(readings).Wait(ctx); err != nil {
			return fmt.Errorf("bench: fill a store: %w", err)
		}
	}
	return nil
}

// definitions are what the config of a setup with seriesInBacklog points defines.
func definitions() []agent.Definition {
	specs := synthetic.Driver.Points(&synthetic.Config{Points: seriesInBacklog})
	defs := make([]agent.Definition, len(specs))
	for i, s := range specs {
		defs[i] = agent.Definition{
			Point: agent.SensorID("syn").Point(s.Name), Quantity: s.Quantity, Zone: "hall", Role: agent.RoleAir, Driver: "synthetic",
		}.Identified()
	}
	return defs
}

// machineID is as the agent reads it: a store of another machine would begin a new epoch.
func machineID() string {
	text, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// copyDir copies the files of a directory and syncs them, so that nobody measures our writing.
func copyDir(from, to string) error {
	if err := os.MkdirAll(to, 0o750); err != nil {
		return fmt.Errorf("bench: copy a store: %w", err)
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("bench: copy a store: %w", err)
	}
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		if err := copyFile(filepath.Join(from, f.Name()), filepath.Join(to, f.Name())); err != nil {
			return fmt.Errorf("bench: copy a store: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // it was only read
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	return dst.Sync()
}
