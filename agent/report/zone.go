package report

import (
	"encoding/json"
	"time"

	"github.com/frostline/frostline/agent"
)

// pointReport is what a track found, after finish. span is the report's time.
func (t *track) pointReport(span time.Duration) PointReport {
	r := t.report
	r.Point, r.Quantity, r.Unit, r.Role = t.def.Point, t.def.Quantity, t.def.Quantity.Unit(), t.def.Role
	if t.every > noInterval {
		r.IntervalS = t.every.Seconds()
	}
	r.Summary = t.stats.summary(t.def.Quantity, t.span(span))
	r.Gaps, r.FaultTimes, r.Instruments = t.gaps, t.faults, t.used
	r.Limits, r.Verdict = []LimitReport{}, VerdictNone
	for _, w := range t.limits {
		r.Limits = append(r.Limits, w.report)
		if !w.limit.Advisory {
			r.Verdict = worse(r.Verdict, w.report.Verdict)
		}
	}
	return r
}

// spoke reports whether there is anything to say of the point: a point that was there before
// the report's time, and not in it, is none of the report's.
func (t *track) spoke() bool { return t.stats.n+t.stats.faults > 0 || t.stats.covered > 0 }

// span is the time in which the point could have had values: the report's, or what was
// counted of it where a stepped clock makes that longer.
func (t *track) span(whole time.Duration) time.Duration {
	return max(whole, (t.stats.covered + t.lost).Duration())
}

// zoneReport is what the tracks of a zone found, after finish.
func zoneReport(z *Zone, tracks []*track, span time.Duration) ZoneReport {
	r := ZoneReport{
		Zone: z.ID, Name: z.Name, Profile: z.Profile, Verdict: VerdictNone,
		Limits: []ZoneLimit{}, Quantities: []ZoneSummary{}, Points: []PointReport{},
	}
	for _, t := range tracks {
		r.Points = append(r.Points, t.pointReport(span))
	}
	for i := range z.Limits {
		l := zoneLimit(&z.Limits[i], r.Points)
		r.Limits = append(r.Limits, l)
		if !l.Advisory {
			r.Verdict = worse(r.Verdict, l.Verdict)
		}
	}
	for _, q := range agent.Quantities() {
		var sum stats
		var points int
		var whole time.Duration
		for _, t := range tracks {
			if t.def.Quantity != q || t.def.Role == agent.RoleOutside {
				continue
			}
			if points == 0 {
				sum.kinetic.Energy = t.b.set.Energy
			}
			sum.merge(&t.stats, t.def.Point)
			points++
			whole += t.span(span)
		}
		if points > 0 {
			r.Quantities = append(r.Quantities, ZoneSummary{Quantity: q, Unit: q.Unit(), Points: points, Summary: sum.summary(q, whole)})
		}
	}
	return r
}

// zoneLimit is the limit over all points that it watches.
func zoneLimit(l *Limit, points []PointReport) ZoneLimit {
	out := ZoneLimit{
		Limit: l.Name, Rule: l.rule(), Profile: l.Profile, Advisory: l.Advisory, Transit: l.Transit, Verdict: VerdictIncomplete,
	}
	watched := false
	for i := range points {
		for _, p := range points[i].Limits {
			if p.Limit != l.Name {
				continue
			}
			if !watched {
				out.Verdict, watched = p.Verdict, true
			}
			out.Verdict = worse(out.Verdict, p.Verdict)
			if p.OutsideS > out.OutsideS {
				out.Point, out.OutsideS = points[i].Point, p.OutsideS
			}
		}
	}
	return out
}

// MarshalJSON writes an empty list as [], not as null.
func (l List[T]) MarshalJSON() ([]byte, error) {
	items := l.Items
	if items == nil {
		items = []T{}
	}
	return json.Marshal(struct {
		Total int64 `json:"total"`
		Items []T   `json:"items"`
	}{l.Total, items})
}
