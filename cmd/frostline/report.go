package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	reports "github.com/frostline/frostline/agent/report"
	"github.com/frostline/frostline/agent/store"
)

func reportCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "report", Short: "Report on a room or a trip: verdict, figures, excursions, gaps, instruments, alarms", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(reportZoneCommand(), reportTripCommand())
	return cmd
}

// reporting is what the flags of `report` say.
type reporting struct {
	target
	from, to string
	csv      bool
	file     string
	now      func() agent.Instant
}

const reportAbout = "Every figure is reckoned from the records themselves; none is taken from a summary. The limits are those of the config\n" +
	"as it is now. A limit that gaps could hide is \"incomplete\", not passed. The exit code is 0 whatever the verdict is.\n\n" +
	"Times are the site's: 2026-03-01T06:30:00+08:00, 2026-03-01T06:30, 2026-03-01, today, yesterday, now, -24h, -7d. A day as\n" +
	"--to means to its end. See docs/reports.md."

func (r *reporting) add(cmd *cobra.Command) *cobra.Command {
	r.now = clock.NewSystem(buildDate()).Now
	r.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&r.from, "from", "", "begin of the time (default: the oldest record)")
	f.StringVar(&r.to, "to", "", "end of the time (default: the newest record)")
	f.BoolVar(&r.csv, "csv", false, "print one table, for spreadsheets")
	f.StringVarP(&r.file, "output", "o", "", "write into this `FILE` instead of standard output")
	return cmd
}

func reportZoneCommand() *cobra.Command {
	var r reporting
	return r.add(&cobra.Command{
		Use: "zone ZONE", Short: "Report on a room", Args: exactArgs(1, "which zone? say its id"),
		Long:    "What a room went through, and whether its limits were kept.\n\n" + reportAbout,
		Example: "  frostline report zone cold-room-1 --from yesterday --to yesterday\n  frostline report zone cold-room-1 --from 2026-03-01 --to 2026-03-31 --csv -o march.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.run(cmd, func(q *inquiry) (*document, error) { return q.zone(cmd.Context(), agent.ZoneID(args[0])) })
		},
	})
}

func reportTripCommand() *cobra.Command {
	var r reporting
	return r.add(&cobra.Command{
		Use: "trip [ID|last]", Short: "Report on a trip", Args: mostArgs(1, "one ID is enough; last or nothing is the newest trip"),
		Long: "What a trip went through, in each compartment, and whether the limits of its profiles were kept. --from and --to choose\n" +
			"among trips by when they were open; the report is always of the whole trip.\n\n" + reportAbout,
		Example: "  frostline report trip\n  frostline report trip truck-7-20260302t120000z-17 --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			id := "last"
			if len(args) == 1 {
				id = args[0]
			}
			return r.run(cmd, func(q *inquiry) (*document, error) { return q.trip(cmd.Context(), id) })
		},
	})
}

// document is a report with what it is a report of.
type document struct {
	Kind     string          `json:"report"` // zone or trip
	Site     agent.SiteID    `json:"site"`
	Gateway  agent.GatewayID `json:"gateway"`
	Timezone string          `json:"timezone"`
	Made     time.Time       `json:"made,omitzero"`
	Version  string          `json:"version"`
	Notes    []string        `json:"notes"` // what has to be known of the limits
	*reports.Report

	loc    *time.Location
	titles map[agent.ZoneID]string // of the zones' profiles
}

func (r *reporting) run(cmd *cobra.Command, make func(*inquiry) (*document, error)) error {
	if r.csv && r.json {
		return usagef("--csv or --json, not both")
	}
	cfg, err := r.load()
	if err != nil {
		return err
	}
	if r.dir != "" {
		cfg.Store.Dir = r.dir
	}
	within, err := parsePeriod(r.from, r.to, r.now().Wall, cfg.Location)
	if err != nil {
		return err
	}
	reader, err := r.open(cmd, cfg)
	if err != nil {
		return err
	}
	defer reader.Close() //nolint:errcheck // it only read
	q := &inquiry{cfg: cfg, store: reader, within: within, limits: newReportLimits(cfg, r.config)}
	doc, err := make(q)
	if err != nil {
		return err
	}
	doc.Site, doc.Gateway, doc.Timezone, doc.Made, doc.Version = cfg.Site, cfg.Gateway, cfg.Timezone, r.now().Wall.UTC(), version
	doc.loc, doc.Notes = cfg.Location, append([]string{}, q.limits.notes...)
	return r.print(cmd, doc)
}

// open opens the store for reading, beside a running agent too; without one it says so.
func (r *reporting) open(cmd *cobra.Command, cfg *config.Config) (*store.Reader, error) {
	var s control.Status
	unreachable := control.NewClient(cfg.Store.Dir).Get(cmd.Context(), "status", &s)
	if errors.Is(unreachable, control.ErrNotPermitted) {
		return nil, unreachable
	}
	reader, err := store.OpenReadOnly(cmd.Context(), cfg.Store.Dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no store in %s to report from: is this the right config?", cfg.Store.Dir)
	case err != nil:
		return nil, err
	case errors.Is(unreachable, control.ErrUnreachable):
		fmt.Fprintln(cmd.ErrOrStderr(), notRunning)
	}
	return reader, nil
}

// print writes the report, to a file only as a whole.
func (r *reporting) print(cmd *cobra.Command, doc *document) error {
	render := func(w io.Writer) error { return renderReportPage(w, doc, styleOf(w)) }
	switch {
	case r.json:
		render = func(w io.Writer) error { return printJSON(w, doc) }
	case r.csv:
		render = doc.WriteCSV
	}
	if r.file == "" {
		return render(cmd.OutOrStdout())
	}
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return err
	}
	if err := os.WriteFile(r.file, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%s: verdict %s\n", r.file, doc.Verdict)
	return err
}
