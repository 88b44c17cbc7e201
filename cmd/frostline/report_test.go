package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/store"
)

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
