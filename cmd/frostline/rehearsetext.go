package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/rehearse"
)

// transitionTable prints transitions as they come: a year of them need not fit in memory, so
// the columns are as wide as what the config names.
type transitionTable struct {
	w     io.Writer
	loc   *time.Location
	units map[agent.PointID]string
	alarm int // columns of alarms
	where int // of points, items and zones
	any   bool
}

func newTransitionTable(w io.Writer, c *cast) *transitionTable {
	t := &transitionTable{w: w, loc: c.cfg.Location, units: map[agent.PointID]string{}, alarm: len("ALARM"), where: len("WHERE")}
	for i := range c.rules.Specs {
		t.alarm = max(t.alarm, len(c.rules.Specs[i].ID))
	}
	for _, d := range daemon.Definitions(c.cfg) {
		t.units[d.Point] = d.Quantity.Unit()
		t.where = max(t.where, len(d.Point))
	}
	return t
}

func (t *transitionTable) row(tr *rehearse.Transition) error {
	if !t.any {
		t.any = true
		if err := t.line("TIME", "ALARM", "WHERE", "TRANSITION", "STATE", "VALUE"); err != nil {
			return err
		}
	}
	where := string(tr.Point)
	if where == "" {
		where = string(tr.Item)
	}
	if where == "" {
		where = string(tr.Zone)
	}
	value := ""
	if tr.Value != nil {
		value = strings.TrimSpace(tr.Value.String() + " " + t.units[tr.Point])
	}
	return t.line(t.time(tr.Time), string(tr.Alarm), where, string(tr.Transition), string(tr.State), value)
}

func (t *transitionTable) line(at, alarm, where, transition, state, value string) error {
	text := fmt.Sprintf("%s  %s  %s  %s  %s  %s", pad(at, len(time.RFC3339)), pad(alarm, t.alarm), pad(where, t.where),
		pad(transition, len(agent.Unsuppressed)), pad(state, len(agent.StateOutOfService)), value)
	_, err := fmt.Fprintln(t.w, strings.TrimRight(text, " "))
	return err
}

func (t *transitionTable) time(at time.Time) string { return momentIn(at, t.loc) }

// momentIn is a moment to the second in the site's time.
func momentIn(at time.Time, loc *time.Location) string {
	if at.IsZero() {
		return "undated"
	}
	return at.In(loc).Format(time.RFC3339)
}

func (t *transitionTable) summary(s *rehearsed) error {
	if t.any {
		fmt.Fprintln(t.w)
	} else {
		fmt.Fprint(t.w, "No alarm is raised.\n\n")
	}
	for _, line := range s.heading(t.loc) {
		fmt.Fprintln(t.w, line)
	}
	if len(s.Alarms) == 0 {
		return nil
	}
	fmt.Fprintln(t.w)
	w := tabwriter.NewWriter(t.w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ALARM\tRULE\tRAISED\tA DAY\tIN ALARM\tFIRST RAISED")
	for i := range s.Alarms {
		a := &s.Alarms[i]
		first := "-"
		if a.Raised > 0 {
			first = momentIn(a.First, t.loc)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", a.Alarm, a.Rule, a.Raised, s.aDay(a.AlarmsPerDay), inAlarm(a), first)
	}
	return w.Flush()
}

// aDay is a number of alarms a day. Less than a day tells none.
func (s *rehearsed) aDay(n float64) string {
	if s.Days < 1 {
		return "-"
	}
	return fmt.Sprint(n)
}

// span is from when to when the rows are, and how long that is.
func (s *rehearsed) span(loc *time.Location) string {
	long := fmt.Sprintf("%v days", s.Days)
	if s.Days < 2 {
		long = s.To.Sub(s.From).String()
	}
	return fmt.Sprintf("from %s to %s (%s)", momentIn(s.From, loc), momentIn(s.To, loc), long)
}

// inAlarm is for how long an alarm stood.
func inAlarm(a *rehearse.AlarmSummary) string {
	text := (time.Duration(a.InAlarmS) * time.Second).String()
	if a.Open > 0 {
		text += ", still"
	}
	return text
}

// heading is what the rows were, and what to know of them, in sentences.
func (s *rehearsed) heading(loc *time.Location) []string {
	what := plural(int(s.Readings), "reading")
	if s.Faults > 0 {
		what += fmt.Sprintf(" (%d failed)", s.Faults)
	}
	if s.Scans > 0 {
		what += ", " + plural(int(s.Scans), "scan")
	}
	lines := []string{what + "; nothing was recorded then"}
	if !s.From.IsZero() {
		lines[0] = fmt.Sprintf("%s %s; %s", what, s.span(loc), plural(int(s.Raised), "alarm"))
		if s.Days >= 1 {
			lines[0] += fmt.Sprintf(", %v a day", s.AlarmsPerDay)
		}
	}
	note := func(n int64, format string, args ...any) {
		if n > 0 {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	note(s.OutOfOrder, "%s stood behind rows of a later time; they were put in order", plural(int(s.OutOfOrder), "row"))
	note(s.SameTime, "%s of a point at a time that had one already: the one further down counts from then on", plural(int(s.SameTime), "row"))
	note(s.Undated, "%s of boots whose clock was never right", plural(int(s.Undated), "row"))
	note(s.SetAside, "%s brought back from a damaged store, out of their order, left out", plural(int(s.SetAside), "record"))
	note(s.ActsLeftOut, "%d of %s of people about alarms that were not raised here", s.ActsLeftOut, plural(int(s.Acts), "act"))
	note(s.Unwatched, "%s that no alarm of this config is about%s", plural(int(s.Unwatched), "row"), listed(s.UnwatchedPoints))
	note(int64(len(s.PointsNotRecorded)), "%s of the config not in the recording, left out%s", plural(len(s.PointsNotRecorded), "point"), listed(s.PointsNotRecorded))
	return lines
}

// listed names a few points.
func listed(points []agent.PointID) string {
	const few = 5
	if len(points) == 0 {
		return ""
	}
	text := ": "
	for i, p := range points {
		if i == few {
			return text + fmt.Sprintf(" and %d more", len(points)-few)
		}
		if i > 0 {
			text += ", "
		}
		text += string(p)
	}
	return text
}

// renderDifferences prints what another config would change.
func renderDifferences(out io.Writer, all []rehearse.Difference, sums [2]*rehearsed, loc *time.Location) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ALARM\tCHANGE\tRAISED\tIN ALARM\tFIRST DIFFERENCE\tRULE")
	pair := func(a, b string) string {
		if a == b {
			return a
		}
		return a + " -> " + b
	}
	of := func(a *rehearse.AlarmSummary) (raised, held, rule string) {
		if a == nil {
			return "-", "-", "-"
		}
		return fmt.Sprint(a.Raised), inAlarm(a), a.Rule
	}
	for i := range all {
		d := &all[i]
		raised, held, rule := of(d.Before)
		raised2, held2, rule2 := of(d.After)
		first := "-"
		if !d.FirstDifference.IsZero() {
			first = momentIn(d.FirstDifference, loc)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Alarm, d.Change, pair(raised, raised2), pair(held, held2), first, pair(rule, rule2))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, line := range sums[0].heading(loc)[1:] {
		fmt.Fprintln(out, line)
	}
	text := fmt.Sprintf("%s %s; %s alarms", plural(int(sums[0].Readings), "reading"), sums[0].span(loc),
		pair(fmt.Sprint(sums[0].Raised), fmt.Sprint(sums[1].Raised)))
	if sums[0].Days >= 1 {
		text += ", " + pair(sums[0].aDay(sums[0].AlarmsPerDay), sums[1].aDay(sums[1].AlarmsPerDay)) + " a day"
	}
	_, err := fmt.Fprintln(out, text)
	return err
}
