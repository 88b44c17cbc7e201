package alarm_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// warehouse has 100 points and 400 rules: two limits each, no data and sensor fault.
func warehouse() alarm.Setup {
	s := alarm.Setup{
		Kinds: allKinds(),
		Specs: append([]alarm.Spec{
			{ID: "high", Kind: "limit", Quantity: agent.Temperature, Settings: &limit.Settings{Above: val("8"), For: 5 * time.Minute, Deadband: *val("0.5")}},
			{ID: "long", Kind: "limit", Quantity: agent.Temperature, Settings: &limit.Settings{Above: val("8"), Total: time.Hour, Within: "24h"}},
		}, alarm.Defaults(allKinds(), nil)...),
	}
	for n := range 100 {
		s.Points = append(s.Points, pointOf(agent.PointID(fmt.Sprintf("s%02d/temperature", n)), agent.Temperature, "hall", 10*time.Second))
	}
	return s
}

// TestStateIsBounded: after days of chattering round a limit the state is what it may be.
func TestStateIsBounded(t *testing.T) {
	s := warehouse()
	s.Points = s.Points[:1]
	e := engine(t, s)
	for n := range 20_000 {
		text := "7"
		if n%2 == 0 {
			text = "9"
		}
		e.Step(reading(s.Points[0], at(time.Duration(n)*10*time.Second), text))
	}
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	if len(state) > 16<<10 {
		t.Errorf("the state of four rules has %d bytes", len(state))
	}
	var saved struct {
		Rules map[string]struct {
			S struct {
				T struct {
					S []int64 `json:"s"`
				} `json:"t"`
			} `json:"s"`
		} `json:"rules"`
	}
	if err := json.Unmarshal(state, &saved); err != nil {
		t.Fatal(err)
	}
	spans := saved.Rules["long:s00/temperature"].S.T.S
	if len(spans) != 2*720 {
		t.Errorf("the window has %d spans", len(spans)/2)
	}
	var sum time.Duration
	for n := 1; n < len(spans); n += 2 {
		sum += time.Duration(spans[n]) * time.Millisecond
	}
	// Half of 24 h was outside; joined spans may keep more, never less.
	if sum < 12*time.Hour-10*time.Second || sum > 24*time.Hour {
		t.Errorf("the window holds %s outside", sum)
	}
}

// TestNoGarbage: a reading that changes nothing costs no memory.
func TestNoGarbage(t *testing.T) {
	s := warehouse()
	e := engine(t, s)
	n := 0
	inputs := make([]alarm.Input, 4000)
	for i := range inputs {
		inputs[i] = reading(s.Points[i%100], at(time.Duration(i/100)*10*time.Second), "5")
	}
	if got := testing.AllocsPerRun(3000, func() { e.Step(inputs[n]); n++ }); got > 0 {
		t.Errorf("%v allocations a reading", got)
	}
}

func BenchmarkStep(b *testing.B) { benchmarkStep(b, warehouse(), "5") }

// BenchmarkStep200Rules is what a reading costs with 200 rules on 100 points: values that are
// in order, and values that leave their limits and return with every reading.
func BenchmarkStep200Rules(b *testing.B) {
	s := warehouse()
	s.Specs = s.Specs[:2] // without the defaults
	b.Run("quiet", func(b *testing.B) { benchmarkStep(b, s, "5") })
	b.Run("swinging", func(b *testing.B) { benchmarkStep(b, s, "5", "9") })
}

// benchmarkStep steps an engine with readings of all points in turn, each round another value.
func benchmarkStep(b *testing.B, s alarm.Setup, values ...string) {
	e := engine(b, s)
	in := reading(s.Points[0], at(0), values[0])
	var vs []agent.Value
	for _, v := range values {
		vs = append(vs, *val(v))
	}
	n := 0
	for b.Loop() {
		p := &s.Points[n%100]
		in.Definition, in.Reading.Def = &p.Definition, p.ID
		in.At = at(time.Duration(n/100) * 10 * time.Second)
		in.Reading.At, in.Reading.Value = in.At, vs[n/100%len(vs)]
		e.Step(in)
		n++
	}
}

func BenchmarkState(b *testing.B) {
	s := warehouse()
	e := engine(b, s)
	for n := range 1000 {
		e.Step(reading(s.Points[n%100], at(time.Duration(n/100)*10*time.Second), "9"))
	}
	size := 0
	for b.Loop() {
		state, err := e.State()
		if err != nil {
			b.Fatal(err)
		}
		size = len(state)
	}
	b.ReportMetric(float64(size), "bytes")
}
