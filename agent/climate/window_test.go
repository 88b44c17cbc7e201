package climate_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/climate"
)

const month = 30 * 24 * time.Hour

func window(t testing.TB, length time.Duration) *climate.Window {
	t.Helper()
	w, err := climate.NewWindow(length, 0)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func add(t testing.TB, w *climate.Window, from, to time.Duration, celsius string) {
	t.Helper()
	if err := w.Add(from, to, degrees(t, celsius)); err != nil {
		t.Fatal(err)
	}
}

func expectKinetic(t testing.TB, m climate.Mean, want float64) {
	t.Helper()
	got, ok := m.Kinetic()
	if !ok || math.Abs(got-want) > near {
		t.Errorf("kinetic mean %.5f (%v), want %.5f", got, ok, want)
	}
}

// TestRollingMonth: USP <1079.2> looks at no more than 30 days, because a year's mean hides
// a hot month.
func TestRollingMonth(t *testing.T) {
	w := window(t, month)
	if w.Length() != month {
		t.Fatalf("length %v", w.Length())
	}
	const day = 24 * time.Hour
	year := mean(t, 0, []held{{"22", 335 * 24}, {"29", 30 * 24}})
	now := time.Duration(0)
	for range 335 {
		add(t, w, now, now+day, "22")
		now += day
	}
	expectKinetic(t, w.Mean(now), 22)
	for range 30 {
		add(t, w, now, now+day, "29")
		now += day
	}
	expectKinetic(t, w.Mean(now), 29)
	if k, _ := year.Kinetic(); k > 25 {
		t.Errorf("the year's mean %v should have passed", k)
	}
	if m := w.Mean(now); m.Time != month {
		t.Errorf("reckoned over %v", m.Time)
	}
	// A day of 38 °C among 29 of 22 °C, and a day without values later.
	w = window(t, month)
	add(t, w, 0, 29*day, "22")
	add(t, w, 29*day, 30*day, "38")
	expectKinetic(t, w.Mean(30*day), 23.27590)
	if m := w.Mean(31 * day); m.Time != 29*day {
		t.Errorf("after a day without values %v are left, want 29 days", m.Time)
	}
	if m := w.Mean(61 * day); m.Time != 0 {
		t.Errorf("after two months without values %v are left", m.Time)
	}
}

func TestWindowDrops(t *testing.T) {
	w := window(t, 24*time.Hour) // buckets of 2 min
	if _, ok := w.Drops(0); ok {
		t.Error("an empty window drops nothing")
	}
	add(t, w, time.Hour, 2*time.Hour, "5")
	at, ok := w.Drops(2 * time.Hour)
	if !ok || at != 25*time.Hour+1 {
		t.Fatalf("drops at %v, %v", at, ok)
	}
	if before, after := w.Mean(at-1), w.Mean(at); before.Time != time.Hour || after.Time != 58*time.Minute {
		t.Errorf("%v before and %v after", before.Time, after.Time)
	}
}

func TestWindowRefuses(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Hour, time.Millisecond, 20 * 366 * 24 * time.Hour} {
		if _, err := climate.NewWindow(d, 0); !errors.Is(err, climate.ErrWindow) {
			t.Errorf("%v: %v, want ErrWindow", d, err)
		}
	}
	if _, err := climate.NewWindow(month, -1); !errors.Is(err, climate.ErrEnergy) {
		t.Errorf("%v, want ErrEnergy", err)
	}
	w := window(t, month)
	if err := w.Add(0, time.Hour, -300*agent.Unit); !errors.Is(err, climate.ErrTemperature) {
		t.Errorf("%v, want ErrTemperature", err)
	}
	add(t, w, 2*time.Hour, time.Hour, "5")
	if m := w.Mean(month); m.Time != 0 {
		t.Errorf("a reversed span added %v", m.Time)
	}
	for _, text := range []string{
		`{`, `{"h":83.144,"l":3600000000000,"b":[[0,1,1,1]]}`, `{"h":83.144,"l":3600000000000,"b":[[0,0,-30,5]]}`,
		`{"h":83.144,"l":3600000000000,"b":[[1,1,-30,5],[0,1,-30,5]]}`, `{"h":83.144,"l":3600000000000,"b":[[1,1,-30,5],[720,1,-30,5]]}`,
		`{"h":83.144,"l":3600000000000,"b":[` + strings.TrimSuffix(strings.Repeat("[1,1,-30,5],", climate.MaxBuckets+1), ",") + `]}`,
	} {
		if err := json.Unmarshal([]byte(text), w); err == nil {
			t.Errorf("%.60s was taken", text)
		}
	}
	// The config gave the window another length: it begins empty.
	other := window(t, 24*time.Hour)
	add(t, other, 0, time.Hour, "5")
	text, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, w); err != nil {
		t.Fatal(err)
	}
	if m := w.Mean(time.Hour); m.Time != 0 {
		t.Errorf("took over %v of another window", m.Time)
	}
}

// TestWindowAgainstWhole: a window says what a Mean over the same spans says, whatever the
// spans, as long as all of them are in it; and a restart changes nothing.
func TestWindowAgainstWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(int64(time.Hour), int64(month)).Draw(t, "length"))
		w, err := climate.NewWindow(length, 0)
		if err != nil {
			t.Fatal(err)
		}
		restarted, err := climate.NewWindow(length, 0)
		if err != nil {
			t.Fatal(err)
		}
		var whole climate.Mean
		now := time.Duration(rapid.Int64Range(0, int64(month)).Draw(t, "start"))
		left := w.Length() - length/climate.MaxBuckets - time.Second
		for left > 0 && rapid.IntRange(0, 20).Draw(t, "more") > 0 {
			d := min(left, time.Duration(rapid.Int64Range(1, int64(length/4)).Draw(t, "time")))
			v := agent.Value(rapid.Int64Range(-90_000_000, 60_000_000).Draw(t, "value"))
			if rapid.Bool().Draw(t, "measured") {
				for _, err := range []error{w.Add(now, now+d, v), restarted.Add(now, now+d, v), whole.Add(v, d)} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			now, left = now+d, left-d
			text, err := json.Marshal(restarted)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > climate.MaxBuckets*80 {
				t.Fatalf("the state has %d bytes", len(text))
			}
			if restarted, err = climate.NewWindow(length, 0); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, restarted); err != nil {
				t.Fatal(err)
			}
			got := w.Mean(now)
			if got != restarted.Mean(now) {
				t.Fatalf("%+v, but %+v after a restart", got, restarted.Mean(now))
			}
			if got.Time != whole.Time {
				t.Fatalf("reckoned over %v, want %v", got.Time, whole.Time)
			}
			if got.Time == 0 {
				continue
			}
			a, b := kinetic(t, got), kinetic(t, whole)
			c, _ := got.Arithmetic()
			d2, _ := whole.Arithmetic()
			if math.Abs(a-b) > exact || math.Abs(c-d2) > exact {
				t.Fatalf("kinetic %v and %v, arithmetic %v and %v", a, b, c, d2)
			}
		}
	})
}
