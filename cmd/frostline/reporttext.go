package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/frostline/frostline/agent"
	reports "github.com/frostline/frostline/agent/report"
)

// fewOnPage is how many entries of a list are on the page; --json and --csv have more.
const fewOnPage = 20

// reportPage writes a report for people: what a keeper reads, signs and files.
type reportPage struct {
	b   strings.Builder
	doc *document
	st  style
}

func renderReportPage(w io.Writer, doc *document, st style) error {
	p := &reportPage{doc: doc, st: st}
	p.title()
	p.verdict()
	if doc.Trip != nil {
		p.trip(doc.Trip)
	}
	for i := range doc.Zones {
		p.zone(&doc.Zones[i])
	}
	p.cases()
	p.alarms()
	p.records()
	p.b.WriteString("\nChecked by ______________________________   on ________________\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (p *reportPage) printf(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// section begins a part of the page.
func (p *reportPage) section(title string) { p.printf("\n%s\n", p.st.bold(title)) }

// table aligns rows of cells, indented.
func (p *reportPage) table(rows [][]string) {
	w := tabwriter.NewWriter(&p.b, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, "  "+strings.TrimRight(strings.Join(r, "\t"), "\t "))
	}
	_ = w.Flush() // a strings.Builder takes everything
}

// more says how many entries are not on the page.
func (p *reportPage) more(total int64, shown int, thing string) {
	if left := total - int64(shown); left > 0 {
		p.printf("  and %s more; --json has them\n", plural(int(left), thing))
	}
}

func (p *reportPage) at(t time.Time) string { return timeIn(t, p.doc.loc) }

// span is "A to B"; a time that is not known is said to be so.
func (p *reportPage) span(from, to time.Time) string {
	if to.IsZero() {
		return p.at(from) + " and on"
	}
	return p.at(from) + " to " + p.at(to)
}

// held is a number of seconds for people.
func held(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d >= time.Minute {
		d = d.Round(time.Second)
	}
	return d.String()
}

func (p *reportPage) title() {
	d := p.doc
	title := "Report on a room"
	if d.Trip != nil {
		title = "Report on a trip"
	}
	p.printf("%s   %s/%s\n\n", p.st.bold(title), d.Site, d.Gateway)
	rows := [][]string{}
	if t := d.Trip; t != nil {
		rows = append(rows, []string{"trip", string(t.ID)})
	}
	for i := range d.Zones {
		z := &d.Zones[i]
		text := string(z.Zone) + inParentheses(z.Name)
		if z.Profile != "" {
			text += ", profile " + z.Profile
			if title := d.titles[z.Zone]; title != "" {
				text += ": " + title
			}
		}
		rows = append(rows, []string{"zone", text})
	}
	long := ""
	if !d.From.IsZero() && d.To.After(d.From) {
		long = " (" + held(d.To.Sub(d.From).Seconds()) + ")"
	}
	rows = append(rows, []string{"time", p.span(d.From, d.To) + long + ", " + d.Timezone})
	made := "frostline " + d.Version
	if !d.Made.IsZero() {
		made = p.at(d.Made) + " by " + made
	}
	p.table(append(rows, []string{"made", made}))
}

// verdictWords say what a verdict means.
var verdictWords = map[reports.Verdict]string{
	reports.VerdictPass:       "no limit was reached, and no gap is long enough to hide that one was",
	reports.VerdictIncomplete: "no limit is known to have been reached, but what is missing could hide that one was",
	reports.VerdictFail:       "a limit was reached",
	reports.VerdictNone:       "there is no limit to keep",
}

func (p *reportPage) paint(v reports.Verdict) string {
	text := strings.ToUpper(string(v))
	switch v {
	case reports.VerdictFail:
		return p.st.red(text)
	case reports.VerdictIncomplete:
		return p.st.yellow(text)
	case reports.VerdictPass:
		return p.st.green(text)
	}
	return text
}

func (p *reportPage) verdict() {
	p.printf("\n  %s  %s%s\n", p.st.bold("VERDICT: ")+p.paint(p.doc.Verdict), verdictWords[p.doc.Verdict], p.reasons())
	if len(p.doc.Zones) > 1 {
		for i := range p.doc.Zones {
			z := &p.doc.Zones[i]
			p.printf("  %s: %s\n", zoneWithProfile(z), p.paint(z.Verdict))
		}
	}
	for _, n := range p.doc.Notes {
		p.printf("  note: %s\n", n)
	}
}

// reasons names the limits behind a verdict that is not a good one.
func (p *reportPage) reasons() string {
	const few = 5
	var names []string
	for i := range p.doc.Zones {
		for _, l := range p.doc.Zones[i].Limits {
			if !l.Advisory && l.Verdict == p.doc.Verdict && (l.Verdict == reports.VerdictFail || l.Verdict == reports.VerdictIncomplete) {
				names = append(names, l.Limit)
			}
		}
	}
	more := ""
	if len(names) > few {
		more = fmt.Sprintf(" and %d more", len(names)-few)
		names = names[:few]
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ") + more
}

func zoneWithProfile(z *reports.ZoneReport) string {
	if z.Profile == "" {
		return string(z.Zone)
	}
	return string(z.Zone) + ", " + z.Profile
}

func (p *reportPage) zone(z *reports.ZoneReport) {
	heading := func(what string) { p.section(what + " in " + string(z.Zone)) }
	heading("Limits")
	if len(z.Limits) == 0 {
		p.printf("  none in the config\n")
	} else {
		p.table(p.limits(z))
	}
	heading("Measured")
	if len(z.Points) == 0 {
		p.printf("  nothing\n")
		return
	}
	rows := [][]string{{"POINT", "ROLE", "MIN", "AT", "MAX", "AT", "MEAN", "MKT", "COVERAGE", "FAULTS", "VERDICT"}}
	for i := range z.Points {
		rows = append(rows, p.point(&z.Points[i]))
	}
	p.table(rows)
	p.excursions(z)
	p.gaps(z)
	p.instruments(z)
}

func (p *reportPage) limits(z *reports.ZoneReport) [][]string {
	rows := [][]string{{"VERDICT", "LIMIT", "RULE", "OUTSIDE", "FROM"}}
	for _, l := range z.Limits {
		from := "config"
		if l.Profile != "" {
			from = l.Profile
		}
		if l.Transit {
			from += ", under way"
		}
		if l.Advisory {
			from += ", early warning"
		}
		outside := "-"
		if l.OutsideS > 0 {
			outside = held(l.OutsideS) + " at " + string(l.Point)
		}
		rows = append(rows, []string{strings.ToUpper(string(l.Verdict)), l.Limit, l.Rule, outside, from})
	}
	return rows
}

func (p *reportPage) point(pt *reports.PointReport) []string {
	extreme := func(e *reports.Extreme) (string, string) {
		if e == nil {
			return "-", "-"
		}
		text := exactText(e.V, pt.Unit)
		if len(e.Marks) > 0 {
			text += " (" + strings.Join(e.Marks, ", ") + ")"
		}
		return text, p.at(e.T)
	}
	mean := func(v *agent.Value) string {
		if v == nil {
			return "-"
		}
		if pt.Quantity.Kind() == agent.State {
			return fmt.Sprintf("%.1f %% of the time 1", v.Float64()*100)
		}
		return strings.TrimSpace(fmt.Sprintf("%.2f %s", v.Float64(), pt.Unit))
	}
	low, lowAt := extreme(pt.Min)
	high, highAt := extreme(pt.Max)
	role := string(pt.Role)
	if role == "" {
		role = "-"
	}
	return []string{
		string(pt.Point), role, low, lowAt, high, highAt, mean(pt.Mean), mean(pt.MKT), percent(pt.Coverage), fmt.Sprint(pt.Faults),
		strings.ToUpper(string(pt.Verdict)),
	}
}

// exactText is a value as it was recorded: a rounded one could hide on which side of a limit it was.
func exactText(v agent.Value, unit string) string { return strings.TrimSpace(v.String() + " " + unit) }

// percent never rounds up to 100.
func percent(part float64) string {
	if part >= 1 {
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", float64(int64(part*10000))/100)
}

func (p *reportPage) excursions(z *reports.ZoneReport) {
	rows := [][]string{{"FROM", "TO", "OUTSIDE", "WORST", "POINT", "LIMIT", "ENDED"}}
	var total int64
	for i := range z.Points {
		pt := &z.Points[i]
		for _, l := range pt.Limits {
			total += l.Excursions.Total
			for _, e := range l.Excursions.Items {
				ended := string(e.Ending)
				if e.Reached {
					ended += ", limit reached"
				}
				if e.UnknownS > 0 {
					ended += ", " + held(e.UnknownS) + " not known"
				}
				if len(rows) <= fewOnPage {
					rows = append(rows, []string{p.at(e.Begin), p.at(e.End), held(e.DurationS), exactText(e.Worst, pt.Unit), string(pt.Point), l.Limit, ended})
				}
			}
		}
	}
	p.section("Times outside a limit in " + string(z.Zone))
	if total == 0 {
		p.printf("  none\n")
		return
	}
	p.table(rows)
	p.more(total, len(rows)-1, "excursion")
}

func (p *reportPage) gaps(z *reports.ZoneReport) {
	var rows [][]string
	var total int64
	for i := range z.Points {
		pt := &z.Points[i]
		total += pt.Gaps.Total + pt.FaultTimes.Total
		for _, g := range pt.Gaps.Items {
			long := "for a time not known"
			if g.S != nil {
				long = held(*g.S)
			}
			rows = append(rows, []string{p.span(g.From, g.To), long, string(pt.Point), "no value held"})
		}
		for _, f := range pt.FaultTimes.Items {
			rows = append(rows, []string{p.span(f.From, f.To), plural(int(f.N), "time"), string(pt.Point), "measurement failed: " + f.Fault})
		}
	}
	for _, l := range p.doc.Lost.Items {
		rows = append(rows, []string{p.span(l.From, l.To), lostText(&l), string(z.Zone), "records lost: " + string(l.Reason)})
	}
	total += p.doc.Lost.Total
	p.section("Gaps in " + string(z.Zone))
	if total == 0 {
		p.printf("  none\n")
		return
	}
	shown := min(len(rows), fewOnPage)
	p.table(rows[:shown])
	p.more(total, shown, "gap")
}

func lostText(l *reports.Lost) string {
	var n int64
	for _, c := range l.Counts {
		n += c.Count
	}
	if n == 0 {
		return "how many is not known"
	}
	return plural(int(n), "record")
}

func (p *reportPage) instruments(z *reports.ZoneReport) {
	rows := [][]string{{"POINT", "INSTRUMENT", "SERIAL", "CERTIFICATE", "VALID UNTIL", "OFFSET", "READINGS", "USED"}}
	dash := func(text string) string {
		if text == "" {
			return "-"
		}
		return text
	}
	for i := range z.Points {
		pt := &z.Points[i]
		for _, in := range pt.Instruments.Items {
			due := "-"
			if !in.Due.IsZero() {
				due = in.Due.Format(time.DateOnly)
			}
			if in.Expired > 0 {
				due += fmt.Sprintf(" (%s after that)", plural(int(in.Expired), "reading"))
			}
			rows = append(rows, []string{
				string(pt.Point), in.Driver, dash(in.Serial), dash(in.Certificate), due, exactText(in.Offset, pt.Unit), fmt.Sprint(in.N), p.span(in.From, in.To),
			})
		}
	}
	p.section("Instruments in " + string(z.Zone))
	shown := min(len(rows), fewOnPage+1)
	p.table(rows[:shown])
	p.more(int64(len(rows)), shown, "instrument")
}

func (p *reportPage) records() {
	p.section("Records")
	rows := [][]string{}
	for _, r := range p.doc.Positions.Items {
		whole := ""
		if int64(r.Last-r.First)+1 != r.N {
			whole = ", with holes"
		}
		rows = append(rows, []string{fmt.Sprintf("%s/%d to %d", r.Epoch, r.First, r.Last), plural(int(r.N), "record") + whole})
	}
	if len(rows) == 0 {
		rows = append(rows, []string{"none"})
	}
	shown := min(len(rows), fewOnPage)
	p.table(rows[:shown])
	p.more(p.doc.Positions.Total, shown, "range")
	c := p.doc.Clock
	p.printf("  clock: %d readings, %d confirmed, %d held, %d without a date; stepped %s\n",
		c.Readings, c.Synced, c.Held, c.Unset+c.Undated, plural(int(c.Steps), "time"))
	if n := p.doc.Unknown; n > 0 {
		p.printf("  %s of points that nobody defined\n", plural(int(n), "reading"))
	}
}
