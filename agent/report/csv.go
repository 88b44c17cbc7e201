package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Columns are the columns of WriteCSV. The list is only ever extended at its end.
func Columns() []string {
	return []string{"row", "zone", "point", "quantity", "name", "from", "to", "seconds", "value", "unit", "status", "by", "comment"}
}

// WriteCSV writes the report as one table, for spreadsheets: what each row is about stands in
// its first column (report, trip, compartment, stop, phase, deviation, step, zone, point, n, min,
// max, mean, mkt, coverage, faults, limit, excursion, gap, fault, instrument, case, act, alarm,
// lost, clock, records, and more where a list was cut). Times are RFC 3339 in UTC. A text that a spreadsheet would take for a formula has a ' before it.
func (r *Report) WriteCSV(out io.Writer) error {
	t := table{w: csv.NewWriter(out)}
	t.cells(Columns())
	t.add(row{row: "report", from: r.From, to: r.To, status: string(r.Verdict)})
	if r.Trip != nil {
		t.trip(r.Trip)
	}
	for i := range r.Zones {
		t.zone(&r.Zones[i])
	}
	for i := range r.Cases.Items {
		t.excursionCase(&r.Cases.Items[i])
	}
	t.more("case", row{}, r.Cases.Total, len(r.Cases.Items))
	for i := range r.Alarms.Items {
		t.alarm(&r.Alarms.Items[i])
	}
	t.more("alarm", row{}, r.Alarms.Total, len(r.Alarms.Items))
	for _, l := range r.Lost.Items {
		t.add(row{row: "lost", name: string(l.Reason), from: l.From, to: l.To, value: lostCount(&l), comment: text(l.Detail)})
	}
	t.more("lost", row{}, r.Lost.Total, len(r.Lost.Items))
	for _, c := range []struct {
		name string
		n    int64
	}{{"readings", r.Clock.Readings}, {"synced", r.Clock.Synced}, {"held", r.Clock.Held}, {"unset", r.Clock.Unset}, {"undated", r.Clock.Undated}, {"steps", r.Clock.Steps}} {
		t.add(row{row: "clock", name: c.name, value: strconv.FormatInt(c.n, 10)})
	}
	for _, p := range r.Positions.Items {
		t.add(row{row: "records", name: fmt.Sprintf("%s/%d-%d", p.Epoch, p.First, p.Last), value: strconv.FormatInt(p.N, 10)})
	}
	t.more("records", row{}, r.Positions.Total, len(r.Positions.Items))
	t.w.Flush()
	if err := t.w.Error(); err != nil {
		return fmt.Errorf("report: write CSV: %w", err)
	}
	return nil
}

// row is a row of the table; what is empty stays empty.
type row struct {
	row, zone, point, quantity, name string
	from, to                         time.Time
	seconds                          *float64
	value, unit, status, by, comment string
}

type table struct{ w *csv.Writer }

func (t *table) cells(cells []string) {
	_ = t.w.Write(cells) // the writer keeps its first error
}

func (t *table) add(r row) {
	length := ""
	if r.seconds != nil {
		length = number(*r.seconds)
	}
	t.cells([]string{
		r.row, r.zone, r.point, r.quantity, r.name, stamp(r.from), stamp(r.to), length, r.value, r.unit, r.status, r.by, r.comment,
	})
}

// more says how many entries of a list were not kept.
func (t *table) more(list string, at row, total int64, kept int) {
	if left := total - int64(kept); left > 0 {
		at.row, at.name, at.value = "more", list, strconv.FormatInt(left, 10)
		t.add(at)
	}
}

func (t *table) zone(z *ZoneReport) {
	t.add(row{row: "zone", zone: string(z.Zone), name: text(z.Name), status: string(z.Verdict), comment: text(z.Profile)})
	for _, l := range z.Limits {
		t.add(row{
			row: "limit", zone: string(z.Zone), point: string(l.Point), name: text(l.Limit), seconds: &l.OutsideS,
			status: string(l.Verdict), comment: l.Rule,
		})
	}
	for i := range z.Quantities {
		q := &z.Quantities[i]
		t.summary(row{zone: string(z.Zone), quantity: string(q.Quantity), unit: q.Unit}, &q.Summary)
	}
	for i := range z.Points {
		t.point(z.Zone, &z.Points[i])
	}
}

func (t *table) summary(at row, s *Summary) {
	put := func(name, value string) {
		r := at
		r.row, r.value = name, value
		t.add(r)
	}
	extreme := func(name string, e *Extreme) {
		if e == nil {
			return
		}
		r := at
		r.row, r.value, r.from, r.comment = name, e.V.String(), e.T, strings.Join(e.Marks, " ")
		if e.Point != "" {
			r.point = string(e.Point)
		}
		t.add(r)
	}
	put("n", strconv.FormatInt(s.N, 10))
	extreme("min", s.Min)
	extreme("max", s.Max)
	if s.Mean != nil {
		put("mean", s.Mean.String())
	}
	if s.MKT != nil {
		put("mkt", s.MKT.String())
	}
	at.unit, at.seconds = "", &s.CoveredS
	put("coverage", number(math.Floor(s.Coverage*1e6)/1e6))
	at.seconds = nil
	put("faults", strconv.FormatInt(s.Faults, 10))
}

func (t *table) point(zone agent.ZoneID, p *PointReport) {
	at := row{zone: string(zone), point: string(p.Point), quantity: string(p.Quantity)}
	with := func(f func(*row)) {
		r := at
		f(&r)
		t.add(r)
	}
	with(func(r *row) {
		r.row, r.from, r.to, r.status, r.name = "point", p.First, p.Last, string(p.Verdict), string(p.Role)
	})
	measured := at
	measured.unit = p.Unit
	t.summary(measured, &p.Summary)
	for i := range p.Limits {
		t.limit(at, p.Unit, &p.Limits[i])
	}
	for _, g := range p.Gaps.Items {
		with(func(r *row) { r.row, r.from, r.to, r.seconds = "gap", g.From, g.To, g.S })
	}
	t.more("gap", at, p.Gaps.Total, len(p.Gaps.Items))
	for _, f := range p.FaultTimes.Items {
		with(func(r *row) {
			r.row, r.from, r.to, r.name, r.value = "fault", f.From, f.To, f.Fault, strconv.FormatInt(f.N, 10)
		})
	}
	t.more("fault", at, p.FaultTimes.Total, len(p.FaultTimes.Items))
	for _, in := range p.Instruments.Items {
		with(func(r *row) {
			r.row, r.from, r.to, r.value = "instrument", in.From, in.To, strconv.FormatInt(in.N, 10)
			r.name, r.comment = text(strings.TrimSpace(in.Driver+" "+in.Serial)), text(in.Certificate)
		})
	}
	t.more("instrument", at, p.Instruments.Total, len(p.Instruments.Items))
}

func (t *table) limit(at row, unit string, l *LimitReport) {
	r := at
	r.row, r.name, r.from, r.seconds, r.status, r.unit = "limit", text(l.Limit), l.Reached, &l.OutsideS, string(l.Verdict), unit
	if l.Worst != nil {
		r.value = l.Worst.V.String()
	}
	t.add(r)
	for _, e := range l.Excursions.Items {
		r := at
		r.row, r.name, r.from, r.to, r.seconds = "excursion", text(l.Limit), e.Begin, e.End, &e.DurationS
		r.value, r.unit, r.status = e.Worst.String(), unit, string(e.Ending)
		if e.Reached {
			r.comment = "limit reached"
		}
		t.add(r)
	}
	at.comment = text(l.Limit)
	t.more("excursion", at, l.Excursions.Total, len(l.Excursions.Items))
}

func (t *table) alarm(a *Alarm) {
	r := row{
		row: "alarm", zone: string(a.Zone), point: string(a.Point), name: string(a.ID), from: a.T,
		status: string(a.Transition), by: text(a.By), comment: text(a.Comment),
	}
	if a.Value != nil {
		r.value = a.Value.String()
	}
	if a.Comment == "" {
		r.comment = text(a.Message)
	}
	t.add(r)
}

// lostCount is how many records are missing, empty where that is not known.
func lostCount(l *Lost) string {
	var n int64
	for _, c := range l.Counts {
		n += c.Count
	}
	if len(l.Counts) == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// text is what a person or a device wrote, with which a spreadsheet must do nothing.
func text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
