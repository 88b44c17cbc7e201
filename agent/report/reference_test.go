package report_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/report"
)

// second is what is known of a second, for a reference that goes one by one.
type second struct {
	known, out bool
	value      float64
	inside     bool // a value inside came at its beginning
}

// plainly says second by second what the samples mean: a value holds for three intervals, a
// fault ends it.
func plainly(samples map[int]string, length, every int, above agent.Value) []second {
	out := make([]second, length)
	var now second
	until := 0
	for s := range out {
		now.inside = false
		switch text := samples[s]; {
		case text == "":
		case text[0] == '!':
			until = s
		default:
			v := *val(text)
			now = second{known: true, out: v > above, value: v.Float64(), inside: v <= above}
			until = s + 3*every
		}
		out[s] = now
		out[s].known = s < until
		out[s].out = now.out && s < until
	}
	return out
}

// TestAgainstReference: on any series of samples, gaps and faults the figures and the verdict
// are those of a plain second-by-second count.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const every = 4
		length := rapid.IntRange(1, 300).Draw(t, "seconds")
		l := report.Limit{Above: val("8")}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 1:
			l.For = time.Duration(rapid.IntRange(1, 40).Draw(t, "for")) * time.Second
		case 2:
			l.Total, l.Within = time.Duration(rapid.IntRange(1, 60).Draw(t, "total"))*time.Second, "trip"
		}
		s := newStream()
		samples := map[int]string{}
		begin := s.at
		for at := range length {
			if at%every == 0 || rapid.IntRange(0, 9).Draw(t, "also") == 0 {
				if text := rapid.SampledFrom([]string{"", "", "9", "9", "12", "8", "5", "5", "!crc"}).Draw(t, "sample"); text != "" {
					samples[at] = text
					s.at = begin.Add(time.Duration(at) * time.Second)
					s.reading(&air, text)
				}
			}
		}
		set := setup(l)
		set.Every = func(agent.PointID) time.Duration { return every * time.Second }
		set.From, set.To = noon, noon.Add(time.Duration(length)*time.Second)
		r := build(t, set, s.recs)
		if len(samples) == 0 {
			if len(r.Zones[0].Points) != 0 || r.Verdict != report.VerdictIncomplete {
				t.Fatalf("%+v of nothing", r)
			}
			return
		}
		compare(t, &r.Zones[0].Points[0], plainly(samples, length, every, *val("8")), l)
	})
}

func compare(t *rapid.T, p *report.PointReport, seconds []second, l report.Limit) {
	covered, outside, unknown, run, longest, sum := 0, 0, 0, 0, 0, 0.0
	held, reached := 0, false // of the present run
	silent, blind := 0, 0
	for _, s := range seconds {
		if s.known {
			silent = 0
		}
		if s.inside {
			run, held = 0, 0
		}
		switch {
		case s.out:
			outside, run, held = outside+1, run+1, held+1
		case !s.known:
			unknown, silent = unknown+1, silent+1
			switch { // a silence no longer than a value holds hides nothing
			case silent == 13:
				blind, run = blind+13, run+13
			case silent > 13:
				blind, run = blind+1, run+1
			}
		}
		if s.known {
			covered++
			sum += s.value
		}
		longest = max(longest, run)
		if s.out && (l.Total == 0 && held >= int(l.For/time.Second) || l.Total > 0 && outside >= int(l.Total/time.Second)) {
			reached = true
		}
	}
	want := report.VerdictPass
	switch {
	case reached:
		want = report.VerdictFail
	case blind > 0 && (l.Total == 0 && longest >= int(l.For/time.Second) || l.Total > 0 && outside+blind >= int(l.Total/time.Second)):
		want = report.VerdictIncomplete
	}
	got := fmt.Sprint(p.CoveredS, p.Limits[0].OutsideS, p.Limits[0].UnknownS, p.Verdict)
	if plain := fmt.Sprint(float64(covered), float64(outside), float64(unknown), want); got != plain {
		t.Fatalf("covered, outside, unknown, verdict\ngot  %s\nwant %s", got, plain)
	}
	if covered > 0 && math.Abs(p.Mean.Float64()-sum/float64(covered)) > 1e-6 {
		t.Fatalf("mean %v, want %v", p.Mean, sum/float64(covered))
	}
	if math.Abs(p.Coverage-float64(covered)/float64(len(seconds))) > 1e-9 {
		t.Fatalf("coverage %v, want %v", p.Coverage, float64(covered)/float64(len(seconds)))
	}
	inGaps := 0.0
	for _, g := range p.Gaps.Items {
		inGaps += *g.S
	}
	if inGaps != float64(unknown) {
		t.Fatalf("%v s in gaps, want %d", inGaps, unknown)
	}
	inRuns := 0.0
	for _, e := range p.Limits[0].Excursions.Items {
		inRuns += e.DurationS
	}
	if inRuns != float64(outside) {
		t.Fatalf("%v s in excursions, want %d", inRuns, outside)
	}
}
