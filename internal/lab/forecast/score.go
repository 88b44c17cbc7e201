package main

import (
	"time"

	"github.com/frostline/frostline/agent/forecast"
)

// excursion is a time above the limit that lasted at least the house's hold.
type excursion struct {
	at    time.Duration // when the limit was passed
	cause Cause
	since time.Duration // when the cause began
	lead  time.Duration // of the pre-alarm that stood, 0: none
}

// announcement is a pre-alarm.
type announcement struct {
	at, until time.Duration
	first     forecast.Forecast
	cause     Cause // at the time
	came      bool  // an excursion began while it stood
}

// spoken is a forecast while a pre-alarm stood.
type spoken struct {
	at    time.Duration
	f     forecast.Forecast
	first bool
}

// record is what happened in one house and what was said.
type record struct {
	house      House
	months     float64
	excursions []excursion
	said       []announcement
	spoken     []spoken // since the last pre-alarm was raised
	inside     tally    // of all forecasts
	firsts     tally    // of the forecasts at raising
	width      []float64
}

// tally counts forecasts whose interval held the truth.
type tally struct{ early, held, late int }

func (t *tally) add(f forecast.Forecast, truth time.Duration) {
	switch {
	case truth < f.Earliest:
		t.early++
	case truth > f.Latest:
		t.late++
	default:
		t.held++
	}
}

func (t *tally) n() int { return t.early + t.held + t.late }

// judge follows one house.
type judge struct {
	record
	model *forecast.Model
	watch forecast.Watch
	above time.Duration // since when the truth is above the limit
	cause Cause         // when it passed
	since time.Duration
	stood time.Duration // when the pre-alarm was raised that stood when it passed
	ended time.Duration // when the truth was last above
	in    bool          // an excursion goes on
}

func newJudge(h House, span time.Duration) *judge {
	return &judge{
		record: record{house: h, months: span.Hours() / (30 * 24)},
		model:  forecast.New(forecast.Settings{Slow: h.Probe != ProbeAir}),
		watch:  forecast.Watch{Limit: value(h.Limit)},
	}
}

// see takes one reading.
func (j *judge) see(m *Moment) {
	j.truth(m)
	if !j.model.Step(m.Now, m.In) {
		return
	}
	change, f := j.watch.Step(m.Now, j.model)
	switch change {
	case forecast.Raised:
		j.said = append(j.said, announcement{at: m.Now, first: f, cause: m.Cause})
		j.spoken = append(j.spoken[:0], spoken{m.Now, f, true})
	case forecast.Withdrawn:
		j.said[len(j.said)-1].until = m.Now
		j.spoken = j.spoken[:0]
	default:
		if n := len(j.spoken); n > 0 && f.Breach && m.Now-j.spoken[n-1].at >= 10*time.Minute && n < 64 && j.above == 0 {
			j.spoken = append(j.spoken, spoken{m.Now, f, false})
		}
	}
}

// truth follows the excursions.
func (j *judge) truth(m *Moment) {
	if m.Truth <= j.house.Limit {
		j.above = 0
		if j.in && m.Now-j.ended > 10*time.Minute {
			j.in = false
		}
		return
	}
	j.ended = m.Now
	if j.in {
		return
	}
	if j.above == 0 {
		j.above, j.cause, j.since, j.stood = m.Now, m.Cause, m.Since, 0
		if j.watch.Raised {
			j.stood = j.said[len(j.said)-1].at
		}
	}
	if m.Now-j.above < j.house.Hold {
		return
	}
	j.in = true
	e := excursion{at: j.above, cause: j.cause, since: j.since}
	if j.stood > 0 {
		e.lead = j.above - j.stood
		j.said[len(j.said)-1].came = true
		for _, s := range j.spoken {
			if s.at > j.above {
				break
			}
			j.inside.add(s.f, j.above-s.at)
			println("D", string(j.house.Probe), s.first, string(j.cause), s.f.Earliest.Minutes(), s.f.Median.Minutes(), s.f.Latest.Minutes(), (j.above-s.at).Minutes())
			if s.first {
				j.firsts.add(s.f, j.above-s.at)
				j.width = append(j.width, (s.f.Latest - s.f.Earliest).Minutes())
			}
		}
		j.spoken = j.spoken[:0]
	}
	j.excursions = append(j.excursions, e)
}
