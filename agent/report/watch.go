package report

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// doubtful values open an excursion and do not end one, as with the rule.
const doubtful = agent.MarkImplausible | agent.MarkTooFast

// watch follows one limit at one point. Whether the limit was reached is what its rule says;
// beside it the watch keeps the time outside and the excursions.
type watch struct {
	limit *Limit
	most  int
	rule  alarm.Rule
	cond  alarm.Condition

	held    alarm.Held
	out     alarm.Line // time outside
	unknown alarm.Line // time in gaps
	vague   bool       // a gap's time is not known
	run     alarm.Line // how long the present excursion may have lasted, gaps included
	longest alarm.Line // the longest that one may have lasted

	open    bool
	present Excursion
	silent  alarm.Line // of the open excursion: how long there has been no value
	dead    bool       // of the open excursion: there was none for longer than a value holds
	ceased  time.Time  // of the open excursion: when its newest value ceased to hold
	report  LimitReport
}

func newWatch(l *Limit, p alarm.Point, most int) *watch {
	set := l.settings()
	return &watch{limit: l, most: most, rule: limit.Kind.New(&set, alarm.Target{Point: p}), report: LimitReport{Limit: l.Name}}
}

// advance counts up to a moment, and steps the rule whenever it wants to be until then.
func (w *watch) advance(to alarm.Line, tick func(alarm.Line) alarm.Tick) {
	for w.cond.Next != 0 && w.cond.Next <= to {
		w.step(tick(w.cond.Next), nil)
	}
	from, end := w.held.Advance(to)
	if end > from {
		w.out += end - from
		w.run += end - from
	}
	if w.open && w.held.Until <= to && w.ceased.IsZero() {
		w.ceased = tick(w.held.Until).Wall
	}
}

func (w *watch) step(t alarm.Tick, in *alarm.Input) {
	w.cond = w.rule.Step(t, in)
	if !w.cond.Active {
		return
	}
	w.present.Reached = w.present.Reached || w.open
	if !w.reached() {
		w.report.Reached, w.report.Verdict = t.Wall, VerdictFail
	}
}

func (w *watch) reached() bool { return w.report.Verdict == VerdictFail }

// gap counts time in which no value held; hold is for how long one would have.
func (w *watch) gap(d, hold alarm.Line) {
	w.unknown += d
	w.run += d
	w.silent += d
	w.dead = w.dead || w.silent > hold
	w.longest = max(w.longest, w.run)
}

// sample takes a reading, at a moment to which the watch has been advanced.
func (w *watch) sample(t alarm.Tick, in *alarm.Input, hold alarm.Line) {
	r := in.Reading
	if r.OK() && w.limit.outside(r.Value) {
		w.outside(t, r, hold)
	}
	w.step(t, in)
	switch {
	case r.OK() && w.limit.outside(r.Value):
	case r.OK() && r.Marks&doubtful == 0:
		w.end(t.Wall, Returned)
		w.held.Gone()
	default:
		w.held.Gap(t.Now)
		if w.open && w.ceased.IsZero() {
			w.ceased = t.Wall
		}
	}
}

func (w *watch) outside(t alarm.Tick, r *agent.Reading, hold alarm.Line) {
	at := t.Wall
	if !at.IsZero() {
		at = at.Add((t.Sampled - t.Now).Duration())
	}
	if !w.open {
		w.open, w.dead = true, false
		w.present = Excursion{Begin: at, Worst: r.Value, WorstAt: at, UnknownS: -seconds(w.unknown)}
		if w.report.Excursions.Total == 0 && w.report.Began.IsZero() {
			w.report.Began = at
		}
	}
	w.held.There(t, hold)
	w.ceased, w.silent = time.Time{}, 0
	if w.beyond(r.Value, w.present.Worst) {
		w.present.Worst, w.present.WorstAt = r.Value, at
	}
	if w.report.Worst == nil || w.beyond(r.Value, w.report.Worst.V) {
		w.report.Worst = &Extreme{V: r.Value, T: at, Marks: r.Marks.Words()}
	}
}

// beyond reports whether a is farther outside than b.
func (w *watch) beyond(a, b agent.Value) bool {
	if w.limit.high() {
		return a > b
	}
	return a < b
}

// end ends the excursion, if there is one.
func (w *watch) end(at time.Time, how Ending) {
	w.longest = max(w.longest, w.run)
	w.run = 0
	if !w.open {
		return
	}
	w.open = false
	if w.dead {
		how = EndUnknown
	}
	e := w.present
	e.End, e.Ending, e.DurationS = at, how, seconds(w.held.Time)
	e.UnknownS += seconds(w.unknown)
	w.report.LongestS = max(w.report.LongestS, e.DurationS)
	w.report.Excursions.add(e, w.most)
	w.present, w.ceased, w.silent = Excursion{}, time.Time{}, 0
}

// finish ends the report's time; holds says that a value held until then.
func (w *watch) finish(at time.Time, holds bool) {
	w.report.Settled = holds && !w.open
	if w.open && !holds {
		w.end(w.ceased, EndUnknown)
	}
	w.end(at, StillOut)
	w.report.OutsideS, w.report.UnknownS = seconds(w.out), seconds(w.unknown)
	if !w.reached() {
		w.report.Verdict = VerdictPass
		if w.hidden() {
			w.report.Verdict = VerdictIncomplete
		}
	}
}

// hidden reports whether the gaps are long enough to hide that the limit was reached. Of a
// total within a day or a rolling time all gaps count as if they were within one.
func (w *watch) hidden() bool {
	if w.vague {
		return true
	}
	if w.unknown == 0 {
		return false
	}
	byRun := w.limit.For > 0 || w.limit.Total == 0
	return byRun && w.longest >= alarm.Millis(w.limit.For) ||
		w.limit.Total > 0 && w.out+w.unknown >= alarm.Millis(w.limit.Total)
}
