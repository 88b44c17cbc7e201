package climate

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Sample is one measurement of a series: a value, or that there was none though it was due.
type Sample struct {
	At      time.Time
	Value   agent.Value
	Missing bool // no value: from here on nothing is known until the next sample
}

// Extremes are the smallest and the largest of values and when each came first. The zero
// Extremes are empty.
type Extremes struct {
	N            int64
	Min, Max     agent.Value // meaningless if N is 0
	MinAt, MaxAt time.Time
}

// Add adds a value. Of equal extremes the one that is added first stays.
func (e *Extremes) Add(v agent.Value, at time.Time) {
	if e.N == 0 || v < e.Min {
		e.Min, e.MinAt = v, at
	}
	if e.N == 0 || v > e.Max {
		e.Max, e.MaxAt = v, at
	}
	e.N++
}

// Gap is a time within a series in which no value holds.
type Gap struct{ From, To time.Time }

// Summary is what a series says.
type Summary struct {
	Extremes
	Mean    Mean
	Covered time.Duration // how long some value held
	Span    time.Duration // from the first sample to the end of the last interval
	Gaps    []Gap
	// Shortest and Longest are the intervals of the recorder that were found or given; they
	// differ if it recorded at more than one. 0 in a series without times.
	Shortest, Longest time.Duration
	Missing           int64 // samples without a value
	Shared            int64 // values that share their time with one before, and so its weight
	Sorted            bool  // the samples were not in the order of time
}

// Coverage is the part of the series' span in which a value held, 0 to 1; 0 for an empty series.
func (s *Summary) Coverage() float64 {
	if s.Span <= 0 {
		return 0
	}
	return s.Covered.Seconds() / s.Span.Seconds()
}

// longestSeries is the longest time that a series may span: beyond, somebody's clock was wrong.
const longestSeries = 100 * 366 * 24 * time.Hour

// ErrSpan is what Summarize returns for samples that are too far apart.
var ErrSpan = errors.New("the samples span more than 100 years")

// Summarize weighs each value with the time for which it holds: until the next sample, at
// most HoldIntervals of the recorder's intervals. A sample that is missing ends it at once.
// The last value has no next one and holds for one interval, or as long as the spacing before
// it if that is shorter. Values that share a time share its weight equally. The order of the
// samples does not matter; they are sorted in place.
//
// every is the recorder's interval; with 0 it is found from the spacings: the median, or the
// median of the four around a spacing where that is longer. A single sample holds for every, or
// if that is 0 weighs alone and spans nothing known: its coverage is 1.
//
// The energy (0 is USP) is that of the kinetic mean. The error is ErrTemperature, with the
// value, for one that is no temperature, ErrSpan, or that of Energy.Check.
func Summarize(samples []Sample, every time.Duration, e Energy) (Summary, error) {
	s := Summary{Mean: Mean{Energy: e}}
	if err := s.Mean.energy().Check(); err != nil {
		return s, err
	}
	byTime := func(a, b Sample) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Value, b.Value)) }
	inOrder := func(a, b Sample) int { return a.At.Compare(b.At) }
	s.Sorted = !slices.IsSortedFunc(samples, inOrder)
	slices.SortFunc(samples, byTime)
	if n := len(samples); n > 0 && samples[n-1].At.Sub(samples[0].At) > longestSeries {
		return s, ErrSpan
	}
	w := weigher{s: &s, samples: samples}
	return s, w.run(every)
}

// SummarizeEqual is Summarize for values at equal intervals and without times: each weighs
// the same. Its times say nothing.
func SummarizeEqual(samples []Sample, e Energy) (Summary, error) {
	spaced := make([]Sample, len(samples))
	for i, sample := range samples {
		spaced[i] = sample
		spaced[i].At = time.Unix(int64(i), 0).UTC()
	}
	s, err := Summarize(spaced, time.Second, e)
	s.Shortest, s.Longest = 0, 0
	return s, err
}

// weigher gives each moment of a sorted series its weight.
type weigher struct {
	s       *Summary
	samples []Sample
	values  []agent.Value // of one moment; kept for the next
}

func (w *weigher) run(every time.Duration) error {
	starts := w.moments()
	n := len(starts) - 1
	if n < 0 {
		return nil
	}
	if n == 0 {
		return w.alone(every)
	}
	spacings := make([]time.Duration, n)
	for i := range spacings {
		spacings[i] = w.samples[starts[i+1]].At.Sub(w.samples[starts[i]].At)
	}
	found := intervals(spacings)
	if every > 0 {
		for i := range found {
			found[i] = every
		}
	}
	w.s.Shortest, w.s.Longest = slices.Min(found), slices.Max(found)
	for i, spacing := range spacings {
		hold := spacing
		if hold/HoldIntervals > found[i] {
			hold = HoldIntervals * found[i]
		}
		if err := w.weigh(w.samples[starts[i]:starts[i+1]], hold, spacing); err != nil {
			return err
		}
	}
	last := min(found[n-1], spacings[n-1])
	return w.weigh(w.samples[starts[n]:], last, last)
}

// moments are where samples of another time begin.
func (w *weigher) moments() []int {
	starts := make([]int, 0, len(w.samples))
	for i := range w.samples {
		if i == 0 || !w.samples[i].At.Equal(w.samples[i-1].At) {
			starts = append(starts, i)
		}
	}
	return starts
}

// alone is a series of one moment.
func (w *weigher) alone(every time.Duration) error {
	w.s.Shortest, w.s.Longest = every, every
	if every <= 0 {
		every = time.Second // any: it is the only weight
	}
	return w.weigh(w.samples, every, every)
}

// weigh adds the values of one moment, which hold for hold of the spacing to the next.
func (w *weigher) weigh(m []Sample, hold, spacing time.Duration) error {
	values := w.values[:0]
	for _, sample := range m {
		if sample.Missing {
			w.s.Missing++
			continue
		}
		values = append(values, sample.Value)
		w.s.Add(sample.Value, sample.At)
	}
	w.values = values
	n := time.Duration(len(values))
	if n == 0 {
		hold = 0
	} else {
		w.s.Shared += int64(n - 1)
	}
	for i, v := range values {
		part := hold / n
		if time.Duration(i) < hold%n { // no nanosecond is lost
			part++
		}
		if err := w.s.Mean.Add(v, part); err != nil {
			return err
		}
	}
	w.s.Covered += hold
	w.s.Span += spacing
	if hold < spacing {
		w.gap(m[0].At.Add(hold), m[0].At.Add(spacing))
	}
	return nil
}

// gap adds a gap, or goes on with the one before it.
func (w *weigher) gap(from, to time.Time) {
	if n := len(w.s.Gaps); n > 0 && w.s.Gaps[n-1].To.Equal(from) {
		w.s.Gaps[n-1].To = to
		return
	}
	w.s.Gaps = append(w.s.Gaps, Gap{from, to})
}
