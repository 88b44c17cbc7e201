package alarm

import (
	"cmp"
	"strconv"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase"
)

// limits are the findings that compare a value with a limit, and on which side they are.
var limits = map[Word]int{Above: 1, AtOrAbove: 1, Below: -1, AtOrBelow: -1}

// measured has the words about values.
func (x facts) measured(name string) (string, bool) {
	f, q := x.f, x.i.quantity()
	switch name {
	case "quantity":
		return x.Quantity(q), true
	case "subject": // where and what is measured
		return x.say("subject"), true
	case "value":
		return x.value(), true
	case "condition":
		return x.condition(), true
	case "state": // the one that is outside
		text, _ := x.State(q, limits[f.Word] > 0)
		return text, true
	case "limit":
		return x.known(f.Limit, x.Exact), true
	case "margin": // by how much a value may change
		return x.known(f.Limit, x.ExactDifference), true
	case "change":
		return x.known(f.Other, x.Difference), true
	case "dew":
		return x.known(f.Limit, x.rounded), true
	case "fault":
		if f.Fault == agent.FaultNone {
			return x.say("fault.none"), true
		}
		return x.Say("fault", phrase.Set{"word": x.Fault(f.Fault)}.Word), true
	case "high", "low", "high-value", "low-value", "apart":
		return x.twins(name)
	}
	return "", false
}

// value is the newest value; of a state, the state.
func (x facts) value() string {
	f, q := x.f, x.i.quantity()
	if f.Value == nil {
		return x.Unknown()
	}
	if text, ok := x.State(q, *f.Value != 0); ok {
		return text
	}
	if f.Word == Rises || f.Word == Falls { // the limit is one for its change
		return x.rounded(*f.Value, q)
	}
	return x.Value(*f.Value, f.Limit, q)
}

// rounded is a value that is compared with nothing.
func (x facts) rounded(v agent.Value, q agent.Quantity) string { return x.Value(v, nil, q) }

// known is a value that may not be known, in the words that say gives.
func (x facts) known(v *agent.Value, say func(agent.Value, agent.Quantity) string) string {
	if v == nil {
		return x.Unknown()
	}
	return say(*v, x.i.quantity())
}

// state reports whether a state is watched.
func (x facts) state() bool { return x.i.quantity().Kind() == agent.State }

// asFound reports whether the value is a state, and still the one that is outside.
func (x facts) asFound() bool {
	return x.state() && x.f.Value != nil && (*x.f.Value != 0) == (limits[x.f.Word] > 0)
}

// condition is "above 8 °C for 5 min", or "open for 5 min" where the value is a state.
func (x facts) condition() string {
	if x.state() {
		return x.say("condition.state")
	}
	return x.say("condition." + string(x.f.Word))
}

// both reports whether two probes have said what they measure.
func (x facts) both() bool { return len(x.f.Points) == 2 && x.f.Value != nil && x.f.Other != nil }

// twins has the words about two probes that differ.
func (x facts) twins(name string) (string, bool) {
	if !x.both() {
		return "", false
	}
	f, q := x.f, x.i.quantity()
	switch name {
	case "high":
		return string(f.Points[0].Sensor()), true
	case "low":
		return string(f.Points[1].Sensor()), true
	case "high-value":
		return x.rounded(*f.Value, q), true
	case "low-value":
		return x.rounded(*f.Other, q), true
	}
	return x.Difference(*f.Value-*f.Other, q), true
}

// lasted has the words about time.
func (x facts) lasted(name string) (string, bool) {
	f, i := x.f, x.i
	switch name {
	case "span":
		return x.Span(f.For), true
	case "soonest":
		return x.Span(f.Soonest), true
	case "time": // how long it had to last
		return x.time(), true
	case "within": // of a rolling total
		return x.Window(f.Window), true
	case "window": // the same as the config has it
		return f.Within, true
	case "date":
		return f.Text, true
	case "shelf":
		return x.Span((i.over.Until - x.moment).Duration()), true
	case "after": // how long it lasted
		if i.start == 0 || x.moment == 0 {
			return "", true
		}
		lasted := (x.moment - i.start).Duration().Round(time.Second)
		return x.Say("after", phrase.Set{"span": x.Span(lasted)}.Word), true
	}
	return "", false
}

func (x facts) time() string {
	switch f := x.f; {
	case f.Total && f.Within == "trip":
		return x.say("time.trip")
	case f.Total && f.Within == "day":
		return x.say("time.day")
	case f.Total:
		return x.say("time.within")
	case f.For > 0:
		return x.say("time.for")
	}
	return ""
}

// counted has the words about pieces, codes, devices and troubles.
func (x facts) counted(name string) (string, bool) {
	f := x.f
	switch name {
	case "pieces":
		return f.Value.String(), true
	case "minimum":
		return f.Limit.String(), true
	case "code":
		return strconv.Quote(f.Code), true
	case "count":
		return strconv.FormatInt(f.Count, 10), true
	case "devices":
		return x.devices(), true
	case "bus":
		return x.i.bus, true
	case "together":
		return x.together(), true
	case "sensors":
		return strconv.Itoa(len(x.e.together(x.i))), true
	case "points":
		return strconv.Itoa(len(x.e.pointsTogether(x.i))), true
	case "troubles":
		return x.troubles(), true
	}
	return "", false
}

// troubles says what is wrong with the gateway. A trouble that has no title in the language goes
// by its English one.
func (x facts) troubles() string {
	titles := make([]string, len(x.f.Troubles))
	for n, t := range x.f.Troubles {
		titles[n] = cmp.Or(troubleTitles[x.Voice().Language][t.Code], t.Title)
		if t.Subject != "" {
			titles[n] = x.Say("of", phrase.Set{"subject": t.Subject, "title": titles[n]}.Word)
		}
	}
	return x.List(titles, maxNamed)
}
