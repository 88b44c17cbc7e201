package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/store"
)

// history is a store that is written without an agent.
type history struct {
	t     testing.TB
	dir   string
	clock *clock.Fake
	db    *store.DB
	stop  func() error
}

// morning is when the histories of tests begin.
var morning = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func newHistory(t testing.TB) *history {
	t.Helper()
	h := &history{t: t, dir: t.TempDir(), clock: clock.NewFake(morning)}
	h.open()
	// The store dates its own first record when it begins to write.
	h.event(agent.Event{Kind: agent.EventChange, Change: &agent.StateChange{Subject: "agent", State: "started"}})
	return h
}

func (h *history) open() {
	h.t.Helper()
	db, err := store.Open(h.t.Context(), store.Options{Dir: h.dir, Now: h.clock.Now, MachineID: "m", Version: "test", DateFrom: agent.ClockHeld})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	h.db = db
	h.stop = func() error { cancel(); return <-done }
}

func (h *history) close() {
	h.t.Helper()
	if err := h.stop(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) put(records ...agent.Record) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := h.db.Append(records, store.Urgent()).Wait(ctx); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) event(e agent.Event) {
	h.t.Helper()
	e.At = h.clock.Now()
	h.put(agent.OfEvent(e))
}

// minutes records a value of each definition every minute: n of them, nothing where v is nil.
func (h *history) minutes(n int, v float64, defs ...agent.Definition) {
	h.t.Helper()
	var all []agent.Record
	for range n {
		for _, d := range defs {
			r := agent.Reading{Def: d.ID, At: h.clock.Now(), Fault: agent.FaultAbsent}
			if !math.IsNaN(v) {
				r.Fault, r.Value = agent.FaultNone, *value(v)
				r.Raw = r.Value
			}
			all = append(all, agent.OfReading(r))
		}
		h.clock.Advance(time.Minute)
	}
	h.put(all...)
}

// reportConfig is the config of the tests' truck.
const reportConfig = `site: lab
gateway: truck-7
timezone: Europe/Berlin
store: {dir: %s}
zones:
  - {id: front, name: Front compartment, profile: vaccine-2-8}
  - {id: rear}
sensors:
  - {id: goods, driver: synthetic, points: 1, every: 1m, zone: front, role: product, serial: S-1, certificate: K-1, calibration_due: 2027-03-01}
  - {id: back, driver: synthetic, points: 1, every: 1m, zone: rear}
alarms:
  - {id: warm, zone: front, quantity: temperature, above: 7, severity: warning}
  - {id: moving, zone: front, quantity: temperature, above: 7.5, transit: true}
trip: {compartments: [{zone: front}, {zone: rear, profile: quick-frozen}]}
web: {listen: "off"}
`

func (h *history) config() string {
	h.t.Helper()
	file := filepath.Join(h.dir, "gw.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, reportConfig, h.dir), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return file
}

var (
	goods = agent.Definition{
		Point: "goods/p0001", Quantity: agent.Temperature, Zone: "front", Role: agent.RoleProduct, Driver: "synthetic", Serial: "S-1", Certificate: "K-1",
	}.Identified()
	back = agent.Definition{Point: "back/p0001", Quantity: agent.Temperature, Zone: "rear", Driver: "synthetic"}.Identified()
)

// journey is a store with a trip, an excursion with its case, a gap and alarms.
func journey(t testing.TB) *history {
	h := newHistory(t)
	h.db.Define([]agent.Definition{goods, back})
	uid := 1000
	h.minutes(10, 5, goods, back)
	trip := func(e agent.TripEvent) {
		e.ID = "t-1"
		h.event(agent.Event{Kind: agent.EventTrip, Trip: &e})
	}
	front, rear := agent.TripCompartment{Zone: "front", Profile: "vaccine-2-8", Low: value(2), High: value(8)}, agent.TripCompartment{Zone: "rear", Profile: "quick-frozen", High: value(-18)}
	trip(agent.TripEvent{
		N: 1, Transition: agent.TripStarted, Phase: agent.PhasePreCool, Cause: agent.CausePerson, Shipment: "4711", Carrier: "Nordfrost", Lane: "north",
		Vehicle: "B-XY 7", Seal: "S-99", Compartments: []agent.TripCompartment{front, rear}, Stops: []agent.TripStop{{Name: "Clinic", AfterS: 600}}, By: "Li Wei", UID: &uid,
	})
	h.minutes(5, -20, back)
	h.minutes(5, 5, goods)
	front.State, rear.State = agent.CompartmentInRange, agent.CompartmentOutOfRange
	rear.Point, rear.Value = back.Point, value(5)
	trip(agent.TripEvent{N: 2, Transition: agent.TripDeparted, Phase: agent.PhaseUnderWay, Cause: agent.CausePerson, Compartments: []agent.TripCompartment{front, rear}, By: "Li Wei", UID: &uid, Comment: "the dock is needed"})
	trip(agent.TripEvent{N: 3, Transition: agent.TripUnready, Phase: agent.PhaseUnderWay, Cause: agent.CausePlan, Compartments: []agent.TripCompartment{rear}})
	h.minutes(10, 5, goods)
	began := h.clock.Now().Wall
	h.minutes(6, 9, goods)
	alarm := agent.AlarmEvent{
		ID: "front-high:goods/p0001:01020304:7", Alarm: "front-high", Kind: "limit", Severity: agent.SeverityCritical, Zone: "front", Point: goods.Point,
		Transition: agent.Raised, State: agent.StateUnack, Value: value(9), Limit: value(8), Began: began, Message: "Front compartment is 9 °C, above 8 °C for 5 min",
	}
	h.event(agent.Event{Kind: agent.EventAlarm, Alarm: &alarm})
	one := agent.ExcursionEvent{
		ID: "front:01020304:7", N: 1, Transition: agent.CaseOpened, State: agent.ExcursionOut, Zone: "front", Trip: "t-1", Began: began, Cause: agent.CauseUnknown,
		Outside: []agent.ExcursionPoint{{Point: goods.Point, Alarm: alarm.ID, Limit: value(8), Worst: value(9)}}, Items: []agent.ItemID{"mmr-10"},
	}
	h.event(agent.Event{Kind: agent.EventExcursion, Excursion: &one})
	acknowledged := alarm
	acknowledged.Transition, acknowledged.State, acknowledged.By, acknowledged.Comment, acknowledged.UID = agent.Acknowledged, agent.StateAck, "Li Wei", "door was open", &uid
	h.event(agent.Event{Kind: agent.EventAlarm, Alarm: &acknowledged})
	h.minutes(4, 5, goods)
	ended := one
	ended.N, ended.Transition, ended.State, ended.Ended, ended.OutS, ended.Cause, ended.CauseBy = 2, agent.CaseEnded, agent.ExcursionReturned, began.Add(6*time.Minute), 360, agent.CauseDoorOpen, "Li Wei"
	h.event(agent.Event{Kind: agent.EventExcursion, Excursion: &ended})
	h.minutes(5, math.NaN(), goods)
	trip(agent.TripEvent{N: 4, Transition: agent.TripDeviated, Phase: agent.PhaseUnderWay, Cause: agent.CausePlan, Deviation: agent.DeviationLate, Stop: "Clinic", Level: 1, LateS: 1800})
	trip(agent.TripEvent{N: 5, Transition: agent.TripArrived, Phase: agent.PhaseUnderWay, Cause: agent.CausePerson, Stop: "Clinic", LateS: 1860, By: "Li Wei", UID: &uid})
	trip(agent.TripEvent{N: 6, Transition: agent.TripEnded, Phase: agent.PhaseNone, Cause: agent.CausePerson, By: "Ada Roth", UID: &uid})
	h.clock.Advance(20 * time.Hour)
	for _, decide := range []agent.ExcursionEvent{
		{N: 3, Transition: agent.CaseEvaluated, Evaluation: "6 min at 9 °C, covered by the stability data"},
		{N: 4, Transition: agent.CaseDisposed, Evaluation: "6 min at 9 °C, covered by the stability data", Disposition: agent.DispositionUseFirst, Comment: "within the week"},
	} {
		e := ended
		e.N, e.Transition, e.Evaluation, e.Disposition, e.Comment, e.By, e.UID = decide.N, decide.Transition, decide.Evaluation, decide.Disposition, decide.Comment, "Ada Roth", &uid
		h.event(agent.Event{Kind: agent.EventExcursion, Excursion: &e})
	}
	h.minutes(3, 5, goods, back)
	h.close()
	return h
}

// ask runs `report` in this process.
func (h *history) ask(args ...string) (out, errs string, code int) {
	h.t.Helper()
	cmd := reportCommand()
	var o, e bytes.Buffer
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(append(args, "-c", filepath.Join(h.dir, "gw.yaml")))
	if err := cmd.ExecuteContext(h.t.Context()); err != nil {
		return o.String(), e.String() + err.Error(), codeOf(err)
	}
	return o.String(), e.String(), exitDone
}

// changing is what differs from run to run: when, by what, and the epoch's random id.
var changing = regexp.MustCompile(`"made": "[^"]*"|made  .*|"version": "[^"]*"|[0-9a-f]{16}(/|")`)

// TestReportGolden: the JSON is part of API v1: keys are never renamed, only extended.
func TestReportGolden(t *testing.T) {
	h := journey(t)
	h.config()
	for name, args := range map[string][]string{
		"report-trip.txt":  {"trip"},
		"report-trip.json": {"trip", "last", "--json"},
		"report-trip.csv":  {"trip", "t-1", "--csv"},
		"report-zone.txt":  {"zone", "front", "--from", "2026-03-02", "--to", "2026-03-02"},
		"report-zone.json": {"zone", "rear", "--from", "2026-03-02", "--to", "2026-03-02T10:00", "--json"},
	} {
		out, errs, code := h.ask(args...)
		if code != exitDone || strings.TrimSpace(errs) != notRunning {
			t.Fatalf("%v: %d %s", args, code, errs)
		}
		golden(t, name, changing.ReplaceAllStringFunc(out, func(s string) string {
			return strings.Repeat("x", 4) + s[len(s)-1:]
		}))
	}
}

func TestReportVerdicts(t *testing.T) {
	h := journey(t)
	h.config()
	type page struct {
		Report  string `json:"report"`
		Verdict string `json:"verdict"`
		Zones   []struct {
			Zone, Verdict string
			Limits        []struct {
				Limit, Verdict, Profile string
				Advisory, Transit       bool
				OutsideS                float64 `json:"outside_s"`
			}
		}
		Trip  *struct{ ID string }
		Cases struct {
			Items []struct{ Disposition string }
		}
	}
	read := func(args ...string) page {
		t.Helper()
		out, errs, code := h.ask(append(args, "--json")...)
		var p page
		if err := json.Unmarshal([]byte(out), &p); err != nil || code != exitDone {
			t.Fatalf("%d %v %s", code, err, errs)
		}
		return p
	}
	p := read("trip")
	if p.Report != "trip" || p.Verdict != "fail" || p.Trip == nil || len(p.Zones) != 2 || len(p.Cases.Items) != 1 || p.Cases.Items[0].Disposition != "use-first" {
		t.Fatalf("%+v", p)
	}
	verdicts := map[string]string{}
	for _, z := range p.Zones {
		for _, l := range z.Limits {
			verdicts[l.Limit] = l.Verdict
			if l.Advisory != (l.Limit == "warm") || l.Transit != (l.Limit == "moving") || l.Limit == "front-high" && l.OutsideS != 360 {
				t.Errorf("%+v", l)
			}
		}
	}
	// The rear has a profile that only the trip names; its only probe has no role and counts as product.
	for limit, want := range map[string]string{"front-high": "fail", "moving": "fail", "warm": "fail", "front-low": "incomplete", "rear-high": "pass", "rear-thaw": "incomplete"} {
		if verdicts[limit] != want {
			t.Errorf("%s: %q, want %q", limit, verdicts[limit], want)
		}
	}
	if _, there := verdicts["rear-high-air"]; there {
		t.Error("a limit for air where no air is measured")
	}
	// Before the trip all is well, but for the freezer that the zone's own config knows nothing of.
	if p = read("zone", "front", "--to", "2026-03-02T09:20"); p.Verdict != "pass" || p.Trip != nil {
		t.Errorf("%+v", p)
	}
	if p = read("zone", "rear"); p.Verdict != "none" {
		t.Errorf("%+v", p)
	}
}

func TestReportRefusals(t *testing.T) {
	h := journey(t)
	h.config()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"zone"}, exitUsage, "which zone?"},
		{[]string{"zone", "front", "--csv", "--json"}, exitUsage, "not both"},
		{[]string{"zone", "front", "--from", "noon"}, exitUsage, `--from: "noon" is not a time: write it like`},
		{[]string{"zone", "front", "--from", "2026-03-03", "--to", "2026-03-02"}, exitUsage, "is not before"},
		{[]string{"zone", "attic"}, exitFailed, "nothing is on record for the zone attic; these have records: front, rear"},
		{[]string{"zone", "front", "--to", "2026-03-01"}, exitFailed, "the store has records from 2026-03-02 09:"},
		{[]string{"trip", "t-2"}, exitFailed, "no trip t-2 is on record; there are t-1 (2026-03-02 09:10:00)"},
		{[]string{"trip", "--from", "2026-03-03"}, exitFailed, "no trip is on record from 2026-03-03"},
		{[]string{"trip", "a", "b"}, exitUsage, "one ID is enough"},
		{[]string{"zone", "front", "--dir", filepath.Join(h.dir, "none")}, exitFailed, "there is no store in"},
		{[]string{"zone", "front", "-o", filepath.Join(h.dir, "none", "x")}, exitFailed, "write the report"},
	} {
		out, errs, code := h.ask(c.args...)
		if code != c.code || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%v: %d %q %q, want %d %q", c.args, code, errs, out, c.code, c.want)
		}
	}
	file := filepath.Join(h.dir, "report.csv")
	if out, errs, code := h.ask("zone", "front", "--csv", "-o", file); code != exitDone || out != "" || !strings.Contains(errs, "verdict fail") {
		t.Errorf("%d %q %q", code, errs, out)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "row,zone,point,") {
		t.Errorf("%v %s", err, text)
	}
}

// TestReportOfSteppedTrip: where the clock was set on the way, a trip is what lies between its
// events, and what was decided later is in it all the same.
func TestReportOfSteppedTrip(t *testing.T) {
	h := newHistory(t)
	h.db.Define([]agent.Definition{goods})
	h.minutes(300, 9, goods)
	trip := func(n int64, tr agent.TripTransition, p agent.TripPhase) {
		h.event(agent.Event{Kind: agent.EventTrip, Trip: &agent.TripEvent{ID: "t-1", N: n, Transition: tr, Phase: p, Compartments: []agent.TripCompartment{{Zone: "front"}}}})
	}
	trip(1, agent.TripStarted, agent.PhasePreCool)
	h.minutes(20, 5, goods)
	h.clock.Step(h.clock.Now().Wall.Add(-2*time.Hour), agent.ClockSynced)
	h.event(agent.Event{Kind: agent.EventClock, Clock: &agent.ClockEvent{OldOffset: int64(2 * time.Hour / time.Millisecond), Trust: agent.ClockSynced, Was: agent.ClockSynced}})
	h.minutes(20, 6, goods)
	began := h.clock.Now().Wall
	h.event(agent.Event{Kind: agent.EventExcursion, Excursion: &agent.ExcursionEvent{ID: "front:1:1", N: 1, Transition: agent.CaseOpened, State: agent.ExcursionOut, Zone: "front", Trip: "t-1", Began: began}})
	trip(2, agent.TripEnded, agent.PhaseNone)
	h.minutes(20, 30, goods)
	h.event(agent.Event{Kind: agent.EventExcursion, Excursion: &agent.ExcursionEvent{
		ID: "front:1:1", N: 2, Transition: agent.CaseDisposed, State: agent.ExcursionReturned, Zone: "front", Trip: "t-1", Began: began, Ended: began.Add(time.Minute),
		Disposition: agent.DispositionReject, By: "Ada Roth",
	}})
	h.close()
	h.config()
	out, errs, code := h.ask("trip", "--json")
	var p struct {
		Verdict string
		Clock   struct{ Readings, Steps int64 }
		Zones   []struct {
			Points []struct {
				Max      struct{ V float64 }
				Coverage float64
			}
		}
		Cases struct {
			Items []struct{ Disposition string }
		}
	}
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != exitDone {
		t.Fatalf("%d %v %s", code, err, errs)
	}
	if p.Verdict != "pass" || p.Clock.Readings != 40 || p.Clock.Steps != 1 || p.Zones[0].Points[0].Max.V != 6 || p.Zones[0].Points[0].Coverage < 0.95 ||
		len(p.Cases.Items) != 1 || p.Cases.Items[0].Disposition != "reject" {
		t.Errorf("%+v", p)
	}
}

// TestReportOfAnotherProfile: what a trip names for a compartment is judged beside what somebody
// wrote for its zone, a profile of the operator's own is found, and of one that is gone the range counts.
func TestReportOfAnotherProfile(t *testing.T) {
	h := newHistory(t)
	file := h.config()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("alarms:\n"), []byte("alarms:\n  - {id: rear-high, zone: rear, quantity: temperature, above: 20}\n"), 1)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	h.close()
	cfg, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	names := func(c agent.TripCompartment) (string, []string) {
		l := newReportLimits(cfg, file)
		z := l.compartment(c)
		var all []string
		for _, one := range z.Limits {
			all = append(all, one.Name)
		}
		return strings.Join(all, ", "), l.notes
	}
	if got, notes := names(agent.TripCompartment{Zone: "rear", Profile: "quick-frozen"}); got != "rear-high, rear-thaw, rear-high (config)" || notes != nil {
		t.Errorf("%s %v", got, notes)
	}
	if got, notes := names(agent.TripCompartment{Zone: "rear", Profile: "gone", High: value(4)}); got != "rear-high, rear-high (config)" || len(notes) != 1 {
		t.Errorf("%s %v", got, notes)
	}
	if got, _ := names(agent.TripCompartment{Zone: "rear"}); got != "rear-high" {
		t.Errorf("%s", got)
	}
	if err := os.Mkdir(filepath.Join(h.dir, "profiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("../../configs/profiles/quick-frozen.yaml")
	if err != nil {
		t.Fatal(err)
	}
	own = bytes.Replace(own, []byte("id: quick-frozen"), []byte("id: fish"), 1)
	if err := os.WriteFile(filepath.Join(h.dir, "profiles", "fish.yaml"), own, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.ProfilesDir = "profiles"
	if got, notes := names(agent.TripCompartment{Zone: "rear", Profile: "fish"}); got != "rear-high, rear-thaw, rear-high (config)" || notes != nil {
		t.Errorf("%s %v", got, notes)
	}
}

func TestParseMoment(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC) // 14:00 on a day of 23 hours
	for _, c := range []struct{ text, from, to string }{
		{"2026-03-01T06:30:00+08:00", "2026-02-28T22:30:00Z", "2026-02-28T22:30:00Z"},
		{"2026-03-01T06:30", "2026-03-01T05:30:00Z", "2026-03-01T05:30:00Z"},
		{"2026-03-01 06:30:15", "2026-03-01T05:30:15Z", "2026-03-01T05:30:15Z"},
		{"2026-03-28", "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"},
		{"today", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"yesterday", "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"},
		{"now", "2026-03-29T12:00:00Z", "2026-03-29T12:00:00Z"},
		{"-24h", "2026-03-28T12:00:00Z", "2026-03-28T12:00:00Z"},
		{"-1d", "2026-03-28T13:00:00Z", "2026-03-28T13:00:00Z"},
		{"-90m", "2026-03-29T10:30:00Z", "2026-03-29T10:30:00Z"},
	} {
		for _, end := range []bool{false, true} {
			want := c.from
			if end {
				want = c.to
			}
			got, err := parseMoment(c.text, now, berlin, end)
			if err != nil || got.UTC().Format(time.RFC3339) != want {
				t.Errorf("%s, end %v: %s %v, want %s", c.text, end, got.UTC().Format(time.RFC3339), err, want)
			}
		}
	}
	for _, bad := range []string{"", "noon", "--5m", "-", "-x", "-1.5d", "-99999999d", "2026-02-30", "24h", "2026-03-01T25:00"} {
		if got, err := parseMoment(bad, now, berlin, false); !errors.Is(err, errReportTime) {
			t.Errorf("%q: %s %v", bad, got, err)
		}
	}
	r, err := parsePeriod("today", "today", now, berlin)
	if err != nil || !r.to.Equal(now) {
		t.Errorf("%+v %v: what lies ahead is not known", r, err)
	}
}

// TestReportReadsNoMoreThanItNeeds: a report of a part of a history with restarts, lives that ended
// uncleanly and steps of the clock says what it says when everything is read.
func TestReportReadsNoMoreThanItNeeds(t *testing.T) {
	h := newHistory(t)
	h.db.Define([]agent.Definition{goods, back})
	begin := h.clock.Now().Wall
	started := agent.Event{Kind: agent.EventChange, Change: &agent.StateChange{Subject: "agent", State: "started"}}
	for n := range 6 {
		h.minutes(4000, 5, goods)
		h.minutes(30, 9, goods, back)
		switch n {
		case 1, 3: // a reboot, in the same epoch
			h.close()
			h.clock.Reboot()
			h.clock.Step(begin.Add(time.Duration(n+1)*4030*time.Minute), agent.ClockSynced)
			h.open()
			h.event(started)
		case 4: // back by two hours
			h.clock.Step(h.clock.Now().Wall.Add(-2*time.Hour), agent.ClockSynced)
			h.event(agent.Event{Kind: agent.EventClock, Clock: &agent.ClockEvent{OldOffset: int64(2 * time.Hour / time.Millisecond), Trust: agent.ClockSynced, Was: agent.ClockSynced}})
		}
	}
	h.close()
	h.config()
	reader, err := store.OpenReadOnly(t.Context(), h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() //nolint:errcheck // it only read
	cfg, err := loadConfig(filepath.Join(h.dir, "gw.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	less := 0
	for from := -time.Hour; from < 18*24*time.Hour; from += 17 * time.Hour {
		within := timeRange{begin.Add(from), begin.Add(from + 20*time.Hour)}
		var texts [2]string
		for i, broken := range []bool{false, true} {
			q := &inquiry{cfg: cfg, store: reader, within: within, limits: newReportLimits(cfg, "")}
			q.course.broken = broken
			doc, err := q.zone(t.Context(), "front")
			if err != nil {
				texts[i] = err.Error()
				continue
			}
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = string(text)
			if at, _, err := q.start(t.Context(), within.from.Add(-q.margin())); err != nil {
				t.Fatal(err)
			} else if !at.IsZero() {
				less++
			}
		}
		if texts[0] != texts[1] {
			t.Fatalf("from %s:\n%s\nif everything is read:\n%s", within.from, texts[0], texts[1])
		}
	}
	if less < 15 {
		t.Errorf("only %d of the reports began later than the store", less)
	}
}

// BenchmarkReport reads a store of a week with twenty points at a minute, and reports on one zone
// of it, and on a day of that.
func BenchmarkReport(b *testing.B) {
	const points, days = 20, 7
	const readings = days * 24 * 60
	h := newHistory(b)
	var defs []agent.Definition
	for i := range points {
		d := back
		d.Point, d.Zone = agent.PointID(fmt.Sprintf("back/p%04d", i+1)), agent.ZoneID([]string{"front", "rear"}[i%2])
		defs = append(defs, d.Identified())
	}
	h.db.Define(defs)
	for range days * 24 {
		h.minutes(60, -20, defs...)
	}
	h.close()
	h.config()
	for name, args := range map[string][]string{"week": nil, "day": {"--from", "2026-03-05", "--to", "2026-03-05"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, errs, code := h.ask(append([]string{"zone", "rear", "--json"}, args...)...); code != exitDone {
					b.Fatal(errs)
				}
			}
			b.ReportMetric(points*readings*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
