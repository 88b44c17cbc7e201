package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/climate"
)

// kineticMean is what the flags of `mkt` say.
type kineticMean struct {
	dh     float64
	every  time.Duration
	asJSON bool
}

func mktCommand() *cobra.Command {
	var k kineticMean
	cmd := &cobra.Command{
		Use: "mkt [FILE|-]", Short: "Reckon the mean kinetic temperature of a series", Args: mostArgs(1, "one FILE is enough; - or nothing is standard input"),
		Long: "Reckon the mean kinetic temperature (USP <1160>, <1079.2>) of the temperatures in °C in a CSV file with a\n" +
			"header: `value`, or `time,value` with times after RFC 3339. An empty value is a measurement that failed.\n\n" +
			"Values without times weigh the same. With times, a value holds until the next one, at most three intervals;\n" +
			"what lies beyond is a gap, which weighs nothing. The interval is the median of the spacings, or that of the\n" +
			"four around where it is longer, unless --every says it. The last value holds for one interval. Values that\n" +
			"share a time share its weight. The order of the rows does not matter.",
		Example: "  frostline mkt readings.csv\n  frostline mkt --json --dh 100 < readings.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "-"
			if len(args) == 1 {
				name = args[0]
			}
			return k.run(cmd, name)
		},
	}
	f := cmd.Flags()
	f.Float64Var(&k.dh, "dh", float64(climate.USP), "activation energy ΔH of the goods in kJ/mol")
	f.DurationVar(&k.every, "every", 0, "interval of the recorder, such as 5m (0: found from the times)")
	f.BoolVar(&k.asJSON, "json", false, "print JSON")
	return cmd
}

func (k *kineticMean) run(cmd *cobra.Command, name string) error {
	energy := climate.Energy(k.dh)
	if err := energy.Check(); err != nil {
		return usagef("--dh %w", err)
	}
	if k.every < 0 {
		return usagef("--every %v: want a time such as 5m", k.every)
	}
	in, name, err := openInput(cmd, name)
	if err != nil {
		return err
	}
	defer in.Close()
	series, err := readSeries(in)
	if err != nil {
		return usagef("%s: %w", name, err)
	}
	var s climate.Summary
	if series.timed {
		s, err = climate.Summarize(series.samples, k.every, energy)
	} else {
		s, err = climate.SummarizeEqual(series.samples, energy)
	}
	if err != nil {
		return usagef("%s: %w", name, err)
	}
	if s.N == 0 {
		return usagef("%s: no value to reckon with: want lines of `value`, or of `time,value`, below the header", name)
	}
	r := newMKTReport(&s, energy, series.timed)
	if k.asJSON {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return r.text(cmd.OutOrStdout(), &s)
}

// openInput opens a file, or standard input for "-", and says what to call it.
func openInput(cmd *cobra.Command, name string) (io.ReadCloser, string, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), "standard input", nil
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrPermission) {
		return nil, "", err
	}
	if err != nil {
		return nil, "", usage(err)
	}
	return f, name, nil
}

// series is what a CSV file says, in its own order.
type series struct {
	samples []climate.Sample
	timed   bool
}

// errHeader is what readSeries returns for a file without one of the headers it knows.
var errHeader = errors.New("want a CSV header, `value` or `time,value`")

// readSeries reads CSV with the header `value` or `time,value`. An error names the line.
func readSeries(in io.Reader) (series, error) {
	buffered := bufio.NewReader(in)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\uFEFF" { // spreadsheets write one
		_, _ = buffered.Discard(3) // it has just been seen
	}
	r := csv.NewReader(buffered)
	r.ReuseRecord, r.TrimLeadingSpace = true, true
	var s series
	header, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return s, fmt.Errorf("it is empty: %w", errHeader)
	case err != nil:
		return s, csvError(err)
	}
	switch columns := strings.ToLower(strings.TrimSpace(strings.Join(header, ","))); columns {
	case "value":
	case "time,value":
		s.timed = true
	default:
		return s, fmt.Errorf("line 1: the header is %q: %w", clip(columns, 60), errHeader)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return s, csvError(err)
		}
		sample, err := s.sample(row)
		if err != nil {
			line, _ := r.FieldPos(0)
			return s, fmt.Errorf("line %d: %w", line, err)
		}
		s.samples = append(s.samples, sample)
	}
}

// csvError is a CSV reader's error with its line first.
func csvError(err error) error {
	var p *csv.ParseError
	switch {
	case !errors.As(err, &p):
		return err
	case errors.Is(p.Err, csv.ErrFieldCount):
		return fmt.Errorf("line %d: more or fewer fields than the header has; write decimals with a point", p.Line)
	}
	return fmt.Errorf("line %d: %w", p.Line, p.Err)
}

func (s *series) sample(row []string) (climate.Sample, error) {
	var out climate.Sample
	if s.timed {
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(row[0]))
		if err != nil {
			return out, fmt.Errorf("%q is not a time: write it like 2026-03-01T06:30:00+08:00", clip(row[0], 40))
		}
		out.At = at
	}
	text := strings.TrimSpace(row[len(row)-1])
	if text == "" {
		out.Missing = true
		return out, nil
	}
	v, err := celsius(text)
	out.Value = v
	return out, err
}

// celsius reads a temperature in °C.
func celsius(text string) (agent.Value, error) {
	v, err := decimal(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a temperature: write °C like -18.5", clip(text, 40))
	}
	if lowest, _ := agent.Temperature.Range(); v <= lowest || !agent.Temperature.Contains(v) {
		return 0, fmt.Errorf("%s °C cannot be: want more than −273.15, at most 2000; is it another unit?", text)
	}
	return v, nil
}

// decimal reads a number, rounded to millionths: other instruments write more digits.
func decimal(text string) (agent.Value, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, err
	}
	return agent.ValueOf(f)
}

// mktReport is what `mkt --json` prints.
type mktReport struct {
	MKT       agent.Value `json:"mkt"`
	Mean      agent.Value `json:"mean"`
	Min       agent.Value `json:"min"`
	Max       agent.Value `json:"max"`
	N         int64       `json:"n"`
	Coverage  float64     `json:"coverage"`
	Gaps      int         `json:"gaps"`
	DH        float64     `json:"dh"`
	Weighting string      `json:"weighting"`

	timed bool
}

func newMKTReport(s *climate.Summary, e climate.Energy, timed bool) *mktReport {
	kinetic, _ := s.Mean.Kinetic() // there are values
	mean, _ := s.Mean.Arithmetic()
	return &mktReport{
		MKT: rounded(kinetic), Mean: rounded(mean), Min: s.Min, Max: s.Max, N: s.N,
		Coverage: math.Floor(s.Coverage()*1e6) / 1e6, Gaps: len(s.Gaps), DH: float64(e),
		Weighting: weighting(s, timed), timed: timed,
	}
}

// rounded is a temperature between others, in millionths.
func rounded(celsius float64) agent.Value {
	v, _ := agent.ValueOf(celsius) // what lies between two values is one
	return v
}

// weighting says how the values were weighed.
func weighting(s *climate.Summary, timed bool) string {
	if !timed {
		return "every value weighs the same"
	}
	interval := s.Longest.String()
	switch {
	case s.Longest == 0:
		interval = "unknown"
	case s.Shortest != s.Longest:
		interval = s.Shortest.String() + " to " + interval
	}
	return fmt.Sprintf("each value holds until the next, at most %d intervals (%s); the last holds for one; gaps weigh nothing",
		climate.HoldIntervals, interval)
}

// mostGaps is how many gaps are listed for people.
const mostGaps = 20

func (r *mktReport) text(out io.Writer, s *climate.Summary) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name string, v agent.Value, note string) {
		fmt.Fprintf(w, "%s\t%s\n", name, strings.TrimSpace(fmt.Sprintf("%.3f °C  %s", v.Float64(), note)))
	}
	first := func(at time.Time) string {
		if !r.timed {
			return ""
		}
		return "first at " + at.Format(time.RFC3339)
	}
	row("mean kinetic temperature", r.MKT, fmt.Sprintf("ΔH %v kJ/mol", r.DH))
	row("mean", r.Mean, "")
	row("min", r.Min, first(s.MinAt))
	row("max", r.Max, first(s.MaxAt))
	fmt.Fprintf(w, "values\t%d\ncoverage\t%.2f %%\ngaps\t%d\n", r.N, math.Floor(r.Coverage*1e4)/100, r.Gaps)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWeights: %s.\n", r.Weighting)
	for _, note := range r.notes(s) {
		fmt.Fprintln(out, note)
	}
	if !r.timed {
		return nil
	}
	for i, g := range s.Gaps {
		if i == mostGaps {
			fmt.Fprintf(out, "and %s more\n", plural(len(s.Gaps)-i, "gap"))
			break
		}
		fmt.Fprintf(out, "gap: %s to %s (%v)\n", g.From.Format(time.RFC3339), g.To.Format(time.RFC3339), g.To.Sub(g.From))
	}
	return nil
}

// notes are what a reader has to know beside the figures.
func (r *mktReport) notes(s *climate.Summary) []string {
	var notes []string
	if s.Missing > 0 {
		notes = append(notes, plural(int(s.Missing), "row")+" without a value: there was none to weigh.")
	}
	if s.Shared > 0 {
		notes = append(notes, plural(int(s.Shared), "value")+" at a time that had one already: they share its weight.")
	}
	if s.Sorted {
		notes = append(notes, "The rows were not in the order of time; they were put into it.")
	}
	if r.Max <= 0 {
		notes = append(notes, "For frozen goods a mean kinetic temperature says nothing (USP <1079.2>).")
	}
	return notes
}
