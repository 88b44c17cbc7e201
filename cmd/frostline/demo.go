package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/configs"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sensors/emulated"
	"github.com/frostline/frostline/sync/mqtt"
	"github.com/frostline/frostline/sync/receive"
	"github.com/frostline/frostline/sync/wire"
)

// demo is what the flags of `demo` say.
type demo struct {
	speed    float64
	lasts    time.Duration
	seed     int64
	scenario string
	dir      string
	json     bool
	verbose  bool
}

func demoCommand() *cobra.Command {
	var d demo
	cmd := &cobra.Command{
		Use: "demo", Short: "Show a morning in a warehouse, with nothing else installed", Args: noArgs,
		Long: "Run the whole agent on emulated hardware, with an MQTT broker and the reference receiver as its far side.\n" +
			"Doors open, pallets are scanned, a freezer defrosts, a compressor dies, a probe is unplugged, and the link goes\n" +
			"and comes back. Sampling, physics and rules run at --speed; commits, deadlines and backoff stay real.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.Float64Var(&d.speed, "speed", 60, "how many times faster than real the morning passes (1 to 3600)")
	f.DurationVar(&d.lasts, "for", 0, "end after this time, by your watch (0: when you stop it)")
	f.Int64Var(&d.seed, "seed", 1, "the same seed gives the same morning again")
	f.StringVar(&d.scenario, "scenario", "warehouse-morning", "what happens: a built-in scenario or a YAML file with the same buses")
	f.StringVar(&d.dir, "dir", "", "keep store and received records in this directory (default: a temporary one)")
	f.BoolVar(&d.json, "json", false, "print the summary as one JSON object, the last line on standard output")
	f.BoolVar(&d.verbose, "verbose", false, "print the agent's journal to standard error")
	return cmd
}

// summary is what the demo counted. Positions are (epoch, seq).
type summary struct {
	Measured  int64   `json:"measured"`  // readings, faults included
	Stored    int64   `json:"stored"`    // records committed
	Delivered int64   `json:"delivered"` // distinct positions at the far side
	Waiting   int64   `json:"waiting"`   // not yet taken
	Lost      int64   `json:"lost"`      // taken, but absent at the far side
	Doubled   int64   `json:"doubled"`   // one position with two contents
	Alarms    int64   `json:"alarms"`    // raised
	Speed     float64 `json:"speed"`
	Simulated float64 `json:"simulated_s"`
}

func (d *demo) run(ctx context.Context, out, errs io.Writer) error {
	switch {
	case d.speed < 1 || d.speed > 3600:
		return usagef("--speed %v: want 1 to 3600", d.speed)
	case d.lasts < 0:
		return usagef("--for %v: want a time, or 0", d.lasts)
	}
	dir, clean, err := d.directory()
	if err != nil {
		return err
	}
	defer clean()
	if d.lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.lasts)
		defer cancel()
	}
	s, err := d.stage(ctx, dir, out, errs)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if d.json {
		return json.NewEncoder(out).Encode(s)
	}
	_, err = fmt.Fprintf(out, "\nIn %s of simulated time: %d readings measured, %d records stored, %d delivered, %d waiting, %d lost, %d doubled, %d alarms raised.\n",
		time.Duration(s.Simulated*float64(time.Second)).Round(time.Second), s.Measured, s.Stored, s.Delivered, s.Waiting, s.Lost, s.Doubled, s.Alarms)
	if err == nil && d.dir != "" {
		_, err = fmt.Fprintf(out, "The store is in %s, what was received in %s.\n", filepath.Join(dir, "store"), filepath.Join(dir, "received"))
	}
	return err
}

// directory is the one given, or a temporary one that goes at the end.
func (d *demo) directory() (dir string, clean func(), err error) {
	if d.dir != "" {
		dir, err = filepath.Abs(d.dir)
		return dir, func() {}, err
	}
	dir, err = os.MkdirTemp("", "frostline-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("demo: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// stage builds the far side, the link and the agent, runs them, and counts.
func (d *demo) stage(ctx context.Context, dir string, out, errs io.Writer) (summary, error) {
	log := slog.New(slog.DiscardHandler)
	if d.verbose {
		log = slog.New(slog.NewTextHandler(errs, nil))
	}
	far, err := newFarSide(filepath.Join(dir, "received"), log)
	if err != nil {
		return summary{}, err
	}
	defer far.stop()
	cfg, err := d.config(dir, far.link.addr())
	if err != nil {
		return summary{}, err
	}
	before, err := count(ctx, cfg, far)
	if err != nil {
		return summary{}, err
	}
	clk, err := d.clock(ctx, cfg)
	if err != nil {
		return summary{}, err
	}
	began := clk.Now()
	screen := newScreen(d, far, clk, cfg.Location, out, errs)
	a, err := daemon.New(ctx, daemon.Options{
		Config: cfg, Version: version, Built: buildDate(), Clock: clk, Log: log, Drain: 5 * time.Second,
		OnEmulated: func(e emulated.Event) {
			if e.Do == emulated.LinkDown {
				far.link.set(e.Begin)
			}
			screen.happened(e)
		},
	})
	if err != nil {
		return summary{}, err
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		screen.run(ctx, a)
	}()
	err = a.Run(ctx)
	<-shown
	simulated, _ := clk.Now().Sub(began)
	if err != nil {
		return summary{}, err
	}
	far.settle()
	after, err := count(context.WithoutCancel(ctx), cfg, far)
	if err != nil {
		return summary{}, err
	}
	s := summary{
		Stored: after.stored - before.stored, Delivered: after.delivered - before.delivered,
		Waiting: after.waiting, Lost: after.lost, Doubled: after.doubled, Speed: d.speed, Simulated: simulated.Seconds(),
	}
	s.Measured, s.Alarms = a.Counts()
	return s, nil
}

// clock begins today at the scenario's hour, or later if the store already holds later records.
func (d *demo) clock(ctx context.Context, cfg *config.Config) (*clock.Scaled, error) {
	s, err := emulated.Load(d.scenario)
	if err != nil {
		return nil, usage(err)
	}
	today := clock.NewSystem(buildDate()).Now().Wall.In(cfg.Location)
	start := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, cfg.Location).Add(time.Duration(s.Clock))
	if r, err := store.OpenReadOnly(ctx, cfg.Store.Dir); err == nil {
		defer r.Close()
		stat, err := r.Stat(ctx)
		if err != nil {
			return nil, err
		}
		if !stat.NewestTime.Before(start) {
			start = stat.NewestTime.Add(time.Minute)
		}
	}
	return clock.NewScaled(start, d.speed), nil
}
