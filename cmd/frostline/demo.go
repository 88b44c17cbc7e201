package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sensors/emulated"
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
		Example: "  frostline demo\n  frostline demo --for 30s --speed 120 --json\n  frostline demo --scenario truck --speed 300",
		Long: "Run the whole agent on emulated hardware, with an MQTT broker and the reference receiver as its far side.\n" +
			"Doors open, pallets are scanned, a freezer defrosts, a compressor dies, a probe is unplugged, and the link goes\n" +
			"and comes back. Sampling, physics and rules run at --speed; commits, deadlines and backoff stay real.\n" +
			"Beyond 125 times the speed, sensors are read less often, since reading takes its time.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.Float64Var(&d.speed, "speed", 60, "how many times faster than real the morning passes (1 to 3600)")
	f.DurationVar(&d.lasts, "for", 0, "end after this time, by your watch (default: when you stop it)")
	f.Int64Var(&d.seed, "seed", 1, "the same seed gives the same morning again")
	f.StringVar(&d.scenario, "scenario", "warehouse-morning", "what happens: "+strings.Join(emulated.Names(), ", ")+", or a YAML file with the buses of one of them")
	_ = cmd.RegisterFlagCompletionFunc("scenario", cobra.FixedCompletions(emulated.Names(), cobra.ShellCompDirectiveDefault)) // the flag is there
	f.StringVar(&d.dir, "dir", "", "keep store and received records in this directory, and go on there next time (default: a temporary one)")
	f.BoolVar(&d.json, "json", false, "print the summary as one JSON object, the last line on standard output")
	f.BoolVar(&d.verbose, "verbose", false, "print the agent's journal to standard error, and plain lines")
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

	linkDown bool // when it ended
}

func (d *demo) run(ctx context.Context, out, errs io.Writer) error {
	switch {
	case !(d.speed >= 1 && d.speed <= 3600):
		return usagef("--speed %v: want 1 to 3600", d.speed)
	case d.lasts < 0:
		return usagef("--for %v: want a time such as 30s, or 0 to go on until Ctrl-C", d.lasts)
	}
	scenario, err := emulated.Load(d.scenario)
	if err != nil {
		return usage(fmt.Errorf("--scenario: %w", err))
	}
	// A terminal that is closed or a reader that is gone is a stop like any other.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	dir, clean, err := d.directory()
	if err != nil {
		return err
	}
	defer clean()
	s, err := d.stage(ctx, scenario, dir, out, errs)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if d.json {
		return json.NewEncoder(out).Encode(s)
	}
	return d.tell(out, s, dir)
}

// tell prints the summary for people.
func (d *demo) tell(out io.Writer, s summary, dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s passed, %g times faster than real.\n\n", time.Duration(s.Simulated*float64(time.Second)).Round(time.Second), d.speed)
	for _, line := range []struct {
		name  string
		count int64
		what  string
	}{
		{"measured", s.Measured, "readings, failed ones included"},
		{"stored", s.Stored, "records: readings, scans, alarms, stock, events"},
		{"delivered", s.Delivered, "records at the far side"},
		{"waiting", s.Waiting, "records not yet taken"},
		{"lost", s.Lost, "records taken that are not at the far side"},
		{"doubled", s.Doubled, "records there twice, with different contents"},
		{"alarms", s.Alarms, "alarms raised"},
	} {
		fmt.Fprintf(&b, "  %-10s %8d  %s\n", line.name, line.count, line.what)
	}
	if s.Waiting > 0 && s.linkDown {
		b.WriteString("\nRecords wait because the demo ended within the outage of its script. They are not lost: a gateway delivers them once the network is back.\n")
	}
	if d.dir != "" {
		fmt.Fprintf(&b, "\nThe store is in %s, what was received in %s.\n", filepath.Join(dir, "store"), filepath.Join(dir, "received"))
	}
	_, err := io.WriteString(out, b.String())
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
func (d *demo) stage(ctx context.Context, scenario emulated.Scenario, dir string, out, errs io.Writer) (summary, error) {
	log := slog.New(slog.DiscardHandler)
	if d.verbose {
		log = slog.New(slog.NewTextHandler(errs, nil))
	}
	far, err := newFarSide(filepath.Join(dir, "received"), log)
	if err != nil {
		return summary{}, err
	}
	defer far.stop()
	cfg, err := d.config(scenario, dir, far.link.addr())
	if err != nil {
		return summary{}, err
	}
	before, err := count(ctx, cfg, far)
	if err != nil {
		return summary{}, err
	}
	head, newest, err := headOf(ctx, cfg.Store.Dir)
	if err != nil {
		return summary{}, err
	}
	clk := d.clockFrom(scenario, cfg.Location, newest)
	screen := newScreen(d, scenario, cfg, far, clk, out, errs)
	screen.at = head
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
	began := clk.Now()
	ended, err := d.play(ctx, a, screen, clk)
	if err != nil {
		return summary{}, err
	}
	after, err := settled(context.WithoutCancel(ctx), cfg, far)
	if err != nil {
		return summary{}, err
	}
	simulated, _ := ended.Sub(began)
	s := summary{
		Stored: after.stored - before.stored, Delivered: after.delivered - before.delivered,
		Waiting: after.waiting, Lost: after.lost, Doubled: after.doubled, Speed: d.speed, Simulated: simulated.Seconds(),
		linkDown: far.link.isDown(),
	}
	s.Measured, s.Alarms = a.Counts()
	return s, nil
}

// play runs and shows the agent until ctx is done or the time is over, and returns when
// that was.
func (d *demo) play(ctx context.Context, a *daemon.Agent, screen *screen, clk clock.Clock) (agent.Instant, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.lasts > 0 {
		ctx, cancel = context.WithTimeout(ctx, d.lasts)
		defer cancel()
	}
	shown := make(chan agent.Instant, 1)
	go func() {
		screen.run(ctx, a)
		shown <- clk.Now()
	}()
	err := a.Run(ctx)
	cancel()
	return <-shown, err
}

// clockFrom begins today at the scenario's hour, or later if the store already holds later records.
func (d *demo) clockFrom(s emulated.Scenario, site *time.Location, newest time.Time) *clock.Scaled {
	today := clock.NewSystem(buildDate()).Now().Wall.In(site)
	start := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, site).Add(time.Duration(s.Clock))
	if !newest.Before(start) {
		start = newest.Add(time.Minute)
	}
	return clock.NewScaled(start, d.speed)
}

// headOf is the newest position and time of a store; zero where there is none yet.
func headOf(ctx context.Context, dir string) (agent.Position, time.Time, error) {
	r, err := store.OpenReadOnly(ctx, dir)
	if errors.Is(err, os.ErrNotExist) {
		return agent.Position{}, time.Time{}, nil
	}
	if err != nil {
		return agent.Position{}, time.Time{}, err
	}
	defer r.Close()
	stat, err := r.Stat(ctx)
	return r.Head(), stat.NewestTime, err
}
