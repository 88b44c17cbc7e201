package trip

import (
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// All texts that people read are made in this file, in English.

// message says what happened: "trip t-17 is 45 min late at Clinic (level 1)".
func message(ev *agent.TripEvent) string {
	trip := "trip " + string(ev.ID)
	switch ev.Transition {
	case agent.TripStarted:
		return trip + " started" + with(ev)
	case agent.TripLoading:
		return trip + " is loading"
	case agent.TripDeparted:
		return trip + " departed"
	case agent.TripUnready:
		return trip + " departed before " + compartments(ev.Compartments)
	case agent.TripArrived:
		return trip + " reached " + ev.Stop + punctual(ev.LateS)
	case agent.TripSkipped:
		return trip + " skipped " + ev.Stop
	case agent.TripUnloading:
		return trip + " is unloading"
	case agent.TripEnded:
		return trip + " ended"
	case agent.TripDeviated:
		if ev.Deviation == agent.DeviationLate {
			return fmt.Sprintf("%s is %s late at %s (level %d)", trip, span(ev.LateS), ev.Stop, ev.Level)
		}
		return fmt.Sprintf("%s is %d m off its corridor (level %d)", trip, ev.DistanceM, ev.Level)
	case agent.TripRecovered:
		switch {
		case ev.Deviation == agent.DeviationLate:
			return trip + " is no longer late at " + ev.Stop
		case ev.Phase != agent.PhaseUnderWay:
			return fmt.Sprintf("%s is %s: its corridor no longer counts", trip, ev.Phase)
		}
		return trip + " is back in its corridor"
	}
	return trip + " " + string(ev.Transition)
}

// with names what travels: ": shipment 4711, vehicle B-XY 1".
func with(ev *agent.TripEvent) string {
	var parts []string
	for _, p := range []struct{ name, text string }{
		{"shipment", ev.Shipment}, {"carrier", ev.Carrier}, {"lane", ev.Lane}, {"vehicle", ev.Vehicle}, {"seal", ev.Seal},
	} {
		if p.text != "" {
			parts = append(parts, p.name+" "+p.text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// compartments says which are not in range: "front (at 9.5) and rear (unknown) were in range".
func compartments(list []agent.TripCompartment) string {
	names := make([]string, len(list))
	for i, c := range list {
		what := "unknown"
		if c.Value != nil {
			what = "at " + c.Value.String() + " °C"
		}
		names[i] = fmt.Sprintf("%s (%s)", c.Zone, what)
	}
	verb := " was in range"
	if len(names) > 1 {
		verb = " were in range"
	}
	return strings.Join(names, ", ") + verb
}

func punctual(late int64) string {
	switch {
	case late >= 60:
		return ", " + span(late) + " late"
	case late <= -60:
		return ", " + span(-late) + " early"
	}
	return ""
}

// span writes seconds for people: 45 s, 5 min, 1 h 30 min.
func span(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	h, m, s := int64(d.Hours()), int64(d.Minutes())%60, seconds%60
	switch {
	case h > 0 && m > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case h > 0:
		return fmt.Sprintf("%d h", h)
	case m > 0:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d s", s)
}
