package rehearse_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/rehearse"
	"github.com/frostline/frostline/agent/stock"
)

func def(p agent.PointID) agent.Definition {
	return agent.Definition{Point: p, Quantity: agent.Temperature, Zone: "cold", Role: agent.RoleAir, Driver: "test"}.Identified()
}

// rulesOf are the rules of these alarms on points that are read every minute.
func rulesOf(t testing.TB, specs []alarm.Spec, points ...agent.PointID) *rehearse.Rules {
	t.Helper()
	r := &rehearse.Rules{Kinds: map[string]alarm.Kind{}, Points: map[agent.PointID]bool{}, Readers: []agent.ReaderID{"dock-in"}}
	s := alarm.Setup{Kinds: all.Kinds(), Items: []alarm.Item{{ID: "vaccine", Minimum: 2}}}
	for _, k := range s.Kinds {
		r.Kinds[k.Name] = k
	}
	r.Specs = append(specs, alarm.Defaults(s.Kinds, specs)...)
	s.Specs = r.Specs
	for _, p := range points {
		s.Points = append(s.Points, alarm.Point{Definition: def(p), Every: time.Minute})
		r.Points[p] = true
	}
	var err error
	if r.Alarms, err = alarm.New(s); err != nil {
		t.Fatal(err)
	}
	r.Stock, err = stock.New([]stock.Item{{ID: "vaccine", Minimum: 2, Codes: []string{"123"}}},
		[]stock.Reader{{ID: "dock-in", Zone: "dock", Direction: agent.DirectionCount, Window: -1}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func value(units int64) *agent.Value { v := agent.Value(units) * agent.Unit; return &v }

func warm(id agent.AlarmID, above int64, lasts time.Duration) alarm.Spec {
	return alarm.Spec{ID: id, Kind: "limit", Quantity: agent.Temperature, Settings: &limit.Settings{Above: value(above), For: lasts}}
}

// series is CSV of one point, one value a minute from midnight; - is none.
func series(point, values string) string {
	var b strings.Builder
	b.WriteString("time,point,value\n")
	for i, v := range strings.Fields(values) {
		if v != "-" {
			at := time.Date(2026, 3, 1, 0, i, 0, 0, time.UTC)
			fmt.Fprintf(&b, "%s,%s,%s\n", at.Format(time.RFC3339), point, v)
		}
	}
	return b.String()
}

// run rehearses CSV and writes the transitions as "01:30 hot raised unack", with the minute.
func run(t testing.TB, rules *rehearse.Rules, text string) (string, *rehearse.Outcome) {
	t.Helper()
	var defs []agent.Definition
	for p := range rules.Points {
		defs = append(defs, def(p))
	}
	b, err := read(t, text).Bind(defs)
	if err != nil {
		t.Fatal(err)
	}
	return play(t, rules, b.Rows(time.Time{}, time.Time{}))
}

func play(t testing.TB, rules *rehearse.Rules, rows iter.Seq2[rehearse.Row, error]) (string, *rehearse.Outcome) {
	t.Helper()
	var o rehearse.Outcome
	var err error
	if o.Summary, err = rules.Run(rows, o.Take); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, tr := range o.Transitions {
		words = append(words, fmt.Sprintf("%s %s %s %s", tr.Time.Format("15:04:05"), tr.Alarm, tr.Transition, tr.State))
	}
	return strings.Join(words, "; "), &o
}

func expect(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestBetweenRows: what is due between two rows happens when it is due, not at the next row;
// what would be due after the last row does not happen.
func TestBetweenRows(t *testing.T) {
	text := series("air/temperature", "9 9 9") + "2026-03-01T01:00:00Z,air/temperature,4\n"
	got, o := run(t, rulesOf(t, []alarm.Spec{warm("hot", 8, 3*time.Minute)}, "air/temperature"), text)
	expect(t, got, "00:03:00 hot raised unack; 00:05:00 no-data raised unack; 01:00:00 hot cleared rtn-unack; 01:00:00 no-data cleared rtn-unack")
	if v := o.Transitions[0].Value; v == nil || *v != 9*agent.Unit {
		t.Errorf("value %v, want 9", v)
	}
	got, _ = run(t, rulesOf(t, []alarm.Spec{warm("hot", 8, 3*time.Minute)}, "air/temperature"), series("air/temperature", "9 9 9"))
	expect(t, got, "")
}

// TestGapsNeitherExtendNorReset: a hole in the rows and a failure stop the time that counts.
func TestGapsNeitherExtendNorReset(t *testing.T) {
	spec := []alarm.Spec{warm("hot", 8, 5*time.Minute)}
	for name, c := range map[string]struct{ values, want string }{
		"no gap":         {"9 9 9 9 9 9", "00:05:00 hot raised unack"},
		"a failure":      {"9 9 9 9 , 9 9 9", "00:06:00 hot raised unack"},
		"within 3":       {"9 9 9 - 9 9 9", "00:05:00 hot raised unack"},
		"a hole of 7":    {"9 9 - - - - - - 9 9 9", "00:04:00 no-data raised unack; 00:08:00 no-data cleared rtn-unack; 00:09:00 hot raised unack"},
		"back in a hole": {"9 9 4 9 9 9 9 4", ""},
	} {
		values := strings.ReplaceAll(c.values, ",", ",,crc")
		text := strings.ReplaceAll(series("air/temperature", values), ",,,crc", ",,crc")
		got, _ := run(t, rulesOf(t, spec, "air/temperature"), text)
		if got != c.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestSummary(t *testing.T) {
	text := series("air/temperature", "9 4 9 9 4 4 9") + "2026-03-03T00:00:00Z,air/temperature,9\n" +
		"2026-03-03T00:00:00Z,stranger/temperature,9\n" +
		"time,reader,code\n2026-03-03T00:00:00Z,dock-in,123\n2026-03-03T00:00:00Z,nobody,123\n"
	_, o := run(t, rulesOf(t, []alarm.Spec{warm("hot", 8, 0), warm("never", 50, 0)}, "air/temperature"), text)
	s := o.Summary
	if s.Days != 2 || s.Readings != 9 || s.Scans != 2 || s.Faults != 0 || s.Unwatched != 2 {
		t.Errorf("%+v", s)
	}
	if got := s.Alarms[0]; got.Alarm != "hot" || got.Raised != 3 || got.Cleared != 2 || got.Open != 1 || got.AlarmsPerDay != 1.5 ||
		got.InAlarmS != 60+120+(2*24*60-6)*60 || got.First.Minute() != 0 || got.Rule != "temperature above 8" {
		t.Errorf("%+v", got)
	}
	if got := s.Alarms[1]; got.Alarm != "never" || got.Raised != 0 || got.InAlarmS != 0 {
		t.Errorf("%+v", got)
	}
	var defaults []string
	for _, a := range s.Alarms[2:] {
		defaults = append(defaults, fmt.Sprint(a.Alarm, " ", a.Raised))
	}
	expect(t, strings.Join(defaults, "; "), "below-minimum 1; no-data 1")
}

// TestHistory: rows of several boots and with steps of the clock, as a store has them.
func TestHistory(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d := def("air/temperature")
	boots := []agent.BootID{{1}, {2}}
	type row struct {
		boot   int
		mono   time.Duration
		wall   time.Duration
		value  int64
		action *alarm.Command
	}
	history := func(list []row) iter.Seq2[rehearse.Row, error] {
		return func(yield func(rehearse.Row, error) bool) {
			for _, r := range list {
				at := agent.Instant{Wall: noon.Add(r.wall), Mono: r.mono, Boot: boots[r.boot], Trust: agent.ClockSynced}
				reading := agent.Reading{Def: d.ID, At: at, Value: *value(r.value)}
				out := rehearse.Row{At: at, Reading: &reading, Definition: &d}
				if r.action != nil {
					out = rehearse.Row{At: at, Command: r.action}
				}
				if !yield(out, nil) {
					return
				}
			}
		}
	}
	const m = time.Minute
	ack := &alarm.Command{Do: agent.Acknowledged, ID: "hot:air/temperature", By: "Li Wei", Comment: "seen"}
	for name, c := range map[string]struct {
		rows []row
		want string
		left int64
	}{
		"the clock is set on by a day": {[]row{{0, 0, 0, 9, nil}, {0, m, m, 9, nil}, {0, 2 * m, 24 * time.Hour, 9, nil}, {0, 3 * m, 24*time.Hour + m, 9, nil}},
			"12:01:00 hot raised unack", 0},
		// The value held for three intervals; that nothing came after them is no finding while the gateway was off.
		"a reboot":           {[]row{{0, 2 * m, 0, 9, nil}, {0, 3 * m, m, 9, nil}, {1, 0, 30 * m, 9, nil}}, "12:30:00 hot raised unack", 0},
		"somebody looks":     {[]row{{0, 0, 0, 9, nil}, {0, m, m, 9, nil}, {0, 3 * m, 3 * m, 9, nil}, {0, 3 * m, 3 * m, 0, ack}, {0, 4 * m, 4 * m, 4, nil}}, "12:03:00 hot raised unack; 12:03:00 hot acknowledged ack; 12:04:00 hot cleared normal", 0},
		"nothing to look at": {[]row{{0, 0, 0, 4, nil}, {0, m, m, 0, ack}}, "", 1},
	} {
		got, o := play(t, rulesOf(t, []alarm.Spec{warm("hot", 8, 3*m)}, "air/temperature"), history(c.rows))
		if got != c.want || o.Summary.ActsLeftOut != c.left {
			t.Errorf("%s: got  %s, %d acts left out\nwant %s, %d", name, got, o.Summary.ActsLeftOut, c.want, c.left)
		}
	}
}

func TestErrorsEndARun(t *testing.T) {
	broken := errors.New("broken")
	rules := rulesOf(t, nil, "air/temperature")
	_, err := rules.Run(func(yield func(rehearse.Row, error) bool) { yield(rehearse.Row{}, broken) }, func(*rehearse.Transition) error { return nil })
	if !errors.Is(err, broken) {
		t.Errorf("rows: %v", err)
	}
	b, err := read(t, series("air/temperature", "9")).Bind([]agent.Definition{def("air/temperature")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rulesOf(t, []alarm.Spec{warm("hot", 8, 0)}, "air/temperature").Run(b.Rows(time.Time{}, time.Time{}),
		func(*rehearse.Transition) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("took: %v", err)
	}
}

func TestCompare(t *testing.T) {
	text := series("air/temperature", "9 4 7 4 9 4")
	_, before := run(t, rulesOf(t, []alarm.Spec{warm("hot", 8, 0), warm("gone", 8, 0), warm("kept", 6, 0)}, "air/temperature"), text)
	_, after := run(t, rulesOf(t, []alarm.Spec{warm("hot", 6, 0), warm("kept", 6, 0), warm("new", 100, 0)}, "air/temperature"), text)
	var got []string
	for _, d := range rehearse.Compare(before, after) {
		first := "-"
		if !d.FirstDifference.IsZero() {
			first = d.FirstDifference.Format("15:04")
		}
		got = append(got, fmt.Sprintf("%s %s %s", d.Alarm, d.Change, first))
	}
	expect(t, strings.Join(got, "; "), "hot changed 00:02; gone removed 00:00; kept same -; new added -")
}

func TestExpectations(t *testing.T) {
	_, o := run(t, rulesOf(t, []alarm.Spec{warm("hot", 8, 0)}, "air/temperature"), series("air/temperature", "9 4 9 4"))
	at := func(minute int) time.Time { return time.Date(2026, 3, 1, 8, minute, 0, 0, time.FixedZone("", 8*3600)) }
	met := rehearse.Expectations{
		Expect: []rehearse.Expected{
			{Alarm: "hot", Point: "air/temperature", At: at(0), Transition: agent.Raised, State: agent.StateUnack},
			{Alarm: "hot", At: at(3), Transition: agent.Cleared},
		},
		Never: []agent.AlarmID{"cold"}, Raised: map[agent.AlarmID]int64{"hot": 2, "cold": 0},
	}
	if got := met.Check(o, time.UTC); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	unmet := rehearse.Expectations{
		Expect: []rehearse.Expected{
			{Alarm: "hot", At: at(1), Transition: agent.Raised},
			{Alarm: "hot", Point: "air/humidity", At: at(0), Transition: agent.Raised},
		},
		Never: []agent.AlarmID{"hot"}, Raised: map[agent.AlarmID]int64{"hot": 3},
	}
	got := unmet.Check(o, time.UTC)
	var where []string
	for _, f := range got {
		where = append(where, f.Expectation+": "+f.Want)
	}
	expect(t, strings.Join(where, "; "), "expect[0]: 2026-03-01T00:01:00Z hot raised; expect[1]: 2026-03-01T00:00:00Z hot raised at air/humidity; "+
		"never[0]: nothing of hot; raised.hot: hot raised 3 times, not 2")
	expect(t, strings.Join(got[0].Got, "; "), "2026-03-01T00:00:00Z hot raised at air/temperature (unack); "+
		"2026-03-01T00:01:00Z hot cleared at air/temperature (rtn-unack); 2026-03-01T00:02:00Z hot raised at air/temperature (unack); "+
		"2026-03-01T00:03:00Z hot cleared at air/temperature (rtn-unack)")
}

// BenchmarkRun: 200 alarms on 100 points, values that seldom are outside.
func BenchmarkRun(b *testing.B) {
	var specs []alarm.Spec
	var points []agent.PointID
	var defs []agent.Definition
	var text strings.Builder
	text.WriteString("time,point,value\n")
	for p := range 100 {
		id := agent.PointID(fmt.Sprintf("p%d/temperature", p))
		points, defs = append(points, id), append(defs, def(id))
		for i, limits := range []limit.Settings{
			{Above: value(8), For: 5 * time.Minute, Deadband: agent.Unit / 2}, {Below: value(2), Total: time.Hour, Within: "24h"},
		} {
			specs = append(specs, alarm.Spec{ID: agent.AlarmID(fmt.Sprintf("a%d-%d", p, i)), Kind: "limit", Point: id, Settings: &limits})
		}
	}
	const minutes = 1000
	for i := range minutes {
		at := time.Date(2026, 3, 1, 0, i, 0, 0, time.UTC).Format(time.RFC3339)
		for p, id := range points {
			fmt.Fprintf(&text, "%s,%s,%d.%d\n", at, id, 2+(i+p)%97/14, i%10)
		}
	}
	recording := read(b, text.String())
	bound, err := recording.Bind(defs)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := rulesOf(b, specs, points...).Run(bound.Rows(time.Time{}, time.Time{}), func(*rehearse.Transition) error { return nil }); err != nil {
			b.Fatal(err)
		}
		n += recording.Rows()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "readings/s")
}

// BenchmarkRead: CSV with its times.
func BenchmarkRead(b *testing.B) {
	text := series("air/temperature", strings.Repeat("4.25 ", 100_000))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		read(b, text)
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "rows/s")
}
