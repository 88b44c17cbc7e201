package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestShortForm lives the program's life for some room-weeks and asks for its targets;
// make lab-alarms asks for them over a year of 20 rooms.
func TestShortForm(t *testing.T) {
	records, err := live(8, 10*day, 5)
	if err != nil {
		t.Fatal(err)
	}
	s := tally(records)
	var out bytes.Buffer
	s.print(&out)
	s.list(&out)
	t.Logf("\n%s", &out)
	if s.all.excursions < 3 {
		t.Errorf("%d excursions: nothing to judge by", s.all.excursions)
	}
	if s.all.missed != 0 {
		t.Errorf("%d excursions missed", s.all.missed)
	}
	if s.all.perWeek() > most {
		t.Errorf("%.2f alarms without an excursion for each zone and week", s.all.perWeek())
	}
}

func TestSameSeedSameYear(t *testing.T) {
	story := func(seed uint64) string {
		records, err := live(1, 3*day, seed)
		if err != nil {
			t.Fatal(err)
		}
		s := tally(records)
		var out bytes.Buffer
		s.print(&out)
		s.list(&out)
		return out.String() + records[0].profile
	}
	if story(3) != story(3) {
		t.Error("a seed gave two different lives")
	}
}

// TestAllConfigsAreRight: each sort of room makes a config that is right, with alarms of its profile.
func TestAllConfigsAreRight(t *testing.T) {
	if _, err := live(2*len(sites), time.Minute, 5); err != nil {
		t.Error(err)
	}
}

// lived is a room with one clause, and what is said to have happened to it.
func lived(c *clause) *summary {
	c.id = "room-high"
	return tally([]*record{{profile: "p", weeks: 1, clauses: []*clause{c}}})
}

// TestJudgement: the judge misses nothing that it is there for.
func TestJudgement(t *testing.T) {
	hour := func(h int) time.Duration { return time.Duration(h) * time.Hour }
	plain := func() *excursion {
		return &excursion{from: hour(1), to: hour(2), due: hour(1) + 5*time.Minute, lasts: true, certain: hour(1) + 7*time.Minute}
	}
	for _, c := range []struct {
		name string
		in   clause
		want row
		met  bool
	}{
		{"raised in time", clause{all: []*excursion{plain()}, rang: []stand{{from: hour(1) + 6*time.Minute, to: hour(2), reaches: true, what: dead}}},
			row{excursions: 1, raised: 1, reached: 1, late: []time.Duration{time.Minute}}, true},
		{"not raised", clause{all: []*excursion{plain()}}, row{excursions: 1, missed: 1}, false},
		{"raised after it", clause{all: []*excursion{plain()}, rang: []stand{{from: hour(3), reaches: true, what: dead}}},
			row{excursions: 1, missed: 1, reached: 1, without: 1}, false},
		{"suppressed though it is past", clause{all: []*excursion{plain()}, mute: []time.Duration{hour(1) + 5*time.Minute}}, row{excursions: 1, missed: 1}, false},
		{"suppressed by design", clause{all: []*excursion{{from: hour(1), to: hour(1) + 9*time.Minute, lasts: true}}, mute: []time.Duration{hour(1) + 5*time.Minute}},
			row{excursions: 1, suppressed: 1}, true},
		{"in vain", clause{rang: []stand{{from: hour(1), to: hour(2), reaches: true}}}, row{reached: 1, without: 1, atWork: 1}, true},
		{"in vain twice", clause{rang: []stand{{from: hour(1), to: hour(2), reaches: true}, {from: hour(3), reaches: true}}},
			row{reached: 2, without: 2, atWork: 2, busyWeeks: 1}, false},
		{"nobody heard it", clause{rang: []stand{{from: hour(1), to: hour(2)}}}, row{}, true},
	} {
		s := lived(&c.in)
		got := s.all
		got.profile, got.rooms, got.weeks, got.worst = "", 0, 0, 0
		if !reflect.DeepEqual(got, c.want) || s.met() != c.met {
			t.Errorf("%s: got %+v, met %v\nwant %+v", c.name, got, s.met(), c.want)
		}
	}
}

// TestClause follows one clause: above 8 °C for 5 min, while a door mutes for 10 min at most
// and 2 min after it was shut.
func TestClause(t *testing.T) {
	for _, c := range []struct {
		name     string
		out      [2]int // minutes
		door     [2]int
		lasts    bool
		due      int // minute; 0 for never
		plain    bool
		freezing bool
	}{
		{name: "short", out: [2]int{10, 14}},
		{name: "long", out: [2]int{10, 20}, lasts: true, due: 15, plain: true},
		{name: "while the door is open", out: [2]int{10, 17}, door: [2]int{9, 17}, lasts: true},
		{name: "longer than the door may be", out: [2]int{10, 40}, door: [2]int{9, 40}, lasts: true, due: 19, plain: true},
		{name: "after the door was shut", out: [2]int{10, 40}, door: [2]int{9, 11}, lasts: true, due: 15, plain: true},
		{name: "before the door was opened", out: [2]int{10, 20}, door: [2]int{14, 20}, lasts: true, due: 15, plain: true},
		{name: "freezing", out: [2]int{10, 20}, door: [2]int{9, 20}, lasts: true, due: 15, plain: true, freezing: true},
	} {
		one := &clause{high: !c.freezing, limit: 8, hold: 5 * time.Minute, mutable: true, mistake: 0.2}
		felt := 9.0
		if c.freezing {
			one.limit, felt = 2, -0.6
		}
		l := &life{house: &house{}}
		w := &witness{life: l, quiets: []*quiet{{is: func(s *states) bool { return s.door }, high: one.high, longest: 10 * time.Minute, after: 2 * time.Minute}}}
		w.clauses = []*clause{one}
		minutes := func(m int) time.Duration { return time.Duration(m) * time.Minute }
		for ; l.now < time.Hour; l.now += tick {
			l.feels[0].heard, l.feels[0].felt = true, 5
			if l.now >= minutes(c.out[0]) && l.now < minutes(c.out[1]) {
				l.feels[0].felt = felt
			}
			l.states.door = l.now >= minutes(c.door[0]) && l.now < minutes(c.door[1])
			w.see()
		}
		w.end()
		if !c.lasts {
			if len(one.all) != 0 {
				t.Errorf("%s: %+v", c.name, one.all[0])
			}
			continue
		}
		if len(one.all) != 1 {
			t.Errorf("%s: %d excursions", c.name, len(one.all))
			continue
		}
		e := one.all[0]
		if got := int(e.due.Round(time.Minute) / time.Minute); got != c.due || (e.certain != 0) != c.plain || !e.lasts {
			t.Errorf("%s: due in minute %d: %+v", c.name, got, e)
		}
	}
}

// TestMean: USP's weekly means, and the worked cases of five and of 24 values.
func TestMean(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{25, 25, 25}, 25},
		{[]float64{4, 4, 4, 4, 16}, 8.10886},
		{[]float64{23, 25}, 24.05315},
	} {
		m := mean{span: 60, energy: 83.144}
		for i := range 60 {
			m.add(c.values[i%len(c.values)], true)
		}
		if math.Abs(m.felt-c.want) > 1e-3 {
			t.Errorf("%v: %.5f, want %.5f", c.values, m.felt, c.want)
		}
	}
}

func TestCommandRefuses(t *testing.T) {
	for _, args := range [][]string{{"-days", "0"}, {"-rooms", "0"}, {"x"}, {"-nothing"}} {
		if _, err := command(args, io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%v: %v", args, err)
		}
	}
	var out strings.Builder
	if met, err := command([]string{"-rooms", "1", "-days", "1"}, &out); err != nil || !met || !strings.Contains(out.String(), "excursions missed") {
		t.Errorf("%v, %v:\n%s", met, err, out.String())
	}
}
