package report

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/climate"
)

// learning is how many readings of a point with an unknown interval are looked at to find it.
const learning = 32

// noInterval stands for the interval of a point of which one reading is all there is: its
// value holds for no time to speak of.
const noInterval = time.Millisecond

// track follows one point while it is in one zone, on a time line of its own that counts
// from its first moment in the report.
type track struct {
	b     *Builder
	zone  *Zone
	def   agent.Definition // the newest
	every time.Duration    // 0 while it is being learned
	wait  []waiting        // until then
	prior agent.Reading    // the newest before the report's time; without a definition there is none

	now  alarm.Line    // newest moment; 0 before the first
	last agent.Instant // that now stands for

	known   bool        // a value holds, until
	value   agent.Value // the newest
	counted alarm.Line  // up to when time was counted
	until   alarm.Line  // up to when the value holds
	silent  bool        // no value holds, since
	since   alarm.Line  // on the line, and
	ceased  time.Time   // by the clock; zero where that is not known
	vague   bool        // how long ago that was is not known

	stats   stats
	faults  List[FaultInterval]
	failing bool
	gaps    List[Gap]
	lost    alarm.Line // the gaps' time
	used    List[Instrument]
	limits  []*watch
	input   alarm.Input // of the limits; here it costs no allocation
	report  PointReport
}

type waiting struct {
	reading agent.Reading
	def     agent.Definition
}

func newTrack(b *Builder, z *Zone, d *agent.Definition) *track {
	t := &track{b: b, zone: z, def: *d}
	if b.set.Every != nil {
		t.every = b.set.Every(d.Point)
	}
	t.stats.kinetic.Energy = b.set.Energy
	if t.every > 0 {
		t.watch()
	}
	return t
}

// watch begins to look at the limits: the interval is known.
func (t *track) watch() {
	for i := range t.zone.Limits {
		if l := &t.zone.Limits[i]; l.watches(&t.def) {
			t.limits = append(t.limits, newWatch(l, alarm.Point{Definition: t.def, Every: t.every}, t.b.set.Most, t.b.transit))
		}
	}
}

// travel says what became of the gateway's trip at an instant.
func (t *track) travel(at agent.Instant, begins bool) {
	if t.every == 0 && len(t.wait) > 0 {
		t.learn()
	}
	if d, ok := at.Sub(t.last); t.now != 0 && (!ok || d > 0) {
		t.advance(at)
	}
	for _, w := range t.limits {
		w.travel(t.tick(t.now), at, begins, t.b.transit)
	}
}

// add takes a reading of the report's time.
func (t *track) add(r *agent.Reading, d *agent.Definition) {
	if t.every == 0 {
		if t.wait = append(t.wait, waiting{*r, *d}); len(t.wait) < learning {
			return
		}
		t.learn()
		return
	}
	if t.now == 0 && r.At.Wall.Equal(t.b.set.From) {
		t.prior = agent.Reading{} // it held until the report's time begins, and no longer
	}
	t.begin(r.At)
	t.def = *d
	t.advance(r.At)
	t.sample(r)
}

// learn finds the interval from the readings that wait, and then takes them.
func (t *track) learn() {
	var spacings []time.Duration
	for i := 1; i < len(t.wait); i++ {
		if d, ok := t.wait[i].reading.At.Sub(t.wait[i-1].reading.At); ok {
			spacings = append(spacings, d)
		}
	}
	t.every = max(noInterval, climate.Median(spacings))
	t.watch()
	wait := t.wait
	t.wait = nil
	for i := range wait {
		t.add(&wait[i].reading, &wait[i].def)
	}
}

// hold is for how long a value holds at most.
func (t *track) hold() alarm.Line { return alarm.HoldIntervals * alarm.Millis(t.every) }

// begin starts the line: at the report's beginning, where a value from before may hold, or
// where that is open, with the first reading.
func (t *track) begin(first agent.Instant) {
	if t.now != 0 {
		return
	}
	t.now = t.hold() + 1000 // 0 means never, and a value may be from before the report
	t.counted, t.until, t.last = t.now, t.now, first
	from := t.b.set.From
	if from.IsZero() || first.Trust == agent.ClockUnset || first.Wall.Before(from) {
		return
	}
	t.last = first.Add(from.Sub(first.Wall))
	t.cease(t.now)
	if t.prior.Def == 0 || !t.prior.OK() || t.prior.At.Trust == agent.ClockUnset {
		return
	}
	gone, _ := t.last.Sub(t.prior.At) // both have a wall time
	if ago := alarm.Millis(max(0, gone)); ago < t.hold() {
		t.silent = false
		t.take(&t.prior, ago)
	}
}

// advance brings the line to an instant and counts what held until then.
func (t *track) advance(at agent.Instant) {
	d, ok := at.Sub(t.last)
	to := t.now + alarm.Line(max(0, d)/time.Millisecond)
	if t.known {
		if end := min(to, t.until); end > t.counted {
			t.stats.hold(t.value, end-t.counted)
			t.counted = end
		}
		if !ok || to > t.until {
			t.cease(t.counted)
		}
	}
	for _, w := range t.limits {
		w.advance(to, t.tick)
	}
	t.vague = t.vague || !ok // and then it is silent
	if !t.known && to > t.counted {
		for _, w := range t.limits {
			w.gap(to-t.counted, t.hold())
		}
		t.lost += to - t.counted
		t.counted = to
	}
	if !ok || !t.last.Add(d).Wall.Equal(at.Wall) { // what a day is belongs to the clock of its time
		for _, w := range t.limits {
			w.step(t.tick(to), nil)
		}
	}
	t.now, t.last = to, at
}

// cease says that from moment on no value holds.
func (t *track) cease(moment alarm.Line) {
	t.known, t.counted = false, moment
	if !t.silent {
		t.silent, t.since, t.ceased = true, moment, t.wall(moment)
	}
}

// wall is the time of a moment on the line, by the clock of the newest instant.
func (t *track) wall(moment alarm.Line) time.Time {
	return wall(t.last.Add((moment - t.now).Duration()))
}

func (t *track) tick(moment alarm.Line) alarm.Tick {
	return alarm.Tick{Now: moment, Sampled: moment, Wall: t.wall(moment), Location: t.b.set.Location}
}

// sample takes a reading at the line's newest moment.
func (t *track) sample(r *agent.Reading) {
	t.instrument(r)
	if t.report.First.IsZero() {
		t.report.First = wall(r.At)
	}
	if w := wall(r.At); !w.IsZero() {
		t.report.Last = w
	} else {
		t.report.Undated++
	}
	if !r.OK() {
		t.fault(r)
		return
	}
	if n := len(t.faults.Items); t.failing && int64(n) == t.faults.Total {
		t.faults.Items[n-1].To = wall(r.At)
	}
	t.failing = false
	t.stats.add(r)
	t.endGap(wall(r.At))
	t.take(r, 0)
}

// take makes a reading's value the one that holds. It was measured ago.
func (t *track) take(r *agent.Reading, ago alarm.Line) {
	t.known, t.value = true, r.Value
	t.counted, t.until = t.now, t.now-ago+t.hold()
	tick := t.tick(t.now)
	tick.Sampled -= ago
	t.sampled(tick, r, t.hold())
}

func (t *track) fault(r *agent.Reading) {
	t.stats.faults++
	if !t.failing {
		t.faults.add(FaultInterval{From: wall(r.At), Fault: r.Fault.String()}, t.b.set.Most)
	}
	t.failing = true
	if n := len(t.faults.Items); int64(n) == t.faults.Total {
		t.faults.Items[n-1].N++
	}
	t.cease(t.now)
	t.sampled(t.tick(t.now), r, 0)
}

// sampled tells the limits of a reading.
func (t *track) sampled(tick alarm.Tick, r *agent.Reading, hold alarm.Line) {
	t.input = alarm.Input{At: r.At, Reading: r, Definition: &t.def}
	for _, w := range t.limits {
		w.sample(tick, &t.input, hold)
	}
	t.input = alarm.Input{}
}

// endGap ends the gap, if there is one, now.
func (t *track) endGap(at time.Time) {
	if !t.silent {
		return
	}
	g := Gap{From: t.ceased, To: at}
	if length := seconds(t.now - t.since); !t.vague {
		g.S = &length
	} else {
		for _, w := range t.limits {
			w.vague, w.dead = true, true
		}
	}
	if t.vague || t.now > t.since {
		t.gaps.add(g, t.b.set.Most)
	}
	t.silent, t.vague = false, false
}

// instrument notes what the reading was measured with.
func (t *track) instrument(r *agent.Reading) {
	at := wall(r.At)
	var in *Instrument
	for i := range t.used.Items {
		if t.used.Items[i].Definition == r.Def {
			in = &t.used.Items[i]
		}
	}
	if in == nil {
		d := &t.def
		one := Instrument{
			Definition: r.Def, Driver: d.Driver, Serial: d.Serial, Certificate: d.Certificate,
			Offset: d.Calibration.Offset, Role: d.Role, From: at,
		}
		if t.b.set.Due != nil {
			one.Due = t.b.set.Due(*d)
		}
		t.used.add(one, t.b.set.Most)
		if int64(len(t.used.Items)) < t.used.Total {
			return
		}
		in = &t.used.Items[len(t.used.Items)-1]
	}
	if in.From.IsZero() {
		in.From = at
	}
	if !at.IsZero() {
		in.To = at
	}
	in.N++
	if r.Marks&agent.MarkExpired != 0 {
		in.Expired++
	}
}

// finish ends the report's time, which began at from.
func (t *track) finish(from time.Time) {
	if t.every == 0 {
		t.learn()
	}
	if t.now == 0 { // nothing but a value from before
		gone := from.Sub(t.prior.At.Wall)
		t.begin(t.prior.At.Add(gone))
	}
	end := t.end()
	t.advance(end)
	held := t.known
	t.endGap(wall(end))
	for _, w := range t.limits {
		w.finish(wall(end), held)
	}
}

// end is when the report's time ends for the point: not before its last reading.
func (t *track) end() agent.Instant {
	left, ok := time.Duration(0), false
	switch to := t.b.set.To; {
	case to.IsZero():
		left, ok = t.b.last.Sub(t.last)
	case t.last.Trust != agent.ClockUnset:
		left, ok = to.Sub(t.last.Wall), true
	}
	if !ok || left <= 0 {
		return t.last
	}
	return t.last.Add(left)
}
