package report_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/report"
)

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	boot   = agent.BootID{1}
	reboot = agent.BootID{2}
	air    = agent.Definition{
		Point: "cr1-air/temperature", Quantity: agent.Temperature, Zone: "cold-room-1", Role: agent.RoleAir, Driver: "sht4x", Serial: "A1", Certificate: "C-7",
	}.Identified()
)

func val(text string) *agent.Value {
	v, err := agent.ParseValue(text)
	if err != nil {
		panic(err)
	}
	return &v
}

// stream makes records.
type stream struct {
	at   agent.Instant
	pos  agent.Position
	recs []agent.Record
}

func newStream() *stream {
	return &stream{
		at:  agent.Instant{Wall: noon, Mono: time.Hour, Boot: boot, Trust: agent.ClockSynced},
		pos: agent.Position{Epoch: 7, Seq: 100},
	}
}

func (s *stream) record(r agent.Record) {
	r.Position = s.pos
	s.pos.Seq++
	s.recs = append(s.recs, r)
}

func (s *stream) event(e agent.Event) {
	e.At = s.at
	s.record(agent.OfEvent(e))
}

// reading takes "8.1", "!crc" for a fault, "~60" for an implausible value.
func (s *stream) reading(d *agent.Definition, text string) {
	r := agent.Reading{Def: d.ID, At: s.at}
	if fault, ok := strings.CutPrefix(text, "!"); ok {
		f, err := agent.ParseFault(fault)
		if err != nil {
			panic(err)
		}
		r.Fault = f
	} else {
		text, marked := strings.CutPrefix(text, "~")
		if marked {
			r.Marks = agent.MarkImplausible
		}
		r.Value = *val(text)
		r.Raw = r.Value
	}
	s.record(agent.OfReading(r))
}

// play plays "9*3 - !crc 5": a sample every minute, - for none.
func (s *stream) play(d *agent.Definition, samples string) *stream {
	for _, field := range strings.Fields(samples) {
		text, times, many := strings.Cut(field, "*")
		n := 1
		if many {
			var err error
			if n, err = strconv.Atoi(times); err != nil {
				panic(err)
			}
		}
		for range n {
			if text != "-" {
				s.reading(d, text)
			}
			s.at = s.at.Add(time.Minute)
		}
	}
	return s
}

func setup(limits ...report.Limit) report.Setup {
	for i := range limits {
		limits[i].Quantity = agent.Temperature
		if limits[i].Name == "" {
			limits[i].Name = "limit-" + strconv.Itoa(i)
		}
	}
	return report.Setup{
		Zones: []report.Zone{{ID: "cold-room-1", Limits: limits}},
		Every: func(agent.PointID) time.Duration { return time.Minute },
		Definition: func(id agent.DefID) (agent.Definition, bool) {
			return air, id == air.ID
		},
	}
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func build(t failer, s report.Setup, recs []agent.Record) *report.Report {
	t.Helper()
	b, err := report.New(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range recs {
		b.Add(&recs[i])
	}
	return b.Report()
}

// whole plays samples from noon to their end.
func whole(t testing.TB, samples string, limits ...report.Limit) *report.PointReport {
	t.Helper()
	s := newStream().play(&air, samples)
	set := setup(limits...)
	set.From, set.To = noon, s.at.Wall
	return only(t, build(t, set, s.recs))
}

func only(t testing.TB, r *report.Report) *report.PointReport {
	t.Helper()
	if len(r.Zones) != 1 || len(r.Zones[0].Points) != 1 {
		t.Fatalf("%+v", r)
	}
	return &r.Zones[0].Points[0]
}

// minute is a time as minutes since noon, "" for none.
func minute(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return strconv.FormatFloat(at.Sub(noon).Minutes(), 'f', -1, 64)
}

// TestVerdicts are the trade's own cases: a limit is reached when the time is ≥ its own.
func TestVerdicts(t *testing.T) {
	const h, m = time.Hour, time.Minute
	tr07 := func(at string, l report.Limit) report.Limit { l.AtOrAbove = val(at); return l }
	for _, c := range []struct {
		name    string
		limit   report.Limit
		samples string
		want    report.Verdict
		reached string  // minutes
		outside float64 // minutes
		runs    int64
	}{
		{"above is strict", report.Limit{Above: val("8")}, "8*10", report.VerdictPass, "", 0, 0},
		{"at once", report.Limit{Above: val("8")}, "5 8.000001 5", report.VerdictFail, "1", 1, 1},

		// Refrigerator logger: dips of less than an hour, 3.5 h in all, are no alarm.
		{"30DTR dips", report.Limit{Below: val("-0.5"), For: h}, "-1*50 3*30 -1*55 3*10 -1*50 3 -1*55 3*60", report.VerdictPass, "", 210, 4},
		{"30DTR freezing", report.Limit{Below: val("-0.5"), For: h}, "3 -0.6*61 3", report.VerdictFail, "61", 61, 1},
		{"30DTR at the limit", report.Limit{Below: val("-0.5"), For: h}, "3 -0.5*90 3", report.VerdictPass, "", 0, 0},
		{"30DTR high", report.Limit{Above: val("8"), For: 10 * h}, "5 8.1*601", report.VerdictFail, "601", 601, 1},

		// WHO TR07: ≥ 45 °C for 1 h, ≥ 30 °C for 10 h in all, ≥ 10 °C for 20 h in all.
		{"TR07 45 for an hour", tr07("45", report.Limit{For: h}), "44.9 45*60 44.9", report.VerdictFail, "61", 60, 1},
		{"TR07 45 for less", tr07("45", report.Limit{For: h}), "44.9 45*59 44.9", report.VerdictPass, "", 59, 1},
		{"TR07 30 for 10 h in all", tr07("30", report.Limit{Total: 10 * h, Within: "trip"}), "30*300 29.9*100 30*299 29.9 30 29.9 30", report.VerdictFail, "701", 601, 4},
		{"TR07 29.9 never", tr07("30", report.Limit{Total: 10 * h, Within: "trip"}), "29.9*1500", report.VerdictPass, "", 0, 0},
		{"TR07 10 for 20 h in all", tr07("10", report.Limit{Total: 20 * h, Within: "trip"}), "10*600 9.9*60 10*601", report.VerdictFail, "1260", 1201, 2},

		// The logger maker's example: 5 consecutive or 7 in all above 20 °C.
		{"5 or 7: no alert", report.Limit{Above: val("20"), For: 5 * m, Total: 7 * m, Within: "trip"}, "21*2 15 5*8 15 21*4 15", report.VerdictPass, "", 6, 2},
		{"5 or 7: by the total", report.Limit{Above: val("20"), For: 5 * m, Total: 7 * m, Within: "trip"}, "21*4 15 21*4 15", report.VerdictFail, "8", 8, 2},
		{"5 or 7: by the run", report.Limit{Above: val("20"), For: 5 * m, Total: 7 * m, Within: "trip"}, "21*5 15", report.VerdictFail, "5", 5, 1},
		{"rolling", report.Limit{Above: val("8"), Total: 3 * m, Within: "10m"}, "9*2 5*9 9*2 5*20", report.VerdictPass, "", 4, 2},

		// Gaps neither extend nor reset, and may hide what matters.
		{"a value holds for three intervals", report.Limit{Above: val("8"), For: 3 * m}, "9 -*3", report.VerdictFail, "3", 3, 1},
		{"and no longer", report.Limit{Above: val("8"), For: 4 * m}, "9 -*30 5", report.VerdictIncomplete, "", 3, 1},
		{"a gap does not reset", report.Limit{Above: val("8"), For: 5 * m}, "9 -*30 9*3", report.VerdictFail, "33", 6, 1},
		{"a gap that is too short to hide it", report.Limit{Above: val("8"), For: h}, "5*10 -*30 5*10", report.VerdictPass, "", 0, 0},
		{"a gap that is long enough", report.Limit{Above: val("8"), For: h}, "5*10 -*70 5*10", report.VerdictIncomplete, "", 0, 0},
		{"a gap after a run", report.Limit{Above: val("8"), For: h}, "9*40 !crc*25 5*10", report.VerdictIncomplete, "", 40, 1},
		{"at once: a gap may hide it", report.Limit{Above: val("8")}, "5 !crc*4 5", report.VerdictIncomplete, "", 0, 0},
		{"one failed measurement hides no more than the time between two", report.Limit{Above: val("8")}, "5 !crc*3 5 !crc*3 5", report.VerdictPass, "", 0, 0},
		{"a total that gaps may complete", report.Limit{Above: val("8"), Total: h, Within: "trip"}, "9*30 5 !crc*30 5", report.VerdictIncomplete, "", 30, 1},

		// Doubtful values open, and neither end nor reset.
		{"implausible opens", report.Limit{Above: val("8")}, "5 ~60 5", report.VerdictFail, "1", 1, 1},
		{"implausible does not end", report.Limit{Above: val("8"), For: 5 * m}, "9*3 ~-40 9*3", report.VerdictFail, "6", 6, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := whole(t, c.samples, c.limit)
			l := p.Limits[0]
			if l.Verdict != c.want || minute(l.Reached) != c.reached || l.OutsideS != c.outside*60 || l.Excursions.Total != c.runs || p.Verdict != c.want {
				t.Errorf("%s, reached at %q, %v min outside, %d excursions; want %s, %q, %v, %d",
					l.Verdict, minute(l.Reached), l.OutsideS/60, l.Excursions.Total, c.want, c.reached, c.outside, c.runs)
			}
		})
	}
}

// TestExcursions: begin ending end duration unknown worst@when, in minutes; * where the limit was reached.
func TestExcursions(t *testing.T) {
	for _, c := range []struct {
		name, samples string
		forMinutes    int
		want          string
	}{
		{"two", "5 9 10 5 9 5", 0, "1 returned 3 2 0 10@2* | 4 returned 5 1 0 9@4*"},
		{"short and long", "9*2 5 9*4 5", 3, "0 returned 2 2 0 9@0 | 3 returned 7 4 0 9@3*"},
		{"still out", "5 9*3", 0, "1 out 4 3 0 9@1*"},
		{"the sensor died", "5 9 11 !absent*20", 0, "1 unknown 3 2 20 11@2*"},
		{"the gateway died", "5 9 11 -*20", 0, "1 unknown 5 4 18 11@2*"},
		{"dead for long, then inside", "9*2 !absent*10 5", 0, "0 unknown 12 2 10 9@0*"},
		{"one measurement failed", "9*2 !crc 9 5", 0, "0 returned 4 3 1 9@0*"},
		{"the first of equal ones is the worst", "9 11 10 11 5", 0, "0 returned 4 4 0 11@1*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := whole(t, c.samples, report.Limit{Above: val("8"), For: time.Duration(c.forMinutes) * time.Minute})
			var got []string
			for _, e := range p.Limits[0].Excursions.Items {
				star := ""
				if e.Reached {
					star = "*"
				}
				got = append(got, fmt.Sprintf("%s %s %s %v %v %s@%s%s", minute(e.Begin), e.Ending, minute(e.End), e.DurationS/60, e.UnknownS/60, e.Worst, minute(e.WorstAt), star))
			}
			if s := strings.Join(got, " | "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func TestSummaryOfPoint(t *testing.T) {
	// 23 minutes at 5 °C and one at 20 °C.
	p := whole(t, "5*23 20")
	if p.N != 24 || p.Min.V != 5*agent.Unit || minute(p.Min.T) != "0" || p.Max.V != 20*agent.Unit || minute(p.Max.T) != "23" {
		t.Errorf("%+v", p.Summary)
	}
	if p.Mean.Float64() != 5.625 || math.Abs(p.MKT.Float64()-6.55075) > 1e-4 || p.Coverage != 1 || p.Verdict != report.VerdictNone {
		t.Errorf("mean %v, mkt %v, coverage %v, verdict %v", p.Mean, p.MKT, p.Coverage, p.Verdict)
	}
	if p.IntervalS != 60 || minute(p.First) != "0" || minute(p.Last) != "23" {
		t.Errorf("%+v", p)
	}
	// Gaps are listed, and weigh nothing.
	p = whole(t, "5*10 -*20 6*10 !crc*5 !absent*5 6*2")
	if got := gaps(p); got != "12-30 40-50" || p.Gaps.Total != 2 {
		t.Errorf("gaps %s", got)
	}
	if want := 24.0 / 52; math.Abs(p.Coverage-want) > 1e-9 || p.Faults != 10 {
		t.Errorf("coverage %v, want %v; %d faults", p.Coverage, want, p.Faults)
	}
	if n := len(p.FaultTimes.Items); n != 1 {
		t.Fatalf("%d fault intervals", n)
	}
	if f := p.FaultTimes.Items[0]; minute(f.From) != "40" || minute(f.To) != "50" || f.Fault != "crc" || f.N != 10 {
		t.Errorf("%+v", f)
	}
	if p.Mean.Float64() != 5.5 {
		t.Errorf("mean %v: 12 min of 5 and 12 of 6", p.Mean)
	}
	// A doubtful value counts and says so.
	p = whole(t, "5 ~60 5")
	if p.Doubtful != 1 || p.Max.V != 60*agent.Unit || strings.Join(p.Max.Marks, " ") != "implausible" {
		t.Errorf("%+v", p.Summary)
	}
}

func gaps(p *report.PointReport) string {
	var out []string
	for _, g := range p.Gaps.Items {
		out = append(out, minute(g.From)+"-"+minute(g.To))
	}
	return strings.Join(out, " ")
}

// TestPeriod: the report has an end on both sides, and what held when it began counts.
func TestPeriod(t *testing.T) {
	s := newStream().play(&air, "9*10 5*10 6*10")
	high := report.Limit{Above: val("8"), For: 4 * time.Minute}
	set := setup(high)
	set.From, set.To = noon.Add(6*time.Minute+30*time.Second), noon.Add(25*time.Minute)
	p := only(t, build(t, set, s.recs))
	if p.N != 18 || minute(p.First) != "7" || minute(p.Last) != "24" || p.Coverage != 1 || len(p.Gaps.Items) != 0 {
		t.Errorf("%+v", p)
	}
	// Outside from 6.5 to 10: 3.5 min of the report's time, begun before it.
	l := p.Limits[0]
	if l.OutsideS != 210 || l.Verdict != report.VerdictPass || minute(l.Excursions.Items[0].Begin) != "6" {
		t.Errorf("%+v", l)
	}
	// Before the first and after the last value lie gaps.
	set.From, set.To = noon.Add(-time.Hour), noon.Add(time.Hour)
	p = only(t, build(t, set, s.recs))
	if got := gaps(p); got != "-60-0 32-60" {
		t.Errorf("gaps %s", got)
	}
	if math.Abs(p.Coverage-32.0/120) > 1e-9 {
		t.Errorf("coverage %v", p.Coverage)
	}
	// An open report is as long as its records.
	set.From, set.To = time.Time{}, time.Time{}
	r := build(t, set, s.recs)
	if minute(r.From) != "0" || minute(r.To) != "29" || only(t, r).Coverage != 1 {
		t.Errorf("%+v", r)
	}
	// A point that fell silent before is none of the report's, and its limit is unproven.
	set.From, set.To = noon.Add(10*time.Hour), noon.Add(11*time.Hour)
	r = build(t, set, s.recs)
	if len(r.Zones[0].Points) != 0 || r.Verdict != report.VerdictIncomplete || r.Zones[0].Limits[0].Verdict != report.VerdictIncomplete {
		t.Errorf("%+v", r)
	}
}

// TestUnknownInterval: the interval is found where the config does not tell it any more.
func TestUnknownInterval(t *testing.T) {
	s := newStream().play(&air, "5*10 -*20 5*40")
	set := setup()
	set.Every = nil
	set.From, set.To = noon, s.at.Wall
	p := only(t, build(t, set, s.recs))
	if p.IntervalS != 60 || gaps(p) != "12-30" {
		t.Errorf("interval %v s, gaps %s", p.IntervalS, gaps(p))
	}
	s = newStream().play(&air, "5")
	set.To = s.at.Wall
	if p = only(t, build(t, set, s.recs)); p.N != 1 || p.IntervalS != 0 || p.Coverage > 0.001 {
		t.Errorf("%+v", p)
	}
}
