package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/rehearse"
)

// expectations is a file of --test.
type expectations struct {
	Name   string          `yaml:"name"`
	Input  string          `yaml:"input,required"` // a CSV file, beside this one if the path is relative; or its text
	Expect []expected      `yaml:"expect"`
	Never  []agent.AlarmID `yaml:"never"`
	Raised map[string]int  `yaml:"raised"`
}

type expected struct {
	Alarm      agent.AlarmID    `yaml:"alarm,required"`
	Point      agent.PointID    `yaml:"point"`
	At         moment           `yaml:"at,required"`
	Transition agent.Transition `yaml:"transition,required" enum:"raised,cleared,acknowledged,re-alarmed,latched,reset,shelved,unshelved,suppressed,unsuppressed,out-of-service,in-service"`
	State      agent.AlarmState `yaml:"state" enum:"normal,unack,ack,rtn-unack,latched,shelved,suppressed,out-of-service"`
}

// moment is a time after RFC 3339.
type moment struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *moment) UnmarshalText(text []byte) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("%q is not a time: write it like 2026-03-01T06:30:00+08:00", text)
	}
	return nil
}

// expectationsResult is what `rehearse --test --json` prints of each file.
type expectationsResult struct {
	File     string             `json:"file"`
	Name     string             `json:"name,omitempty"`
	OK       bool               `json:"ok"`
	Failures []rehearse.Failure `json:"failures"`
}

// maxExpectations bounds a file of expectations, in bytes; longer ones do not decode.
const maxExpectations = 1 << 20

// test runs the files of expectations. All of them are read before the first one is run.
func (r *rehearsal) test(cmd *cobra.Command) error {
	type prepared struct {
		cast *cast
		want *rehearse.Expectations
	}
	var all []prepared
	var results []expectationsResult
	var bad []error
	for _, path := range r.tests {
		x, c, err := r.prepare(cmd, path)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, prepared{c, x.want()})
		results = append(results, expectationsResult{File: path, Name: x.Name})
	}
	if len(bad) > 0 {
		return untestable(cmd.ErrOrStderr(), bad, len(r.tests))
	}
	failed := 0
	for i, p := range all {
		var o rehearse.Outcome
		var err error
		if o.Summary, err = p.cast.rules.Run(p.cast.rows, o.Take); err != nil {
			return err
		}
		result := &results[i]
		result.Failures = p.want.Check(&o, p.cast.cfg.Location)
		if result.OK = len(result.Failures) == 0; !result.OK {
			failed++
		}
		if err := result.print(cmd.OutOrStdout(), r.json); err != nil {
			return err
		}
	}
	if failed == 0 {
		return nil
	}
	err := fmt.Errorf("rehearse: %d of %s not met", failed, plural(len(all), "file"))
	if r.json {
		return &silentError{err}
	}
	return err
}

// untestable says what is wrong, each thing once: several files share a config.
func untestable(w io.Writer, bad []error, files int) error {
	told := map[string]bool{}
	for _, err := range bad {
		if text := err.Error(); !told[text] {
			told[text] = true
			fmt.Fprintln(w, text)
		}
	}
	return usagef("rehearse: %d of %s cannot be run; nothing was run", len(bad), plural(files, "file"))
}

// prepare reads one file of expectations and makes what it is to be tried on.
func (r *rehearsal) prepare(cmd *cobra.Command, path string) (*expectations, *cast, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxExpectations+1))
	if err != nil {
		return nil, nil, err
	}
	x := &expectations{}
	doc := config.ReadDocument(path, text, config.Known{}, x)
	if len(x.Expect)+len(x.Never)+len(x.Raised) == 0 && doc.Err() == nil {
		doc.Fault("", "nothing is expected: write expect, never or raised")
	}
	if err := doc.Err(); err != nil {
		return nil, nil, err
	}
	c, err := r.stage(cmd, path, x)
	if err != nil {
		return nil, nil, err
	}
	return x, c, x.check(doc, c)
}

// stage makes the rules and rows of one file.
func (r *rehearsal) stage(cmd *cobra.Command, path string, x *expectations) (*cast, error) {
	m := &material{}
	var err error
	if strings.Contains(x.Input, "\n") {
		m.recording, err = rehearse.Read(rehearse.Source{Name: path + ": input", Text: strings.NewReader(x.Input)})
	} else {
		input := x.Input
		if !filepath.IsAbs(input) {
			input = filepath.Join(filepath.Dir(path), input)
		}
		m.recording, err = readRecording(cmd, []string{input})
	}
	if err != nil {
		return nil, err
	}
	return m.cast(cmd.Context(), r.config, r.dir)
}

// check says which alarms and points are expected that there are not.
func (x *expectations) check(doc *config.Document, c *cast) error {
	var alarms, points []string
	for i := range c.rules.Specs {
		alarms = append(alarms, string(c.rules.Specs[i].ID))
	}
	for _, p := range slices.Sorted(maps.Keys(c.rules.Points)) {
		points = append(points, string(p))
	}
	for i := range x.Expect {
		e := &x.Expect[i]
		doc.Among(fmt.Sprintf("expect[%d].alarm", i), "alarm", string(e.Alarm), alarms)
		if e.Point != "" {
			doc.Among(fmt.Sprintf("expect[%d].point", i), "point", string(e.Point), points)
		}
	}
	for i, id := range x.Never {
		doc.Among(fmt.Sprintf("never[%d]", i), "alarm", string(id), alarms)
	}
	for id, n := range x.Raised {
		doc.Among("raised."+id, "alarm", id, alarms)
		if n < 0 {
			doc.Fault("raised."+id, "%d is no number of times", n)
		}
	}
	return doc.Err()
}

func (x *expectations) want() *rehearse.Expectations {
	w := &rehearse.Expectations{Never: x.Never, Raised: map[agent.AlarmID]int64{}}
	for _, e := range x.Expect {
		w.Expect = append(w.Expect, rehearse.Expected{Alarm: e.Alarm, Point: e.Point, At: e.At.Time, Transition: e.Transition, State: e.State})
	}
	for id, n := range x.Raised {
		w.Raised[agent.AlarmID(id)] = int64(n)
	}
	return w
}

func (e *expectationsResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(e)
	}
	verdict, name := "ok  ", ""
	if !e.OK {
		verdict = "FAIL"
	}
	if e.Name != "" {
		name = ": " + e.Name
	}
	_, err := fmt.Fprintf(w, "%s  %s%s\n", verdict, e.File, name)
	for _, f := range e.Failures {
		fmt.Fprintf(w, "      %s\n        - %s\n", f.Expectation, f.Want)
		for _, got := range f.Got {
			fmt.Fprintf(w, "        + %s\n", got)
		}
		if len(f.Got) == 0 {
			fmt.Fprintln(w, "        + nothing")
		}
	}
	return err
}
