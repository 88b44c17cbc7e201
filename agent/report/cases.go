package report

import (
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Case is an excursion's case as it stands after its newest event, which may be later than the
// report's time: a decision about the goods takes days.
type Case struct {
	Opened time.Time `json:"opened,omitzero"` // when it was recorded first
	agent.ExcursionEvent
	Acts []CaseAct `json:"acts"` // what people did about it, in their order
}

// CaseAct is something that a person did about a case.
type CaseAct struct {
	T          time.Time                 `json:"t,omitzero"`
	Transition agent.ExcursionTransition `json:"transition"`
	By         string                    `json:"by"`
	Comment    string                    `json:"comment,omitempty"`
}

// mostActs bounds what is kept of one case.
const mostActs = 100

// excursion takes an event of a case. In the report are the cases of its zones and its trip
// whose excursion overlaps its time.
func (b *Builder) excursion(at agent.Instant, e *agent.ExcursionEvent) {
	if b.zones[e.Zone] == nil && (e.Trip == "" || e.Trip != b.set.Trip) {
		return
	}
	l := &b.cases
	i := slices.IndexFunc(l.Items, func(c Case) bool { return c.ID == e.ID })
	began := e.Began
	switch {
	case !began.IsZero():
	case i >= 0:
		began = l.Items[i].Opened
	default:
		began = wall(at)
	}
	if !b.spans(began, e.Ended) {
		if i >= 0 { // it ended before
			l.Items = slices.Delete(l.Items, i, i+1)
			l.Total--
		}
		return
	}
	if i < 0 {
		full := len(l.Items) == b.set.Most
		if !full || e.Transition == agent.CaseOpened {
			l.add(Case{Opened: wall(at), Acts: []CaseAct{}}, b.set.Most)
		}
		if full {
			return
		}
		i = len(l.Items) - 1
	}
	c := &l.Items[i]
	c.ExcursionEvent = *e
	if e.By != "" && len(c.Acts) < mostActs {
		c.Acts = append(c.Acts, CaseAct{T: wall(at), Transition: e.Transition, By: e.By, Comment: e.Comment})
	}
}

// spans reports whether something that began and ended then, or has not ended, overlaps the
// report's time.
func (b *Builder) spans(began, ended time.Time) bool {
	early := !b.set.From.IsZero() && !ended.IsZero() && ended.Before(b.set.From)
	late := !b.set.To.IsZero() && !began.IsZero() && !began.Before(b.set.To)
	return !early && !late
}
