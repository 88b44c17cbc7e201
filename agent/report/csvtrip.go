package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/frostline/frostline/agent"
)

// trip writes the rows of a trip.
func (t *table) trip(tr *Trip) {
	status := "ended"
	if tr.Open {
		status = "open"
	}
	t.add(row{row: "trip", name: string(tr.ID), from: tr.Started, to: tr.Ended, status: status})
	for _, f := range []struct{ name, text string }{
		{"shipment", tr.Shipment}, {"carrier", tr.Carrier}, {"lane", tr.Lane}, {"vehicle", tr.Vehicle}, {"seal", tr.Seal},
	} {
		if f.text != "" {
			t.add(row{row: "trip", name: f.name, comment: text(f.text)})
		}
	}
	at := map[agent.ZoneID]agent.TripCompartment{}
	for _, c := range tr.AtDeparture {
		at[c.Zone] = c
	}
	for _, c := range tr.Compartments {
		r := row{row: "compartment", zone: string(c.Zone), name: text(c.Profile), from: tr.Departed}
		if d := at[c.Zone]; d.State != "" {
			r.status, r.point = string(d.State), string(d.Point)
			if d.Value != nil {
				r.value = d.Value.String()
			}
		}
		t.add(r)
	}
	for _, s := range tr.Stops {
		r := row{row: "stop", name: text(s.Name), from: s.Due, to: s.Reached, status: "planned"}
		switch {
		case s.Skipped:
			r.status = "skipped"
		case !s.Reached.IsZero():
			late := float64(s.LateS)
			r.status, r.seconds = "reached", &late
		}
		t.add(r)
	}
	for _, p := range tr.Phases {
		t.add(row{row: "phase", name: string(p.Phase), from: p.From, to: p.To, seconds: p.S})
	}
	for _, d := range tr.Deviations.Items {
		r := row{row: "deviation", name: string(d.Deviation), from: d.From, to: d.To, status: fmt.Sprintf("level %d", d.Level), comment: text(d.Stop)}
		if d.Deviation == agent.DeviationCorridor {
			r.value, r.unit = strconv.FormatInt(d.DistanceM, 10), "m"
		} else {
			late := float64(d.LateS)
			r.seconds = &late
		}
		t.add(r)
	}
	t.more("deviation", row{}, tr.Deviations.Total, len(tr.Deviations.Items))
	for i := range tr.Events.Items {
		e := &tr.Events.Items[i]
		r := row{row: "step", name: string(e.Transition), from: e.T, status: string(e.Phase), by: text(e.By), comment: text(e.Comment)}
		if e.Comment == "" {
			r.comment = text(e.Message)
		}
		t.add(r)
	}
	t.more("step", row{}, tr.Events.Total, len(tr.Events.Items))
}

// excursionCase writes the rows of a case.
func (t *table) excursionCase(c *Case) {
	out := float64(c.OutS)
	words := []string{"cause " + string(c.Cause)}
	if c.Evaluation != "" {
		words = append(words, "evaluation: "+c.Evaluation)
	}
	if c.Disposition != "" {
		words = append(words, "disposition "+string(c.Disposition))
	}
	t.add(row{
		row: "case", zone: string(c.Zone), name: string(c.ID), from: c.Began, to: c.Ended, seconds: &out,
		status: string(c.State), comment: strings.Join(words, "; "),
	})
	for _, a := range c.Acts {
		t.add(row{row: "act", zone: string(c.Zone), name: string(c.ID), from: a.T, status: string(a.Transition), by: text(a.By), comment: text(a.Comment)})
	}
}
