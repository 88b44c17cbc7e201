package main

import (
	"time"

	"github.com/frostline/frostline/agent/forecast"
)

// Settings of the judge.
const (
	slowEnough = 30 * time.Minute // an excursion that takes longer after its cause can be foreseen
	earlyBy    = 20 * time.Minute // it shall be announced so long before
	askEvery   = 10 * time.Minute // while a pre-alarm stands, its forecast is held against the truth
	backFor    = 10 * time.Minute // within the limit, and an excursion is over
	maxSpoken  = 256
)

// excursion is a time beyond the limit that lasted at least the house's hold.
type excursion struct {
	at    time.Duration // when the limit was passed
	cause Cause
	since time.Duration // when the cause began
	lead  time.Duration // since when the pre-alarm stood; 0: none stood
}

// slow reports whether it can be asked to be foreseen.
func (e *excursion) slow() bool { return e.cause != CauseNone && e.at-e.since > slowEnough }

// announcement is a pre-alarm.
type announcement struct {
	at    time.Duration
	cause Cause // what was broken then
	came  bool  // an excursion began while it stood
}

// spoken is a forecast that was made while a pre-alarm stood.
type spoken struct {
	at time.Duration
	f  forecast.Forecast
}

// record is what happened in one house and what was said.
type record struct {
	house      House
	months     float64
	excursions []excursion
	said       []announcement
	inside     hits      // of all forecasts
	firsts     hits      // of those with which pre-alarms were raised
	widths     []float64 // min, of the latter
}

// hits counts forecasts whose interval held the truth, and those where the limit was passed
// sooner or later.
type hits struct{ held, sooner, later int }

func (h *hits) add(f forecast.Forecast, truth time.Duration) {
	switch {
	case truth < f.Earliest:
		h.sooner++
	case truth > f.Latest:
		h.later++
	default:
		h.held++
	}
}

func (h *hits) join(o hits) {
	h.held += o.held
	h.sooner += o.sooner
	h.later += o.later
}

func (h *hits) n() int { return h.held + h.sooner + h.later }

// judge follows one house and what is said about it.
type judge struct {
	record
	model   *forecast.Model
	watch   *forecast.Watch
	spoken  []spoken // since the pre-alarm that stands was raised
	above   time.Duration
	open    excursion // begins, if it lasts
	ended   time.Duration
	outside bool // an excursion goes on
}

func newJudge(h House, span time.Duration) *judge {
	return &judge{
		record: record{house: h, months: span.Hours() / (30 * 24)},
		model:  forecast.New(forecast.Settings{Slow: h.Probe != ProbeAir}),
		watch:  forecast.NewWatch(value(h.Limit), forecast.Above),
	}
}

// see takes one reading.
func (j *judge) see(m *Moment) {
	j.truth(m)
	if !j.model.Step(m.Now, m.In) {
		return
	}
	change, f := j.watch.Step(j.model)
	switch change {
	case forecast.Raised:
		j.said = append(j.said, announcement{at: m.Now, cause: m.Cause})
		j.spoken = append(j.spoken[:0], spoken{m.Now, f})
	case forecast.Withdrawn:
		j.spoken = j.spoken[:0]
	case forecast.Unchanged:
		n := len(j.spoken)
		if n > 0 && n < maxSpoken && f.Breach && j.above == 0 && m.Now-j.spoken[n-1].at >= askEvery {
			j.spoken = append(j.spoken, spoken{m.Now, f})
		}
	}
}

// truth follows what a perfect instrument would see.
func (j *judge) truth(m *Moment) {
	if m.Truth <= j.house.Limit {
		j.above = 0
		j.outside = j.outside && m.Now-j.ended <= backFor
		return
	}
	j.ended = m.Now
	if j.outside {
		return
	}
	if j.above == 0 {
		j.above = m.Now
		j.open = excursion{at: m.Now, cause: m.Cause, since: m.Since}
		if j.watch.Raised() {
			j.open.lead = m.Now - j.said[len(j.said)-1].at
		}
	}
	if m.Now-j.above >= j.house.Hold {
		j.outside = true
		j.excursions = append(j.excursions, j.open)
		j.compare()
	}
}

// compare holds what was said against the excursion that has begun.
func (j *judge) compare() {
	if j.open.lead == 0 {
		return
	}
	j.said[len(j.said)-1].came = true
	for i, s := range j.spoken {
		if s.at > j.open.at {
			break
		}
		j.inside.add(s.f, j.open.at-s.at)
		if i == 0 {
			j.firsts.add(s.f, j.open.at-s.at)
			j.widths = append(j.widths, (s.f.Latest - s.f.Earliest).Minutes())
		}
	}
	j.spoken = j.spoken[:0]
}
