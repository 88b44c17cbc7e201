package report

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// doubtful values open an excursion and do not end one, as with the rule.
const doubtful = agent.MarkImplausible | agent.MarkTooFast

// watch follows one limit at one point. Whether the limit was reached is what its rule says;
// beside it the watch keeps the time outside and the excursions. Outside of a limit on the
// value is a value; outside of another kind of rule is where the rule stands active.
type watch struct {
	limit *Limit
	point alarm.Point
	most  int
	rule  alarm.Rule
	cond  alarm.Condition
	armed bool // the limit holds
	ever  bool // it did

	held    alarm.Held
	out     alarm.Line // time outside
	unknown alarm.Line // time in gaps
	silent  alarm.Line // of it, since the newest value
	blind   alarm.Line // of it, in gaps that are long enough to matter
	vague   bool       // a gap's time is not known
	run     alarm.Line // how long the present excursion may have lasted, such gaps included
	longest alarm.Line // the longest that one may have lasted

	open    bool
	present Excursion
	dead    bool      // of the open excursion: the point was silent for longer than a value holds
	ceased  time.Time // of the open excursion: when its newest value ceased to hold
	report  LimitReport
}

func newWatch(l *Limit, p alarm.Point, most int, transit bool) *watch {
	w := &watch{limit: l, point: p, most: most, report: LimitReport{Limit: l.Name}}
	w.arm(!l.Transit || transit)
	return w
}

// arm begins anew with a rule that has seen nothing, as each departure does.
func (w *watch) arm(armed bool) {
	kind, set := w.limit.kind()
	w.rule, w.cond = kind.New(set, alarm.Target{Point: w.point}), alarm.Condition{}
	w.armed, w.ever = armed, w.ever || armed
}

// travel says what became of the gateway's trip, at a moment to which the watch has been advanced.
func (w *watch) travel(t alarm.Tick, at agent.Instant, begins, transit bool) {
	if begins && w.armed && t.Now != 0 {
		w.step(t, &alarm.Input{At: at, Trip: &alarm.Trip{Begins: true, Transit: transit}})
	}
	if !w.limit.Transit || w.armed == transit {
		return
	}
	w.end(t.Wall, StillOut)
	w.held.Gone()
	w.silent = 0
	w.arm(transit)
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
	if !w.armed {
		return
	}
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

// gap counts time in which no value held; hold is for how long one would have. A point that
// is silent for no longer than that hides no more than the time between two samples does.
func (w *watch) gap(d, hold alarm.Line) {
	if !w.armed {
		return
	}
	was := w.silent
	w.unknown += d
	w.silent += d
	if w.silent <= hold {
		return
	}
	if was <= hold {
		d += was
	}
	w.dead = true
	w.blind += d
	w.run += d
	w.longest = max(w.longest, w.run)
}

// sample takes a reading, at a moment to which the watch has been advanced.
func (w *watch) sample(t alarm.Tick, in *alarm.Input, hold alarm.Line) {
	if !w.armed {
		return
	}
	w.step(t, in)
	r := in.Reading
	if r.OK() {
		w.silent = 0
	}
	switch {
	case r.OK() && w.isOutside(r.Value):
		w.outside(t, r, hold)
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

func (w *watch) isOutside(v agent.Value) bool {
	if w.limit.Kind != nil {
		return w.cond.Active
	}
	return w.limit.outside(v)
}

func (w *watch) outside(t alarm.Tick, r *agent.Reading, hold alarm.Line) {
	at := t.Wall
	if !at.IsZero() {
		at = at.Add((t.Sampled - t.Now).Duration())
	}
	v, high := r.Value, w.limit.high()
	if w.limit.Kind != nil {
		found := w.rule.Explain()
		high = found.Word != alarm.Below && found.Word != alarm.AtOrBelow
		if found.Value != nil {
			v = *found.Value
		}
	}
	if !w.open {
		w.open, w.dead = true, false
		w.present = Excursion{Begin: at, Worst: v, WorstAt: at, UnknownS: -seconds(w.unknown)}
		if w.report.Excursions.Total == 0 {
			w.report.Began = at
		}
	}
	w.present.Reached = w.present.Reached || w.cond.Active
	w.held.There(t, hold)
	w.ceased = time.Time{}
	if beyond(high, v, w.present.Worst) {
		w.present.Worst, w.present.WorstAt = v, at
	}
	if w.report.Worst == nil || beyond(high, v, w.report.Worst.V) {
		w.report.Worst = &Extreme{V: v, T: at, Marks: r.Marks.Words()}
	}
}

// beyond reports whether a is farther outside than b.
func beyond(high bool, a, b agent.Value) bool {
	if high {
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
	w.present, w.ceased = Excursion{}, time.Time{}
}

// finish ends the report's time; holds says that a value held until then.
func (w *watch) finish(at time.Time, holds bool) {
	w.report.Settled = holds && !w.open
	if w.open && !holds {
		w.end(w.ceased, EndUnknown)
	}
	w.end(at, StillOut)
	w.report.OutsideS, w.report.UnknownS = seconds(w.out), seconds(w.unknown)
	switch {
	case w.reached():
	case !w.ever:
		w.report.Verdict = VerdictNone
	case w.hidden():
		w.report.Verdict = VerdictIncomplete
	default:
		w.report.Verdict = VerdictPass
	}
}

// hidden reports whether the gaps are long enough to hide that the limit was reached. Of a
// total within a day or a rolling time all gaps count as if they were within one; of another
// kind of rule than a limit on the value any gap counts that is longer than a value holds.
func (w *watch) hidden() bool {
	switch {
	case w.vague:
		return true
	case w.blind == 0:
		return false
	case w.limit.Kind != nil:
		return true
	}
	byRun := w.limit.For > 0 || w.limit.Total == 0
	return byRun && w.longest >= alarm.Millis(w.limit.For) ||
		w.limit.Total > 0 && w.out+w.blind >= alarm.Millis(w.limit.Total)
}
