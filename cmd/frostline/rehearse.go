package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/rehearse"
	"github.com/frostline/frostline/agent/store"
)

// rehearsal is what the flags of `rehearse` say.
type rehearsal struct {
	target
	from, to string
	inputs   []string
	other    string   // config to compare with
	tests    []string // expectation files
}

func rehearseCommand() *cobra.Command {
	var r rehearsal
	cmd := &cobra.Command{
		Use: "rehearse", Short: "Try the alarms of a config on history or a CSV file, touching nothing",
		Long: "Step the alarms of a config over what its store recorded, or over CSV files, and print every transition that\n" +
			"would have come, then how often each alarm was raised and for how long. Touches nothing: no hardware, no store,\n" +
			"no agent; the agent may run meanwhile. The exit code is 0 whatever is raised. See docs/rehearse.md.\n\n" +
			"A CSV file has a header: `time,point,value`, with times after RFC 3339 and an empty value and the reason in a\n" +
			"fourth column `fault` for a reading that failed; or `time,reader,code` for scans. An alarm may name a point that\n" +
			"only the file knows, such as probe/temperature. The whole input is one trip. A value holds until the point's\n" +
			"next row, at most three times the median spacing of its rows.\n\n" +
			"--compare shows what another config would change, alarm by alarm. --test runs files of expectations and ends\n" +
			"with exit code 1 if one is not met.\n\n" +
			"With --json there is one JSON object per line on standard output, and the summary on standard error.",
		Example: "  frostline rehearse -c frostline.yaml --from 2026-02-01T00:00:00+08:00\n" +
			"  frostline rehearse -c frostline.yaml --input logger.csv --compare tighter.yaml\n" +
			"  frostline rehearse -c frostline.yaml --test alarms/*.test.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(r.tests) > 0 {
				return nil // a shell writes --test a.yaml b.yaml for --test *.yaml
			}
			return noArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r.tests = append(r.tests, args...)
			return r.run(cmd)
		},
	}
	r.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&r.from, "from", "", "only what was recorded at this time or later (RFC 3339)")
	f.StringVar(&r.to, "to", "", "only what was recorded before this time (RFC 3339)")
	f.StringArrayVar(&r.inputs, "input", nil, "CSV `FILE` in place of the store; - is standard input; repeat for more")
	f.StringVar(&r.other, "compare", "", "show what this other config `FILE` would change")
	f.StringArrayVar(&r.tests, "test", nil, "run the expectations of this `FILE`; repeat for more")
	return cmd
}

func (r *rehearsal) run(cmd *cobra.Command) error {
	within, err := parseRange(r.from, r.to)
	if err != nil {
		return err
	}
	if !within.from.IsZero() && !within.to.IsZero() && !within.from.Before(within.to) {
		return usagef("--from %s is not before --to %s", r.from, r.to)
	}
	switch {
	case len(r.tests) > 0 && (len(r.inputs) > 0 || r.from != "" || r.to != "" || r.other != ""):
		return usagef("--test goes alone: each of its files names its input")
	case len(r.tests) > 0:
		return r.test(cmd)
	}
	on, err := r.material(cmd, within)
	if err != nil {
		return err
	}
	defer on.close()
	if r.other != "" {
		return r.compare(cmd, on)
	}
	return r.play(cmd, on)
}

// material is what the rules are tried on.
type material struct {
	recording *rehearse.Recording // CSV; nil for the store
	reader    *store.Reader
	within    timeRange
	history   *daemon.History // of the newest rows
}

func (m *material) close() {
	if m.reader != nil {
		_ = m.reader.Close() // it only read
	}
}

func (r *rehearsal) material(cmd *cobra.Command, within timeRange) (*material, error) {
	if len(r.inputs) > 0 {
		rec, err := readRecording(cmd, r.inputs)
		return &material{recording: rec, within: within}, err
	}
	dir, err := r.storeDir()
	if err != nil {
		return nil, err
	}
	reader, err := store.OpenReadOnly(cmd.Context(), dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no store in %s to read history from: is this the right config? A CSV file is --input FILE.csv", dir)
	}
	return &material{reader: reader, within: within}, err
}

// readRecording reads CSV files. What is wrong with them is a usage error.
func readRecording(cmd *cobra.Command, paths []string) (*rehearse.Recording, error) {
	if len(paths) > rehearse.MaxFiles {
		return nil, usagef("%d files are more than the %d that a recording can have", len(paths), rehearse.MaxFiles)
	}
	sources := make([]rehearse.Source, len(paths))
	for i, path := range paths {
		in, name, err := openInput(cmd, path)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		sources[i] = rehearse.Source{Name: name, Text: in}
	}
	rec, err := rehearse.Read(sources...)
	if err != nil {
		return nil, usage(err)
	}
	return rec, nil
}

// cast is a config ready to be tried on some material.
type cast struct {
	cfg     *config.Config
	rules   *rehearse.Rules
	rows    iter.Seq2[rehearse.Row, error]
	leftOut []agent.PointID // that the config has and the recording has not
	strange []agent.PointID // that the recording has and no alarm watches
}

// cast loads a config for the material.
func (m *material) cast(ctx context.Context, path, dir string) (*cast, error) {
	known := daemon.Known()
	if m.recording != nil {
		known.Recorded = m.recording.Points()
	}
	cfg, err := loadConfigWith(path, known)
	if err != nil {
		return nil, err
	}
	if dir != "" {
		cfg.Store.Dir = dir
	}
	c := &cast{cfg: cfg}
	if m.recording != nil {
		c.leftOut = asRecorded(cfg, m.recording)
	}
	if c.rules, err = daemon.Rehearsal(cfg); err != nil {
		return nil, usage(err)
	}
	if m.recording == nil {
		m.history = &daemon.History{Store: m.reader, From: m.within.from, To: m.within.to}
		c.rows = m.history.Rows(ctx)
		return c, nil
	}
	defs := daemon.Definitions(cfg)
	bound, err := m.recording.Bind(defs)
	if err != nil {
		return nil, usage(err)
	}
	c.rows = interruptible(ctx, bound.Rows(m.within.from, m.within.to))
	c.strange = bound.Unwatched(c.rules)
	return c, nil
}

// asRecorded makes the config's sensors those of the recording: each point with the interval
// at which it was recorded. Points that it does not have are left out, and returned, unless
// an alarm on another point looks at them: nothing was due there that did not come. So are
// points that only the recording has and that no alarm of the config is about.
func asRecorded(cfg *config.Config, rec *rehearse.Recording) (leftOut []agent.PointID) {
	every := rec.Every()
	needed, watched := map[agent.PointID]bool{}, map[agent.PointID]bool{}
	for i := range cfg.Alarms {
		a := &cfg.Alarms[i]
		for _, p := range a.Points {
			watched[p] = true
		}
		if n, ok := a.Settings.(interface{ Names() []agent.PointID }); ok {
			for _, p := range n.Names() {
				needed[p] = true
			}
		}
	}
	for _, z := range cfg.Zones {
		for _, s := range z.Suppress {
			watched[s.While] = true
		}
	}
	var sensors []config.Sensor
	for _, s := range cfg.Sensors {
		for _, p := range s.Points {
			id := s.ID.Point(p.Name)
			interval, recorded := every[id]
			switch {
			case needed[id]:
			case !recorded:
				leftOut = append(leftOut, id)
				continue
			case s.Driver == config.Recording && !watched[id]:
				continue
			}
			one := s
			one.Points = []config.Point{p}
			if interval > 0 || s.Driver == config.Recording {
				one.Every = interval
			}
			sensors = append(sensors, one)
		}
	}
	cfg.Sensors = sensors
	return leftOut
}

// interruptible ends rows with the context's error.
func interruptible(ctx context.Context, rows iter.Seq2[rehearse.Row, error]) iter.Seq2[rehearse.Row, error] {
	const often = 1 << 14
	return func(yield func(rehearse.Row, error) bool) {
		n := 0
		for row, err := range rows {
			if n++; n%often == 0 && ctx.Err() != nil {
				row, err = rehearse.Row{}, ctx.Err()
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// rehearsed is the summary with what the material's rows were like.
type rehearsed struct {
	rehearse.Summary
	OutOfOrder        int64           `json:"out_of_order"` // rows of a CSV that stood behind later ones; they were put in order
	SameTime          int64           `json:"same_time"`    // rows of a point at a time that it has a row of; both count
	SetAside          int64           `json:"set_aside"`    // records brought back from a damaged store, out of their order; left out
	UnwatchedPoints   []agent.PointID `json:"unwatched_points"`
	PointsNotRecorded []agent.PointID `json:"points_not_recorded"` // of the config; left out
}

func (m *material) rehearsed(c *cast, s *rehearse.Summary) *rehearsed {
	out := &rehearsed{Summary: *s, UnwatchedPoints: []agent.PointID{}, PointsNotRecorded: []agent.PointID{}}
	if m.recording != nil {
		out.OutOfOrder, out.SameTime = m.recording.OutOfOrder, m.recording.SameTime
		out.UnwatchedPoints = append(out.UnwatchedPoints, c.strange...)
		out.PointsNotRecorded = append(out.PointsNotRecorded, c.leftOut...)
		return out
	}
	out.SetAside = m.history.SetAside
	return out
}

// play prints every transition, and the summary.
func (r *rehearsal) play(cmd *cobra.Command, on *material) error {
	c, err := on.cast(cmd.Context(), r.config, r.dir)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
	table := newTransitionTable(out, c)
	took := table.row
	if r.json {
		took = lines(out)
	}
	s, err := c.rules.Run(c.rows, took)
	if err != nil {
		return errors.Join(err, out.Flush())
	}
	sum := on.rehearsed(c, &s)
	if r.json {
		if err := out.Flush(); err != nil {
			return err
		}
		return json.NewEncoder(cmd.ErrOrStderr()).Encode(sum)
	}
	if err := table.summary(sum); err != nil {
		return err
	}
	return out.Flush()
}

// lines writes transitions as JSON, one a line.
func lines(w io.Writer) func(*rehearse.Transition) error {
	e := json.NewEncoder(w)
	return func(t *rehearse.Transition) error { return e.Encode(t) }
}

// compare prints what another config would change, alarm by alarm.
func (r *rehearsal) compare(cmd *cobra.Command, on *material) error {
	var outcomes [2]rehearse.Outcome
	var sums [2]*rehearsed
	var first *cast
	for i, path := range []string{r.config, r.other} {
		c, err := on.cast(cmd.Context(), path, r.dir)
		if err != nil {
			return err
		}
		if first == nil {
			first = c
		}
		o := &outcomes[i]
		if o.Summary, err = c.rules.Run(c.rows, o.Take); err != nil {
			return err
		}
		sums[i] = on.rehearsed(c, &o.Summary)
	}
	differences := rehearse.Compare(&outcomes[0], &outcomes[1])
	if !r.json {
		return renderDifferences(cmd.OutOrStdout(), differences, sums, first.cfg.Location)
	}
	out := json.NewEncoder(cmd.OutOrStdout())
	for i := range differences {
		if err := out.Encode(&differences[i]); err != nil {
			return err
		}
	}
	return json.NewEncoder(cmd.ErrOrStderr()).Encode(map[string]any{"before": sums[0], "after": sums[1]})
}
