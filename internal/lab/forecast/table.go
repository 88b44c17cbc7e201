package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
)

// The targets.
const (
	leastEarly  = 0.80 // share of the slow excursions that is announced early enough
	mostFalse   = 1.0  // false pre-alarms per room and month
	leastInside = 0.85 // share of the intervals that hold the truth
	mostInside  = 0.95
)

// row is a line of the table: what belongs to one cause or one kind of probe.
type row struct {
	name       string
	months     float64
	excursions int
	slow, good int
	leads      []float64 // min
	said       int
	came       int
	averted    int // the cause was gone before the limit was passed
	vain       int // nothing was broken
	inside     hits
	firsts     hits
	widths     []float64
}

// summary is all that is printed.
type summary struct {
	causes []row
	probes []row
	all    row
}

// tally sums what happened in all houses.
func tally(records []record) *summary {
	s := &summary{all: row{name: "all"}}
	for _, c := range []Cause{CauseCompressor, CausePower, CauseDoor, CauseLeak, CauseNone} {
		s.causes = append(s.causes, row{name: string(c)})
	}
	for _, p := range []Probe{ProbeAir, ProbeBuffered, ProbeProduct} {
		s.probes = append(s.probes, row{name: string(p)})
	}
	for i := range records {
		r := &records[i]
		for _, to := range []*row{&s.all, find(s.probes, string(r.house.Probe))} {
			to.house(r)
		}
		for _, e := range r.excursions {
			find(s.causes, string(e.cause)).excursion(e)
		}
		for _, a := range r.said {
			find(s.causes, string(a.cause)).announcement(a)
		}
	}
	return s
}

func find(rows []row, name string) *row {
	return &rows[slices.IndexFunc(rows, func(r row) bool { return r.name == name })]
}

func (t *row) house(r *record) {
	t.months += r.months
	for _, e := range r.excursions {
		t.excursion(e)
	}
	for _, a := range r.said {
		t.announcement(a)
	}
	t.inside.join(r.inside)
	t.firsts.join(r.firsts)
	t.widths = append(t.widths, r.widths...)
}

func (t *row) excursion(e excursion) {
	t.excursions++
	if !e.slow() {
		return
	}
	t.slow++
	t.leads = append(t.leads, e.lead.Minutes())
	if e.lead >= earlyBy {
		t.good++
	}
}

func (t *row) announcement(a announcement) {
	t.said++
	switch {
	case a.came:
		t.came++
	case a.cause != CauseNone:
		t.averted++
	default:
		t.vain++
	}
}

// falseRate is per room and month. A pre-alarm is false if no excursion followed while it
// stood, also where something was broken and repaired in time.
func (t *row) falseRate() float64 { return float64(t.vain+t.averted) / max(t.months, 1e-9) }

func (t *row) early() float64 { return share(t.good, t.slow) }

func (s *summary) met() bool {
	a := &s.all
	in := share(a.inside.held, a.inside.n())
	return a.early() >= leastEarly && a.falseRate() <= mostFalse && in >= leastInside && in <= mostInside
}

func (s *summary) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "cause\texcursions\tslow (> %.0f min)\t≥ %.0f min before\tshare\tmedian lead\tpre-alarms\tcame\trepaired\tin vain\t\n",
		slowEnough.Minutes(), earlyBy.Minutes())
	for _, r := range append(s.causes, s.all) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t%d\t%d\t%d\t%d\t\n", r.name, r.excursions, r.slow, r.good,
			percent(r.good, r.slow), inMinutes(r.leads), r.said, r.came, r.averted, r.vain)
	}
	w.Flush()
	fmt.Fprintln(out)
	fmt.Fprintf(w, "probe\troom-months\tslow\t≥ %.0f min before\tshare\tfalse per room-month\tforecasts\tcame sooner\tlater\tinterval held\tat raising\tmedian width\t\n",
		earlyBy.Minutes())
	for _, r := range append(s.probes, s.all) {
		fmt.Fprintf(w, "%s\t%.0f\t%d\t%d\t%s\t%.2f\t%d\t%d\t%d\t%s\t%s\t%s\t\n", r.name, r.months, r.slow, r.good, percent(r.good, r.slow),
			r.falseRate(), r.inside.n(), r.inside.sooner, r.inside.later, percent(r.inside.held, r.inside.n()), percent(r.firsts.held, r.firsts.n()), inMinutes(r.widths))
	}
	w.Flush()
	a := &s.all
	in := share(a.inside.held, a.inside.n())
	fmt.Fprintln(out)
	fmt.Fprintf(w, "target\t\tmeasured\t\t\n")
	fmt.Fprintf(w, "slow excursions announced ≥ 20 min before\t≥ 80 %%\t%.1f %%\t%s\t\n", 100*a.early(), verdict(a.early() >= leastEarly))
	fmt.Fprintf(w, "false pre-alarms per room-month\t≤ 1\t%.2f\t%s\t\n", a.falseRate(), verdict(a.falseRate() <= mostFalse))
	fmt.Fprintf(w, "90 %% intervals that hold the truth\t85–95 %%\t%.1f %%\t%s\t\n", 100*in, verdict(in >= leastInside && in <= mostInside))
	w.Flush()
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func share(part, all int) float64 { return float64(part) / float64(max(all, 1)) }

func percent(part, all int) string {
	if all == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*share(part, all))
}

func inMinutes(v []float64) string {
	if len(v) == 0 {
		return "–"
	}
	v = slices.Sorted(slices.Values(v))
	return fmt.Sprintf("%.0f min", v[len(v)/2])
}

func trim(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
