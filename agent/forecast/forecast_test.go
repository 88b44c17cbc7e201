package forecast

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

// celsius rounds to hundredths, as an instrument does.
func celsius(v float64) agent.Value {
	return agent.Value(math.Round(v*100)) * agent.Unit / 100
}

// watched is a room with a model and a pre-alarm.
type watched struct {
	*room
	model   *Model
	watch   *Watch
	contact func(*room, *Input) // what is wired
	raised  int
	at      time.Duration // when it was last raised
	first   Forecast      // with what
}

func watching(seed uint64, limit float64, side Side) *watched {
	return &watched{room: newRoom(seed), model: New(Settings{}), watch: NewWatch(celsius(limit), side),
		contact: func(*room, *Input) {}}
}

func (w *watched) step() Change {
	now, in := w.next()
	w.contact(w.room, &in)
	if !w.model.Step(now, in) {
		return Unchanged
	}
	change, f := w.watch.Step(w.model)
	if change == Raised {
		w.raised++
		w.at, w.first = now, f
	}
	return change
}

func (w *watched) live(span time.Duration) {
	for end := w.now + span; w.now < end; {
		w.step()
	}
}

// until lives until the air passes a limit and returns how long that took.
func (w *watched) until(t *testing.T, passed func(air float64) bool) time.Duration {
	t.Helper()
	began := w.now
	for !passed(w.air) {
		w.step()
		if w.now-began > 12*time.Hour {
			t.Fatalf("the air is at %.2f °C after twelve hours", w.air)
		}
	}
	return w.now - began
}

func TestDeadCompressorIsAnnounced(t *testing.T) {
	for seed := range uint64(5) {
		w := watching(seed, 8, Above)
		w.live(2*24*time.Hour + time.Duration(seed)*7*time.Minute)
		if w.raised != 0 {
			t.Fatalf("seed %d: a pre-alarm in a room that works", seed)
		}
		w.dead = true
		took := w.until(t, func(air float64) bool { return air > 8 })
		lead := w.now - w.at
		if w.raised != 1 || !w.watch.Raised() {
			t.Fatalf("seed %d: %d pre-alarms, standing %v", seed, w.raised, w.watch.Raised())
		}
		if lead < 20*time.Minute {
			t.Errorf("seed %d: announced %v before, of the %v that it took", seed, lead, took)
		}
		if lead < w.first.Earliest || lead > w.first.Latest {
			t.Errorf("seed %d: it took %v, said were %v to %v", seed, lead, w.first.Earliest, w.first.Latest)
		}
	}
}

func TestPowerFailureIsAnnounced(t *testing.T) {
	w := watching(1, 8, Above)
	w.contact = func(r *room, in *Input) { in.Power = Is(!r.dark) }
	w.live(2 * 24 * time.Hour)
	w.dark = true
	w.until(t, func(air float64) bool { return air > 8 })
	lead := w.now - w.at
	if w.raised != 1 || lead < 20*time.Minute {
		t.Fatalf("%d pre-alarms, the last %v before", w.raised, lead)
	}
	if lead < w.first.Earliest || lead > w.first.Latest {
		t.Errorf("it took %v, said were %v to %v", lead, w.first.Earliest, w.first.Latest)
	}
}

func TestStuckCompressorIsAnnouncedOnTheLowSide(t *testing.T) {
	w := watching(3, 0, Below)
	w.live(2 * 24 * time.Hour)
	w.stuck = true
	w.until(t, func(air float64) bool { return air < 0 })
	if w.raised != 1 || !w.watch.Raised() {
		t.Errorf("%d pre-alarms, standing %v", w.raised, w.watch.Raised())
	}
}

// TestOrdinaryDaysAreSilent has a defrost without heat twice a day and a door that opens for
// half a minute eight times an hour in the morning; no contact is wired.
func TestOrdinaryDaysAreSilent(t *testing.T) {
	w := watching(4, 9.5, Above)
	for w.now < 10*24*time.Hour {
		minute := int(w.now.Minutes()) % (24 * 60)
		w.thaw = minute >= 300 && minute < 312 || minute >= 1100 && minute < 1112
		w.open = minute >= 420 && minute < 600 && w.now%(8*time.Minute) == 0
		w.step()
	}
	if w.raised != 0 {
		t.Errorf("%d pre-alarms in ten days of work", w.raised)
	}
}

func TestPreAlarmIsWithdrawnWhenTheCompressorStarts(t *testing.T) {
	w := watching(5, 8, Above)
	w.live(2 * 24 * time.Hour)
	w.dead = true
	for w.raised == 0 {
		w.step()
	}
	w.dead = false
	for began := w.now; ; {
		if w.step() == Withdrawn {
			break
		}
		if w.now-began > time.Hour {
			t.Fatal("the pre-alarm stands an hour after the compressor started")
		}
	}
	if w.watch.Raised() {
		t.Error("withdrawn, and still raised")
	}
}

func TestNothingIsSaidBeforeItIsKnown(t *testing.T) {
	w := watching(6, 8, Above)
	if _, ok := w.model.Forecast(celsius(8), Above); ok {
		t.Error("a forecast without a reading")
	}
	w.live(11 * time.Hour)
	if _, ok := w.model.Forecast(celsius(8), Above); ok {
		t.Error("a forecast after eleven hours")
	}
	w.live(3 * time.Hour)
	if _, ok := w.model.Forecast(celsius(8), Above); !ok {
		t.Error("no forecast after fourteen hours")
	}
	if _, ok := w.model.Forecast(celsius(3), Above); ok {
		t.Error("a forecast for a limit that was passed")
	}
}

// TestRestart takes model and pre-alarm through JSON after each half hour of a life and asks
// for the same pre-alarms.
func TestRestart(t *testing.T) {
	one, two := watching(7, 8, Above), watching(7, 8, Above)
	for _, w := range []*watched{one, two} {
		w.live(30 * time.Hour)
		w.dead = true
	}
	var changes int
	for range 600 {
		a, b := one.step(), two.step()
		if a != b {
			t.Fatalf("at %v: %v without restarts, %v with", one.now, a, b)
		}
		if a != Unchanged {
			changes++
		}
		if two.now%(30*time.Minute) == 0 {
			model, watch := New(Settings{}), NewWatch(celsius(8), Above)
			through(t, two.model, model)
			through(t, two.watch, watch)
			two.model, two.watch = model, watch
		}
	}
	if changes == 0 {
		t.Error("nothing was announced")
	}
	if one.first != two.first {
		t.Errorf("raised with %+v and %+v", one.first, two.first)
	}
}

func through(t *testing.T, from, to any) {
	t.Helper()
	b, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}

func TestUnmarshalRefusesAndKeeps(t *testing.T) {
	w := watching(8, 8, Above)
	w.live(time.Hour)
	before, _ := json.Marshal(w.model)
	for _, bad := range []string{`{"r":1}`, `[]`, `{"f":{"m":[{"p":"x"}]}}`} {
		if err := json.Unmarshal([]byte(bad), w.model); err == nil {
			t.Errorf("%s: taken", bad)
		}
	}
	after, _ := json.Marshal(w.model)
	if !bytes.Equal(before, after) {
		t.Error("a refused state changed the model")
	}
	if err := json.Unmarshal([]byte(`{"r":"x"}`), w.watch); err == nil || !strings.Contains(err.Error(), "pre-alarm") {
		t.Errorf("error %v", err)
	}
	long := `{"h":{"xs":[` + strings.Repeat("1,", 99) + `1]}}`
	if err := json.Unmarshal([]byte(long), w.model); err != nil {
		t.Fatal(err)
	}
	w.live(3 * time.Hour)
}

// TestAnyInput steps through nonsense: the state stays bounded and finite, forecasts in order.
func TestAnyInput(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := New(Settings{Slow: seed%2 == 0, Horizon: time.Duration(seed*seed) * time.Hour / 2})
		watches := []*Watch{NewWatch(celsius(8), Above), NewWatch(celsius(2), Below)}
		scale := []float64{0.001, 1, 1e3, 9e12}[seed%4]
		var now time.Duration
		for range 600 {
			now += time.Duration(r.ExpFloat64() * float64(time.Minute))
			switch x := r.Float64(); {
			case x < 0.001:
				now += time.Duration(r.IntN(100)) * time.Hour
			case x < 0.002:
				now -= time.Hour
			}
			in := Input{OK: r.Float64() < 0.9, Value: agent.Value((5 + scale*(r.Float64()-0.5)) * float64(agent.Unit)),
				Door: State(r.IntN(3)), Compressor: State(r.IntN(3)), Defrost: State(r.IntN(3)), Power: State(r.IntN(3))}
			if r.IntN(2) == 0 {
				in.Outside = &in.Value
			}
			if !m.Step(now, in) {
				continue
			}
			for _, w := range watches {
				if _, f := w.Step(m); !sane(f) {
					t.Fatalf("seed %d: forecast %+v", seed, f)
				}
				if f, _ := m.Forecast(w.limit, w.side); !sane(f) {
					t.Fatalf("seed %d: forecast %+v", seed, f)
				}
			}
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(b) > 4096 && scale < 1e4 {
			t.Errorf("seed %d: the state has %d bytes", seed, len(b))
		}
	}
}

func sane(f Forecast) bool {
	if math.IsNaN(f.Probability) || f.Probability < 0 || f.Probability > 1 {
		return false
	}
	return f.Breach && f.Earliest <= f.Median && f.Median <= f.Latest && f.Earliest >= 0 || !f.Breach && f.Latest == 0
}

func TestStateIsBounded(t *testing.T) {
	w := watching(9, 8, Above)
	for day := range 12 {
		w.dead = day%10 == 9
		w.live(24 * time.Hour)
	}
	b, err := json.Marshal(w.model)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 4096 {
		t.Errorf("the state has %d bytes:\n%s", len(b), b)
	}
}

// BenchmarkStep is one reading of a room that works, with its pre-alarm.
func BenchmarkStep(b *testing.B) {
	w := watching(10, 8, Above)
	w.live(24 * time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		w.step()
	}
}

// BenchmarkForecast is one look ahead.
func BenchmarkForecast(b *testing.B) {
	w := watching(11, 8, Above)
	w.live(24 * time.Hour)
	w.dead = true
	w.live(25 * time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := w.model.Forecast(celsius(8), Above); !ok {
			b.Fatal("no forecast")
		}
	}
}
