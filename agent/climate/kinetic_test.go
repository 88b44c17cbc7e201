package climate_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/climate"
)

// near is the tolerance of the published and recomputed cases: the choice of R alone moves
// them by less.
const near = 1e-4

func degrees(t testing.TB, text string) agent.Value {
	t.Helper()
	v, err := agent.ParseValue(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// held is a temperature and for how many hours it held.
type held struct {
	celsius string
	hours   int
}

func mean(t testing.TB, e climate.Energy, spans []held) climate.Mean {
	t.Helper()
	m := climate.Mean{Energy: e}
	for _, s := range spans {
		if err := m.Add(degrees(t, s.celsius), time.Duration(s.hours)*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestKineticMean(t *testing.T) {
	for _, c := range []struct {
		name  string
		spans []held
		want  float64
	}{
		// USP 29 <1160>: 52 weekly means of 25 °C.
		{"a constant year", []held{{"25", 52 * 168}}, 25},
		{"23 and 25", []held{{"23", 1}, {"25", 1}}, 24.05315},
		// Recomputed with 40 digits from the formula of USP <1160>.
		{"one warm of five", []held{{"4", 4}, {"16", 1}}, 8.10886},
		{"one warm hour of a day, 20", []held{{"5", 23}, {"20", 1}}, 6.55075},
		{"one warm hour of a day, 12", []held{{"5", 23}, {"12", 1}}, 5.44455},
		{"one hot day of a month", []held{{"22", 29 * 24}, {"38", 24}}, 23.27590},
		{"2 and 8", []held{{"2", 1}, {"8", 1}}, 5.53642},
		{"15 and 30", []held{{"15", 1}, {"30", 1}}, 25.22417},
		{"frozen", []held{{"-18", 7}}, -18},
		{"ultra-cold", []held{{"-86.5", 7}}, -86.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mean(t, 0, c.spans)
			got, ok := m.Kinetic()
			if !ok || math.Abs(got-c.want) > near {
				t.Errorf("%.6f (%v), want %.6f", got, ok, c.want)
			}
		})
	}
}

func TestEnergy(t *testing.T) {
	spans := []held{{"5", 23}, {"20", 1}}
	low, usual, high := mean(t, 42, spans), mean(t, climate.USP, spans), mean(t, 125, spans)
	a, _ := low.Kinetic()
	b, _ := usual.Kinetic()
	c, _ := high.Kinetic()
	if a >= b || b >= c {
		t.Errorf("%v, %v, %v: a higher activation energy must weigh heat more", a, b, c)
	}
	for _, e := range []climate.Energy{0, -1, 83144, climate.Energy(math.NaN()), climate.Energy(math.Inf(1))} {
		if err := e.Check(); !errors.Is(err, climate.ErrEnergy) {
			t.Errorf("%v: %v, want ErrEnergy", float64(e), err)
		}
	}
	if err := usual.Merge(high); !errors.Is(err, climate.ErrEnergy) {
		t.Errorf("merge of two energies: %v, want ErrEnergy", err)
	}
}

func TestNoMeanOfNothing(t *testing.T) {
	var m climate.Mean
	for _, d := range []time.Duration{0, -time.Hour} {
		if err := m.Add(5*agent.Unit, d); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := m.Kinetic(); ok {
		t.Error("nothing has a kinetic mean")
	}
	if _, ok := m.Arithmetic(); ok {
		t.Error("nothing has an arithmetic mean")
	}
	for _, text := range []string{"-273.15", "-300", "2000.1"} {
		if err := m.Add(degrees(t, text), time.Hour); !errors.Is(err, climate.ErrTemperature) {
			t.Errorf("%s: %v, want ErrTemperature", text, err)
		}
	}
}

// drawn is temperatures that goods see, each with a time.
func drawn(t *rapid.T, least int) []weighed {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) weighed {
		return weighed{
			v: agent.Value(rapid.Int64Range(-90_000_000, 60_000_000).Draw(t, "value")),
			d: time.Duration(rapid.Int64Range(1, int64(30*24*time.Hour)).Draw(t, "time")),
		}
	}), least, 60).Draw(t, "spans")
}

type weighed struct {
	v agent.Value
	d time.Duration
}

func total(t *rapid.T, spans []weighed) climate.Mean {
	var m climate.Mean
	for _, s := range spans {
		if err := m.Add(s.v, s.d); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func kinetic(t *rapid.T, m climate.Mean) float64 {
	got, ok := m.Kinetic()
	if !ok || math.IsNaN(got) {
		t.Fatalf("no kinetic mean of %+v", m)
	}
	return got
}

const exact = 1e-8 // °C; what remains of rounding

func TestKineticMeanProperties(t *testing.T) {
	t.Run("not below the arithmetic mean, and within the values", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			spans := drawn(t, 1)
			m := total(t, spans)
			k := kinetic(t, m)
			arithmetic, _ := m.Arithmetic()
			lo, hi := spans[0].v, spans[0].v
			for _, s := range spans {
				lo, hi = min(lo, s.v), max(hi, s.v)
			}
			if k < arithmetic-exact || k < lo.Float64()-exact || k > hi.Float64()+exact {
				t.Fatalf("kinetic %v, arithmetic %v, values %v to %v", k, arithmetic, lo, hi)
			}
			if lo != hi && hi-lo > agent.Unit && k <= arithmetic && len(spans) == 2 && min(spans[0].d, spans[1].d)*100 > max(spans[0].d, spans[1].d) {
				t.Fatalf("kinetic %v is not above %v though the temperature changed", k, arithmetic)
			}
		})
	})
	t.Run("the order does not matter", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			spans := drawn(t, 1)
			one := kinetic(t, total(t, spans))
			other := kinetic(t, total(t, rapid.Permutation(spans).Draw(t, "permuted")))
			if math.Abs(one-other) > exact {
				t.Fatalf("%v and %v", one, other)
			}
		})
	})
	t.Run("time adds up", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			spans := drawn(t, 1)
			var split []weighed
			for _, s := range spans {
				part := time.Duration(rapid.Int64Range(0, int64(s.d)).Draw(t, "part"))
				split = append(split, weighed{s.v, part}, weighed{s.v, s.d - part})
			}
			if a, b := kinetic(t, total(t, spans)), kinetic(t, total(t, split)); math.Abs(a-b) > exact {
				t.Fatalf("%v and %v", a, b)
			}
		})
	})
	t.Run("parts merge into the whole, through JSON too", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			spans := drawn(t, 2)
			cut := rapid.IntRange(0, len(spans)).Draw(t, "cut")
			whole, first, second := total(t, spans), total(t, spans[:cut]), total(t, spans[cut:])
			text, err := json.Marshal(first)
			if err != nil {
				t.Fatal(err)
			}
			var merged climate.Mean
			if err := json.Unmarshal(text, &merged); err != nil {
				t.Fatal(err)
			}
			if merged != first {
				t.Fatalf("%+v came back as %+v", first, merged)
			}
			if err := merged.Merge(second); err != nil {
				t.Fatal(err)
			}
			if a, b := kinetic(t, whole), kinetic(t, merged); math.Abs(a-b) > exact || whole.Time != merged.Time {
				t.Fatalf("%v and %v", a, b)
			}
		})
	})
	t.Run("stable with any energy", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m := climate.Mean{Energy: climate.Energy(rapid.Float64Range(0.1, 1000).Draw(t, "energy"))}
			v := agent.Value(rapid.Int64Range(-250_000_000, 1_000_000_000).Draw(t, "value"))
			for range 100 {
				if err := m.Add(v, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			if got := kinetic(t, m); math.Abs(got-v.Float64()) > 1e-6 {
				t.Fatalf("the mean of %s and nothing else is %v", v, got)
			}
		})
	})
}
