package escalate

import (
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// Input is one step: a transition of an alarm, or only that time went on.
type Input struct {
	At    agent.Instant
	Start bool              // the agent did not run until now
	Alarm *agent.AlarmEvent // nil: none
}

// Call is somebody or something that is to be told now.
type Call struct {
	At      agent.Instant
	Event   agent.AlarmEvent // the newest transition: raised, or what became of the alarm
	Level   int              // from 1; of what becomes of an alarm, the highest that was told
	Waited  time.Duration    // how long nobody had acknowledged
	Late    bool             // it was due while nothing ran
	Persons []string         // ids, in the order of the people
	Outputs []string         // ids
	Advice  string
}

// Output is what a step brings about.
type Output struct {
	Calls []Call
	Next  time.Duration // Instant.Mono at which to step without input; 0 for never
}

// Engine keeps how far every alarm has climbed. It is not safe for concurrent use.
type Engine struct {
	setup   Setup
	line    timeline.Line
	at      timeline.Moment // what was done is done until then; 0 before the first step
	entries map[string]*entry
	lost    *blind
	calls   []Call
}

// blind is a time off that no clock told.
type blind struct {
	Last timeline.Instant `json:"last"` // before it
	At   timeline.Moment  `json:"at"`   // where the line stood
}

// New makes an engine that has seen nothing.
func New(s Setup) *Engine {
	if s.Location == nil {
		s.Location = time.UTC
	}
	return &Engine{setup: s, entries: map[string]*entry{}}
}

// Step runs everything that was due until in.At, and then takes the transition. It never fails.
func (e *Engine) Step(in Input) Output {
	x, rel := e.line.Place(in.At)
	to := max(x, e.line.Now())
	gap := in.Start || rel == timeline.Rebooted || rel == timeline.Lost
	opened := gap && e.at != 0 && to > e.minute() // what is held back might have been told
	if !gap && rel != timeline.FirstEver {
		e.run(to)
	}
	if rel == timeline.Lost && e.lost == nil && e.line.Last().Trust != agent.ClockUnset {
		e.lost = &blind{timeline.Save(e.line.Last()), e.line.Now()}
	}
	e.line.Advance(in.At)
	found := e.find(to)
	e.process(to, gap || found, opened)
	if in.Alarm != nil {
		e.take(in.Alarm, to)
		e.process(to, false, false)
	}
	return e.output()
}

func (e *Engine) output() Output {
	out := Output{Calls: e.calls}
	e.calls = nil
	if next := e.next(); next != 0 {
		out.Next = e.line.Mono(next)
	}
	return out
}

// find counts a time off that no clock told, once a clock tells it.
func (e *Engine) find(now timeline.Moment) bool {
	last := e.line.Last()
	if e.lost == nil || last.Trust == agent.ClockUnset {
		return false
	}
	lost := *e.lost
	e.lost = nil
	passed := last.Wall.Sub(lost.Last.Instant().Wall)
	off := timeline.Span(passed) - (now - lost.At)
	if passed <= 0 || passed > longestOff || off <= 0 {
		return false
	}
	for _, en := range e.entries {
		if en.Since != 0 && en.Since <= lost.At {
			en.Since = max(1, en.Since-off)
		}
	}
	return true
}

// longestOff is the longest time off that two wall clocks are believed about.
const longestOff = 10 * 366 * 24 * time.Hour

// run does what is due until to, each at its own moment.
func (e *Engine) run(to timeline.Moment) {
	for {
		next := e.next()
		if next == 0 || next > to {
			return
		}
		e.process(next, false, false)
	}
}

// next is the earliest moment at which something is due; 0 for never.
func (e *Engine) next() timeline.Moment {
	var next timeline.Moment
	earlier := func(m timeline.Moment) {
		if next == 0 || m < next {
			next = m
		}
	}
	for _, en := range e.entries {
		if due := en.due(); due != 0 {
			earlier(max(due, e.at))
		}
		if en.holds() || e.lost != nil {
			earlier(e.minute())
		}
	}
	return next
}

// minute is the next full minute of the wall clock: shifts begin and end at one.
func (e *Engine) minute() timeline.Moment {
	wall := e.line.Wall(e.at)
	if wall.IsZero() {
		return e.at + timeline.Span(time.Minute)
	}
	return e.at + timeline.Span(wall.Truncate(time.Minute).Add(time.Minute).Sub(wall))
}

// local is the site's time at a moment; zero while the clock is unset.
func (e *Engine) local(m timeline.Moment) time.Time {
	wall := e.line.Wall(m)
	if wall.IsZero() {
		return wall
	}
	return wall.In(e.setup.Location)
}

// process does what is due until a moment, as of that moment. After a gap, what was due before
// is late; so is what was held back if it might have been told before.
func (e *Engine) process(now timeline.Moment, gap, opened bool) {
	e.at = max(e.at, now)
	for _, key := range e.keys() {
		en := e.entries[key]
		e.release(en, now, opened)
		for due := en.due(); due != 0 && due <= now; due = en.due() {
			e.climb(en, now, gap && due < now)
		}
		if en.Closed && !en.holds() {
			delete(e.entries, key)
		}
	}
}

func (e *Engine) keys() []string {
	keys := make([]string, 0, len(e.entries))
	for key := range e.entries {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Sounding is the highest severity among the alarms that are there, that nobody has acknowledged,
// and of which an output has been told; empty if there is none.
func (e *Engine) Sounding(output string) agent.Severity {
	var worst agent.Severity
	for _, en := range e.entries {
		if !en.Closed && !en.Returned && slices.Contains(en.Outputs, output) && en.Event.Severity.Rank() > worst.Rank() {
			worst = en.Event.Severity
		}
	}
	return worst
}
