package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/climate"
	"github.com/frostline/frostline/agent/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestOtherKind: a limit can be any rule that watches one point.
func TestOtherKind(t *testing.T) {
	warm := alarm.Define(alarm.Facts{Name: "warm", Scope: alarm.PerPoint}, agent.Value(0),
		func(v agent.Value) string { return "warm " + v.String() },
		func(v agent.Value, _ alarm.Target) alarm.Rule { return &warmer{limit: v} })
	limit := agent.Value(8 * agent.Unit)
	l := report.Limit{Name: "warm", Kind: &warm, Settings: &limit}
	set := setup(l)
	s := newStream().play(&air, "5 9 11 5*3 9 !crc*4")
	set.From, set.To = noon, s.at.Wall
	r := build(t, set, s.recs)
	got := only(t, r).Limits[0]
	if got.Verdict != report.VerdictFail || got.OutsideS != 180 || got.Excursions.Total != 2 || got.Worst.V != 11*agent.Unit || minute(got.Reached) != "1" {
		t.Errorf("%+v", got)
	}
	if e := got.Excursions.Items; e[0].Ending != report.Returned || e[1].Ending != report.EndUnknown || !e[0].Reached {
		t.Errorf("%+v", e)
	}
	if rule := r.Zones[0].Limits[0].Rule; rule != "temperature warm 8" {
		t.Errorf("rule %q", rule)
	}
	s = newStream().play(&air, "5 !crc*4 5")
	set.To = s.at.Wall
	if v := build(t, set, s.recs).Verdict; v != report.VerdictIncomplete {
		t.Errorf("with a gap: %s", v)
	}
	warm.Scope = alarm.PerZone
	if _, err := report.New(set); !errors.Is(err, report.ErrKind) {
		t.Errorf("%v, want ErrKind", err)
	}
}

// warmer is active while the newest value is above its limit.
type warmer struct {
	limit agent.Value
	value agent.Value
}

func (w *warmer) Step(_ alarm.Tick, in *alarm.Input) alarm.Condition {
	if in != nil && in.Reading.OK() {
		w.value = in.Reading.Value
	}
	return alarm.Condition{Active: w.value > w.limit}
}
func (w *warmer) Explain() alarm.Finding { return alarm.Finding{Value: &w.value} }
func (w *warmer) State() any             { return w }

func TestSetupIsChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		set  report.Setup
		want string
	}{
		{"backwards", report.Setup{From: noon, To: noon}, "the end is not later"},
		{"no limit", setup(report.Limit{Name: "high"}), "zone cold-room-1: limit high: want exactly one of above"},
		{"two limits in one", setup(report.Limit{Above: val("8"), Below: val("2")}), "want exactly one"},
		{"a total of nothing", setup(report.Limit{Above: val("8"), Total: time.Hour}), "total and within go together"},
		{"one name twice", setup(report.Limit{Name: "x", Above: val("8")}, report.Limit{Name: "x", Below: val("2")}), "limit x: there are two"},
		{"one zone twice", report.Setup{Zones: []report.Zone{{ID: "a"}, {ID: "a"}}}, "zone a: there are two"},
		{"energy", report.Setup{Energy: climate.Energy(-1)}, "not an activation energy"},
		{"most", report.Setup{Most: -1}, "must not be negative"},
	} {
		if _, err := report.New(c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestReboot: a restart is bridged by the wall clocks where both are known, and else is a gap
// whose length is not known; nothing is invented for it.
func TestReboot(t *testing.T) {
	high := report.Limit{Above: val("8"), For: time.Hour}
	s := newStream().play(&air, "9*10")
	s.at = agent.Instant{Wall: s.at.Wall, Mono: time.Second, Boot: reboot, Trust: agent.ClockHeld}
	s.play(&air, "9*10 5")
	p := only(t, build(t, setup(high), s.recs))
	if len(p.Gaps.Items) != 0 || p.Limits[0].Excursions.Items[0].DurationS != 20*60 {
		t.Errorf("a quick restart: %+v", p)
	}

	s = newStream().play(&air, "9*10")
	s.at = agent.Instant{Mono: time.Second, Boot: reboot}
	s.play(&air, "9*10 5")
	r := build(t, setup(high), s.recs)
	p = only(t, r)
	if p.Gaps.Total != 1 || p.Gaps.Items[0].S != nil || minute(p.Gaps.Items[0].From) != "9" || !p.Gaps.Items[0].To.IsZero() {
		t.Errorf("gaps %+v", p.Gaps)
	}
	l := p.Limits[0]
	if l.Verdict != report.VerdictIncomplete || l.OutsideS != 19*60 || l.Excursions.Items[0].Ending != report.EndUnknown {
		t.Errorf("%+v", l)
	}
	if p.Undated != 11 || r.Clock != (report.Clock{Readings: 21, Synced: 10, Unset: 11}) {
		t.Errorf("%d undated, clock %+v", p.Undated, r.Clock)
	}
}

// TestUndated: what never got a date is in the report unless it cannot be.
func TestUndated(t *testing.T) {
	s := newStream()
	s.at = agent.Instant{Mono: time.Second, Boot: reboot}
	s.play(&air, "5 6")
	for i := range s.recs {
		s.recs[i].Undated = &agent.Undated{After: noon, Before: noon.Add(time.Hour)}
	}
	set := setup()
	for _, c := range []struct {
		name     string
		from, to time.Time
		n        int64
	}{
		{"around", noon.Add(-time.Hour), noon.Add(2 * time.Hour), 2},
		{"overlapping", noon.Add(30 * time.Minute), noon.Add(2 * time.Hour), 2},
		{"later", noon.Add(2 * time.Hour), noon.Add(3 * time.Hour), 0},
		{"earlier", noon.Add(-2 * time.Hour), noon.Add(-time.Hour), 0},
	} {
		set.From, set.To = c.from, c.to
		if r := build(t, set, s.recs); r.Clock.Undated != c.n {
			t.Errorf("%s: %d undated", c.name, r.Clock.Undated)
		}
	}
}

// TestClockStep: a step of the wall clock makes and swallows nothing.
func TestClockStep(t *testing.T) {
	s := newStream().play(&air, "9*5")
	s.at.Wall = s.at.Wall.Add(-3 * time.Hour)
	s.event(agent.Event{Kind: agent.EventClock, Clock: &agent.ClockEvent{OldOffset: 10, NewOffset: -10}})
	s.play(&air, "9*5 5")
	r := build(t, setup(report.Limit{Above: val("8"), For: 11 * time.Minute}), s.recs)
	p := only(t, r)
	if l := p.Limits[0]; l.Verdict != report.VerdictPass || l.OutsideS != 600 || len(p.Gaps.Items) != 0 || r.Clock.Steps != 1 {
		t.Errorf("%+v, %+v", p, r.Clock)
	}
	if p.Coverage > 1 {
		t.Errorf("coverage %v", p.Coverage)
	}
}

// TestDays: a day is the site's, and each counts for itself.
func TestDays(t *testing.T) {
	site := time.FixedZone("site", 3600) // its midnight is 23:00 UTC
	s := newStream()
	s.at.Wall = time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	s.play(&air, "9*119 5")
	l := report.Limit{Above: val("8"), Total: 90 * time.Minute, Within: "day"}
	set := setup(l)
	if v := build(t, set, s.recs).Verdict; v != report.VerdictFail {
		t.Errorf("in one day: %s", v)
	}
	set.Location = site
	if v := build(t, set, s.recs).Verdict; v != report.VerdictPass {
		t.Errorf("an hour on each of two days: %s", v)
	}
}

// shipment is a stream with everything in it, over two compartments.
func shipment() (report.Setup, []agent.Record) {
	front := agent.Definition{Point: "front/temperature", Quantity: agent.Temperature, Zone: "front", Role: agent.RoleProduct, Driver: "ds18b20", Serial: "28-1", Certificate: "K-1"}.Identified()
	front2 := front
	front2.Serial, front2.Certificate, front2.Calibration.Offset = "28-2", "K-2", *val("-0.1")
	front2 = front2.Identified()
	supply := agent.Definition{Point: "supply/temperature", Quantity: agent.Temperature, Zone: "front", Role: agent.RoleSupply, Driver: "sht4x"}.Identified()
	outside := agent.Definition{Point: "outside/temperature", Quantity: agent.Temperature, Zone: "front", Role: agent.RoleOutside, Driver: "sht4x"}.Identified()
	door := agent.Definition{Point: "door/state", Quantity: agent.Door, Zone: "rear", Driver: "digital"}.Identified()
	elsewhere := agent.Definition{Point: "dock/temperature", Quantity: agent.Temperature, Zone: "dock", Driver: "sht4x"}.Identified()

	s := newStream()
	for _, d := range []agent.Definition{front, front2, supply, outside, door, elsewhere} {
		s.event(agent.Event{Kind: agent.EventDefinition, Definition: &d})
	}
	uid := 1000
	for m, value := range strings.Fields("5 5.5 6 9 9.5 9 !absent !absent 7 6 5 5") {
		d := &front
		if m >= 8 {
			d = &front2
		}
		s.reading(d, value)
		s.reading(&supply, "3")
		s.reading(&outside, "31")
		s.reading(&door, []string{"0", "1"}[m/3%2])
		s.reading(&elsewhere, "20")
		switch m {
		case 4:
			s.event(agent.Event{Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
				ID: "front-high:front/temperature:01000000:1", Alarm: "front-high", Kind: "limit", Severity: agent.SeverityCritical, Zone: "front",
				Point: "front/temperature", Transition: agent.Raised, State: agent.StateUnack, Value: val("9.5"), Limit: val("8"), Message: "front is 9.5 °C",
			}})
			s.event(agent.Event{Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{ID: "dock:1", Alarm: "dock-high", Zone: "dock", Transition: agent.Raised, State: agent.StateUnack}})
		case 5:
			s.event(agent.Event{Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
				ID: "front-high:front/temperature:01000000:1", Alarm: "front-high", Kind: "limit", Severity: agent.SeverityCritical, Zone: "front",
				Point: "front/temperature", Transition: agent.Acknowledged, State: agent.StateAck, By: "Li Wei", Comment: "=door was open", UID: &uid,
			}})
		case 9:
			s.event(agent.Event{Kind: agent.EventGap, Gap: &agent.Gap{
				Reason: agent.GapMemory, Counts: []agent.Tally{{Kind: agent.KindReadings, Count: 4}}, From: noon, To: noon.Add(time.Minute),
			}})
			s.pos = agent.Position{Epoch: 8, Seq: 1}
		}
		s.at = s.at.Add(time.Minute)
	}
	set := report.Setup{
		From: noon, To: s.at.Wall, Every: func(agent.PointID) time.Duration { return time.Minute },
		Zones: []report.Zone{
			{ID: "front", Name: "Front compartment", Profile: "vaccine-2-8", Limits: []report.Limit{
				{Name: "high", Quantity: agent.Temperature, Role: agent.RoleProduct, Above: val("8"), For: 2 * time.Minute},
				{Name: "freeze", Quantity: agent.Temperature, Role: agent.RoleProduct, AtOrBelow: val("-0.5"), For: time.Hour},
			}},
			{ID: "rear", Limits: []report.Limit{{Name: "high", Quantity: agent.Temperature, Above: val("8")}}},
		},
	}
	return set, s.recs
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; if that is meant, run the test with -update. Got:\n%s", path, got)
	}
}

// TestGolden: keys and columns are never renamed, only extended.
func TestGolden(t *testing.T) {
	set, recs := shipment()
	r := build(t, set, recs)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shipment.json", append(text, '\n'))
	var table bytes.Buffer
	if err := r.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "shipment.csv", table.Bytes())
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 20 || len(rows[0]) != len(report.Columns()) {
		t.Errorf("%d rows of %d columns", len(rows), len(rows[0]))
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestCSVSaysThatItFailed(t *testing.T) {
	set, recs := shipment()
	if err := build(t, set, recs).WriteCSV(full{}); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

// TestBounded: lists keep so many entries and count all; the sums are those of all.
func TestBounded(t *testing.T) {
	s := newStream().play(&air, strings.Repeat("9 !crc 5 -*4 ", 50))
	set := setup(report.Limit{Above: val("8")})
	set.Most = 3
	set.From, set.To = noon, s.at.Wall
	for n := range 10 {
		s.pos = agent.Position{Epoch: agent.Epoch(n + 10), Seq: 1}
		s.at = agent.Instant{Wall: noon, Mono: time.Hour, Boot: boot, Trust: agent.ClockSynced}
		s.event(agent.Event{Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{Alarm: "a", Transition: agent.Raised}})
		s.event(agent.Event{Kind: agent.EventGap, Gap: &agent.Gap{Reason: agent.GapUnclean}})
	}
	r := build(t, set, s.recs)
	p := only(t, r)
	x := p.Limits[0].Excursions
	if x.Total != 50 || len(x.Items) != 3 || p.Limits[0].OutsideS != 50*60 {
		t.Errorf("%d excursions, %d kept, %v s", x.Total, len(x.Items), p.Limits[0].OutsideS)
	}
	for name, n := range map[string][2]int64{
		"gaps":      {p.Gaps.Total, int64(len(p.Gaps.Items))},
		"faults":    {p.FaultTimes.Total, int64(len(p.FaultTimes.Items))},
		"alarms":    {r.Alarms.Total, int64(len(r.Alarms.Items))},
		"lost":      {r.Lost.Total, int64(len(r.Lost.Items))},
		"positions": {r.Positions.Total, int64(len(r.Positions.Items))},
	} {
		if n[0] < 10 || n[1] != 3 {
			t.Errorf("%s: %d, of which %d are kept", name, n[0], n[1])
		}
	}
	if f := p.FaultTimes.Items[2]; f.N != 1 || f.To.IsZero() {
		t.Errorf("the last that was kept went on: %+v", f)
	}
	var table bytes.Buffer
	if err := r.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "more,cold-room-1,cr1-air/temperature,temperature,excursion,,,,47,") {
		t.Errorf("the table does not say what was cut:\n%s", table.String())
	}
}

func BenchmarkAdd(b *testing.B) {
	set, _ := shipment()
	set = setup(report.Limit{Above: val("8"), For: time.Hour}, report.Limit{Below: val("2"), For: time.Hour})
	builder, err := report.New(set)
	if err != nil {
		b.Fatal(err)
	}
	rec := newStream().play(&air, "5").recs[0]
	b.ReportAllocs()
	for b.Loop() {
		rec.Reading.At = rec.Reading.At.Add(time.Minute)
		rec.Position.Seq++
		builder.Add(&rec)
	}
}
