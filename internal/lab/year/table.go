package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

func (s *summary) print(out io.Writer) {
	rows := append(slices.Clone(s.rows), &s.all)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "profile\trooms\texcursions\traised\tsuppressed\tinstrument silent\twithin its error\tMISSED\tlate: median\t95 %\tmost\tbeyond its error\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n", r.profile, r.rooms, r.excursions, r.raised, r.suppressed,
			r.unseen, r.doubtful, r.missed, quantile(r.late, 0.5), quantile(r.late, 0.95), quantile(r.late, 1), r.latest)
	}
	w.Flush()
	fmt.Fprintln(out)
	fmt.Fprintln(w, "profile\tzone-weeks\talarms of the profile\twithout excursion\tof sensors, mains, doors\tboth per zone and week\tworst room\tweeks with more than 1\tnothing broken, per zone and week\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%.0f\t%d\t%d\t%d\t%.3f\t%.3f\t%d\t%.3f\t\n", r.profile, r.weeks, r.reached, r.without, r.others, r.perWeek(), r.worst,
			r.busyWeeks, float64(r.atWork)/max(r.weeks, 1e-9))
	}
	w.Flush()
	a := &s.all
	fmt.Fprintln(out)
	fmt.Fprintln(w, "target\t\tmeasured\t\t")
	fmt.Fprintf(w, "excursions missed\t0\t%d of %d\t%s\t\n", a.missed, a.excursions, verdict(a.missed == 0))
	fmt.Fprintf(w, "alarms to people without one, per zone and week, worst room\t≤ 1\t%.3f\t%s\t\n", a.worst, verdict(a.worst <= most))
	w.Flush()
}

// list prints what the tables only count.
func (s *summary) list(out io.Writer) {
	for _, m := range s.remarks {
		fmt.Fprintf(out, "room %d %s %s: %s to %s: %s\n", m.room, m.profile, m.alarm, clockOf(m.from), clockOf(m.to), m.what)
	}
}

func clockOf(t time.Duration) string {
	return fmt.Sprintf("day %d %02d:%02d:%02d", int64(t/day), int64(t%day/time.Hour), int64(t%time.Hour/time.Minute), int64(t%time.Minute/time.Second))
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func quantile(v []time.Duration, q float64) string {
	if len(v) == 0 {
		return "–"
	}
	v = slices.Sorted(slices.Values(v))
	return v[int(q*float64(len(v)-1))].String()
}
