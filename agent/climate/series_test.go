package climate_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/climate"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// series reads "0h=5 1h=5 2h=" into samples; nothing after = is a missing value.
func series(t testing.TB, text string) []climate.Sample {
	t.Helper()
	var out []climate.Sample
	for _, field := range strings.Fields(text) {
		after, value, _ := strings.Cut(field, "=")
		d, err := time.ParseDuration(after)
		if err != nil {
			t.Fatal(err)
		}
		s := climate.Sample{At: noon.Add(d), Missing: value == ""}
		if value != "" {
			s.Value = degrees(t, value)
		}
		out = append(out, s)
	}
	return out
}

// regular appends n samples of one value at an interval.
func regular(samples []climate.Sample, n int, every time.Duration, v agent.Value) []climate.Sample {
	at := noon
	if len(samples) > 0 {
		at = samples[len(samples)-1].At.Add(every)
	}
	for range n {
		samples = append(samples, climate.Sample{At: at, Value: v})
		at = at.Add(every)
	}
	return samples
}

func TestSummarize(t *testing.T) {
	const h = time.Hour
	for _, c := range []struct {
		name           string
		samples        string
		every          time.Duration
		mean, mkt      float64
		covered, span  time.Duration
		gaps           int
		shared, absent int64
	}{
		{name: "equal intervals weigh equally", samples: "0h=4 1h=4 2h=4 3h=4 4h=16", mean: 6.4, mkt: 8.10886, covered: 5 * h, span: 5 * h},
		{name: "two values", samples: "0h=2 1h=8", mean: 5, mkt: 5.53642, covered: 2 * h, span: 2 * h},
		{name: "a value that holds twice as long weighs twice", samples: "0h=4 2h=10 3h=10 4h=10", mean: 7.6, mkt: 8.08464, covered: 5 * h, span: 5 * h},
		{name: "a hole is not bridged", samples: "0h=5 1h=5 2h=5 3h=5 13h=5 14h=5", mean: 5, mkt: 5, covered: 8 * h, span: 15 * h, gaps: 1},
		{name: "a failed measurement ends what was known", samples: "0h=5 1h=5 2h= 3h= 4h=5 5h=5", mean: 5, mkt: 5, covered: 4 * h, span: 6 * h, gaps: 1, absent: 2},
		{name: "and so at the end", samples: "0h=5 1h=5 2h=", mean: 5, mkt: 5, covered: 2 * h, span: 3 * h, gaps: 1, absent: 1},
		{name: "values at one time share its weight", samples: "0h=2 0h=8 1h=2 1h=8", mean: 5, mkt: 5.53642, covered: 2 * h, span: 2 * h, shared: 2},
		{name: "the same row twice", samples: "0h=2 0h=2 1h=8", mean: 5, mkt: 5.53642, covered: 2 * h, span: 2 * h, shared: 1},
		{name: "the interval is given", samples: "0h=5 10h=5", every: h, mean: 5, mkt: 5, covered: 4 * h, span: 11 * h, gaps: 1},
		{name: "one value", samples: "0h=5", mean: 5, mkt: 5, covered: time.Second, span: time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := climate.Summarize(series(t, c.samples), c.every, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := s.Mean.Arithmetic()
			if math.Abs(got-c.mean) > 1e-9 {
				t.Errorf("mean %v, want %v", got, c.mean)
			}
			expectKinetic(t, s.Mean, c.mkt)
			if s.Covered != c.covered || s.Span != c.span || len(s.Gaps) != c.gaps || s.Shared != c.shared || s.Missing != c.absent {
				t.Errorf("%+v", s)
			}
			if s.Mean.Time != s.Covered {
				t.Errorf("weighed %v, covered %v", s.Mean.Time, s.Covered)
			}
		})
	}
}

// TestTwoIntervals: a recorder that writes every hour, and every minute while it is warm,
// has no gaps in its quiet hours, and the warm ones do not weigh sixty times too much.
func TestTwoIntervals(t *testing.T) {
	samples := regular(nil, 12, time.Hour, 5*agent.Unit)
	samples = regular(samples, 60, time.Minute, 12*agent.Unit)
	samples = regular(samples, 11, time.Hour, 5*agent.Unit)
	s, err := climate.Summarize(samples, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Gaps) != 0 || s.Coverage() != 1 || s.Shortest != time.Minute || s.Longest != time.Hour {
		t.Errorf("gaps %v, coverage %v, intervals %v to %v", s.Gaps, s.Coverage(), s.Shortest, s.Longest)
	}
	// 11 h, a minute and 11 h of 5 °C; 59 min of 12 °C and the hour for which the last warm
	// value holds.
	expectKinetic(t, s.Mean, 5.85943)
	// A recorder that failed twice with one value between has two gaps.
	samples = regular(nil, 12, time.Minute, 5*agent.Unit)
	samples = regular(samples, 2, 10*time.Hour, 5*agent.Unit)
	samples = regular(samples, 12, time.Minute, 5*agent.Unit)
	if s, err = climate.Summarize(samples, 0, 0); err != nil || len(s.Gaps) != 2 {
		t.Errorf("%d gaps, %v; want 2", len(s.Gaps), err)
	}
}

func TestGapsSayWhen(t *testing.T) {
	s, err := climate.Summarize(series(t, "0h=5 1h=5 2h=5 3h=9 13h=2 14h=2"), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []climate.Gap{{noon.Add(6 * time.Hour), noon.Add(13 * time.Hour)}}
	if !slices.Equal(s.Gaps, want) {
		t.Errorf("%v, want %v", s.Gaps, want)
	}
	if s.Max != 9*agent.Unit || !s.MaxAt.Equal(noon.Add(3*time.Hour)) || s.Min != 2*agent.Unit || !s.MinAt.Equal(noon.Add(13*time.Hour)) {
		t.Errorf("min %v at %v, max %v at %v", s.Min, s.MinAt, s.Max, s.MaxAt)
	}
}

func TestSummarizeEqual(t *testing.T) {
	samples := make([]climate.Sample, 0, 24)
	for range 23 {
		samples = append(samples, climate.Sample{Value: 5 * agent.Unit})
	}
	s, err := climate.SummarizeEqual(append(samples, climate.Sample{Value: 20 * agent.Unit}), 0)
	if err != nil {
		t.Fatal(err)
	}
	expectKinetic(t, s.Mean, 6.55075)
	if s.Coverage() != 1 || len(s.Gaps) != 0 || s.N != 24 || s.Sorted {
		t.Errorf("%+v", s)
	}
	s, err = climate.SummarizeEqual([]climate.Sample{{Value: 1}, {Missing: true}, {Missing: true}, {Value: 1}}, 0)
	if err != nil || s.Coverage() != 0.5 || len(s.Gaps) != 1 || s.N != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSummarizeNothing(t *testing.T) {
	for _, samples := range [][]climate.Sample{nil, {{Missing: true}}} {
		s, err := climate.Summarize(samples, 0, 0)
		if err != nil || s.N != 0 || s.Coverage() != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	if _, err := climate.Summarize(series(t, "0h=5 1h=-300"), 0, 0); !errors.Is(err, climate.ErrTemperature) {
		t.Errorf("%v, want ErrTemperature", err)
	}
	far := []climate.Sample{{At: time.Unix(0, 0)}, {At: time.Unix(0, 0).AddDate(400, 0, 0)}}
	if _, err := climate.Summarize(far, 0, 0); !errors.Is(err, climate.ErrSpan) {
		t.Errorf("%v, want ErrSpan", err)
	}
}

// TestSummarizeAnyOrder: the order of the rows does not matter, every moment of the span is
// either covered or in a gap, and the means lie within the values.
func TestSummarizeAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) climate.Sample {
			return climate.Sample{
				At:      noon.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "second")) * time.Second),
				Value:   agent.Value(rapid.Int64Range(-30_000_000, 40_000_000).Draw(t, "value")),
				Missing: rapid.IntRange(0, 9).Draw(t, "missing") == 0,
			}
		}), 1, 50).Draw(t, "samples")
		every := time.Duration(rapid.IntRange(0, 100).Draw(t, "every")) * time.Second
		permuted := rapid.Permutation(samples).Draw(t, "permuted")
		a, err := climate.Summarize(slices.Clone(samples), every, 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := climate.Summarize(permuted, every, 0)
		if err != nil {
			t.Fatal(err)
		}
		if a.Mean != b.Mean || a.Extremes != b.Extremes || a.Covered != b.Covered || !slices.Equal(a.Gaps, b.Gaps) {
			t.Fatalf("%+v\n%+v", a, b)
		}
		var inGaps time.Duration
		for _, g := range a.Gaps {
			inGaps += g.To.Sub(g.From)
		}
		if a.Covered+inGaps != a.Span || a.Coverage() < 0 || a.Coverage() > 1 {
			t.Fatalf("covered %v, in gaps %v, of %v", a.Covered, inGaps, a.Span)
		}
		if k, ok := a.Mean.Kinetic(); ok && (k < a.Min.Float64()-exact || k > a.Max.Float64()+exact) {
			t.Fatalf("%v is not between %v and %v", k, a.Min, a.Max)
		}
	})
}
