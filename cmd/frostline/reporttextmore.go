package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	reports "github.com/frostline/frostline/agent/report"
)

// trip is what a trip was and how it went.
func (p *reportPage) trip(t *reports.Trip) {
	p.section("Trip")
	rows := [][]string{}
	line := func(name, text string) {
		if text != "" {
			rows = append(rows, []string{name, text})
		}
	}
	line("shipment", t.Shipment)
	line("carrier", t.Carrier)
	line("lane", t.Lane)
	line("vehicle", t.Vehicle)
	line("seal", t.Seal)
	for _, ph := range t.Phases {
		text := p.span(ph.From, ph.To)
		if ph.S != nil {
			text += " (" + held(*ph.S) + ")"
		}
		line(string(ph.Phase), text)
	}
	if t.Open {
		line("ended", "not yet")
	}
	for _, c := range t.AtDeparture {
		text := string(c.State) + " at departure"
		if c.Value != nil {
			text += fmt.Sprintf(" (%s at %s °C)", c.Point, c.Value)
		}
		line("compartment "+string(c.Zone), strings.TrimSpace(c.Profile+" "+text))
	}
	if t.Unready {
		line("unready", "departed before every compartment was in range")
	}
	for _, s := range t.Stops {
		line("stop "+s.Name, p.stop(s))
	}
	for _, d := range t.Deviations.Items {
		line(string(d.Deviation), p.deviation(d))
	}
	if t.Missing > 0 {
		line("missing", plural(int(t.Missing), "event")+" of the trip not on record")
	}
	p.table(rows)
	p.tripActs(t)
}

func (p *reportPage) stop(s reports.TripStop) string {
	switch {
	case s.Skipped:
		return "skipped"
	case s.Reached.IsZero():
		return "not reached"
	}
	text := "reached " + p.at(s.Reached)
	switch {
	case s.LateS > 0:
		text += ", " + seconds(s.LateS) + " late"
	case s.LateS < 0:
		text += ", " + seconds(-s.LateS) + " early"
	}
	return text
}

func (p *reportPage) deviation(d reports.Deviation) string {
	text := p.span(d.From, d.To) + fmt.Sprintf(", level %d", d.Level)
	if d.Deviation == agent.DeviationCorridor {
		return text + fmt.Sprintf(", %d m from its line", d.DistanceM)
	}
	return text + fmt.Sprintf(", %s at %s", seconds(d.LateS), d.Stop)
}

// tripActs is what people did on the trip.
func (p *reportPage) tripActs(t *reports.Trip) {
	rows := [][]string{}
	for _, e := range t.Events.Items {
		if e.By != "" {
			rows = append(rows, []string{p.at(e.T), string(e.Transition), e.By, e.Comment})
		}
	}
	if len(rows) > 0 {
		shown := min(len(rows), fewOnPage)
		p.table(rows[:shown])
		p.more(int64(len(rows)), shown, "act")
	}
}

// cases are the excursions that are cases, with what people found and decided.
func (p *reportPage) cases() {
	p.section("Excursion cases")
	if p.doc.Cases.Total == 0 {
		p.printf("  none\n")
		return
	}
	shown := min(len(p.doc.Cases.Items), fewOnPage)
	for i := range p.doc.Cases.Items[:shown] {
		p.excursionCase(&p.doc.Cases.Items[i])
	}
	p.more(p.doc.Cases.Total, shown, "case")
}

func (p *reportPage) excursionCase(c *reports.Case) {
	state := string(c.State)
	if !c.Ended.IsZero() {
		state = seconds(c.OutS) + " out, " + state
	}
	p.printf("  %s: %s, %s\n", c.ID, p.span(c.Began, c.Ended), state)
	rows := [][]string{}
	for _, o := range c.Outside {
		text := "worst not known"
		if o.Worst != nil {
			text = "worst " + o.Worst.String()
		}
		if o.Limit != nil {
			text += ", limit " + o.Limit.String()
		}
		if o.Dead {
			text += ", gave no value for a time"
		}
		rows = append(rows, []string{"  " + string(o.Point), text})
	}
	if len(c.Items) > 0 {
		rows = append(rows, []string{"  goods", words(c.Items)})
	}
	cause := string(cmp.Or(c.Cause, agent.CauseUnknown))
	if c.CauseBy != "" {
		cause += ", says " + c.CauseBy
	}
	rows = append(rows, []string{"  cause", cause},
		[]string{"  evaluation", p.decided(c, agent.CaseEvaluated, c.Evaluation)},
		[]string{"  disposition", p.decided(c, agent.CaseDisposed, string(c.Disposition))})
	p.table(rows)
}

// decided is what a person decided last, with who, when and why; "none yet" if nobody did.
func (p *reportPage) decided(c *reports.Case, what agent.ExcursionTransition, text string) string {
	if text == "" {
		return "none yet"
	}
	for _, a := range slices.Backward(c.Acts) {
		if a.Transition != what {
			continue
		}
		text += " (" + a.By + ", " + p.at(a.T)
		if a.Comment != "" {
			text += ": " + a.Comment
		}
		return text + ")"
	}
	return text
}

// alarms are the occurrences, each with what became of it and what people said.
func (p *reportPage) alarms() {
	p.section("Alarms")
	if p.doc.Alarms.Total == 0 {
		p.printf("  none\n")
		return
	}
	var order []agent.AlarmEventID
	of := map[agent.AlarmEventID][]*reports.Alarm{}
	for i := range p.doc.Alarms.Items {
		a := &p.doc.Alarms.Items[i]
		if of[a.ID] == nil {
			order = append(order, a.ID)
		}
		of[a.ID] = append(of[a.ID], a)
	}
	shown := min(len(order), fewOnPage)
	for _, id := range order[:shown] {
		p.occurrence(of[id])
	}
	p.more(int64(len(order)), shown, "alarm")
	if left := p.doc.Alarms.Total - int64(len(p.doc.Alarms.Items)); left > 0 {
		p.printf("  %s of alarms are counted and not listed\n", plural(int(left), "transition"))
	}
}

// occurrence is one alarm from its raising on.
func (p *reportPage) occurrence(steps []*reports.Alarm) {
	first := steps[0]
	what := first.Message
	if what == "" {
		what = string(first.Alarm)
	}
	p.printf("  %s  %s  %s\n", first.Severity, first.Alarm, what)
	rows := [][]string{}
	for _, a := range steps {
		var why []string
		if a.By != "" {
			why = append(why, "by "+a.By)
		}
		if a.ForS > 0 {
			why = append(why, "for "+(time.Duration(a.ForS)*time.Second).String())
		}
		if a.Comment != "" {
			why = append(why, a.Comment)
		}
		if a.Before {
			why = append(why, "before this report's time")
		}
		rows = append(rows, []string{"  " + p.at(a.T), string(a.Transition), strings.Join(why, ": ")})
	}
	shown := min(len(rows), fewOnPage)
	p.table(rows[:shown])
	p.more(int64(len(rows)), shown, "transition")
}
