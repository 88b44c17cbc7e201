package excursion

import (
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
)

// All texts that people read are made in this file, in English.

var dispositionWords = map[agent.Disposition]string{
	agent.DispositionRelease: "released", agent.DispositionUseFirst: "to be used first", agent.DispositionReject: "rejected",
}

// message says what happened to a case: where, for how long, how it ended, why.
func message(ev *agent.ExcursionEvent) string {
	where := string(ev.Zone)
	if where == "" && len(ev.Outside) > 0 {
		where = string(ev.Outside[0].Point)
	}
	switch ev.Transition {
	case agent.CaseOpened:
		return fmt.Sprintf("%s: excursion; cause: %s", where, ev.Cause)
	case agent.CaseJoined:
		return fmt.Sprintf("%s: excursion at %s too", where, ev.Outside[len(ev.Outside)-1].Point)
	case agent.CaseCaused:
		return fmt.Sprintf("%s: cause of the excursion: %s", where, ev.Cause)
	case agent.CaseEnded:
		if ev.State == agent.ExcursionUnknown {
			return fmt.Sprintf("%s: excursion ended unknown after %s that were seen: a sensor gave no value while it was out", where, span(ev.OutS))
		}
		return fmt.Sprintf("%s: excursion returned after %s", where, span(ev.OutS))
	case agent.CaseResumed:
		return where + ": excursion goes on: there are values again, and they are out of range"
	case agent.CaseEvaluated:
		return where + ": excursion evaluated: " + ev.Evaluation
	case agent.CaseDisposed:
		return where + ": goods " + dispositionWords[ev.Disposition]
	case agent.CaseDropped:
		return fmt.Sprintf("%s: %d cases are open; this one left the list undecided", where, MaxCases)
	}
	return where + ": excursion " + string(ev.Transition)
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
