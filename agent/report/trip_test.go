package report_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/report"
)

func (s *stream) trip(e agent.TripEvent) { s.event(agent.Event{Kind: agent.EventTrip, Trip: &e}) }

func (s *stream) excursion(e agent.ExcursionEvent) {
	s.event(agent.Event{Kind: agent.EventExcursion, Excursion: &e})
}

// journey is a trip of 40 min that is late, with an excursion that is decided upon a day later.
func journey() (report.Setup, []agent.Record) {
	s := newStream()
	s.event(agent.Event{Kind: agent.EventDefinition, Definition: &air})
	s.trip(agent.TripEvent{ID: "older", N: 1, Transition: agent.TripStarted, Phase: agent.PhaseUnderWay})
	s.trip(agent.TripEvent{ID: "older", N: 2, Transition: agent.TripEnded, Phase: agent.PhaseNone})
	s.play(&air, "9*5")
	uid := 1000
	front := agent.TripCompartment{Zone: "cold-room-1", Profile: "vaccine-2-8", Low: val("2"), High: val("8")}
	s.trip(agent.TripEvent{
		ID: "t-1", N: 1, Transition: agent.TripStarted, Phase: agent.PhasePreCool, Cause: agent.CausePerson, Shipment: "4711", Carrier: "Nordfrost",
		Lane: "north", Vehicle: "B-XY 7", Seal: "S-99", Compartments: []agent.TripCompartment{front}, CorridorM: 500, By: "Li Wei", UID: &uid,
		Stops: []agent.TripStop{{Name: "Clinic", AfterS: 600}, {Name: "Hub"}, {Name: "Hospital"}},
	})
	began := s.at.Wall
	s.play(&air, "9*5")
	ready := front
	ready.State, ready.Point, ready.Value = agent.CompartmentOutOfRange, "cr1-air/temperature", val("9")
	s.trip(agent.TripEvent{ID: "t-1", N: 2, Transition: agent.TripDeparted, Phase: agent.PhaseUnderWay, Compartments: []agent.TripCompartment{ready}, By: "Li Wei", UID: &uid, Comment: "the dock is needed"})
	s.trip(agent.TripEvent{ID: "t-1", N: 3, Transition: agent.TripUnready, Phase: agent.PhaseUnderWay, Cause: agent.CausePlan, Compartments: []agent.TripCompartment{ready}})
	id := agent.CaseID("cold-room-1:01000000:7")
	s.excursion(agent.ExcursionEvent{ID: id, N: 1, Transition: agent.CaseOpened, State: agent.ExcursionOut, Zone: "cold-room-1", Trip: "t-1", Began: s.at.Wall, Cause: agent.CauseUnknown})
	out := s.at.Wall
	s.play(&air, "9*10")
	s.trip(agent.TripEvent{ID: "t-1", N: 4, Transition: agent.TripDeviated, Phase: agent.PhaseUnderWay, Deviation: agent.DeviationLate, Stop: "Clinic", Level: 1, LateS: 1800})
	s.play(&air, "5*10")
	back := agent.ExcursionEvent{ID: id, N: 2, Transition: agent.CaseEnded, State: agent.ExcursionReturned, Zone: "cold-room-1", Trip: "t-1", Began: out, Ended: out.Add(10 * time.Minute), OutS: 600, Cause: agent.CauseDoorOpen}
	s.excursion(back)
	s.trip(agent.TripEvent{ID: "t-1", N: 5, Transition: agent.TripDeviated, Phase: agent.PhaseUnderWay, Deviation: agent.DeviationLate, Stop: "Clinic", Level: 2, LateS: 3600})
	s.trip(agent.TripEvent{ID: "t-1", N: 6, Transition: agent.TripSkipped, Phase: agent.PhaseUnderWay, Stop: "Hub"})
	s.trip(agent.TripEvent{ID: "t-1", N: 7, Transition: agent.TripArrived, Phase: agent.PhaseUnderWay, Stop: "Clinic", LateS: 3700})
	s.trip(agent.TripEvent{ID: "t-1", N: 8, Transition: agent.TripRecovered, Phase: agent.PhaseUnderWay, Deviation: agent.DeviationLate, Stop: "Clinic"})
	s.trip(agent.TripEvent{ID: "t-1", N: 9, Transition: agent.TripUnloading, Phase: agent.PhaseUnloading})
	s.play(&air, "12*10")
	s.trip(agent.TripEvent{ID: "t-1", N: 10, Transition: agent.TripEnded, Phase: agent.PhaseNone, By: "Ada Roth", UID: &uid})
	ended := s.at.Wall
	s.at = s.at.Add(24 * time.Hour)
	for n, e := range []agent.ExcursionEvent{
		{Transition: agent.CaseEvaluated, Evaluation: "covered by the stability data"},
		{Transition: agent.CaseDisposed, Evaluation: "covered by the stability data", Disposition: agent.DispositionUseFirst, Comment: "=use by Friday"},
	} {
		one := back
		one.N, one.Transition, one.Evaluation, one.Disposition = int64(n+3), e.Transition, e.Evaluation, e.Disposition
		one.By, one.Comment, one.UID = "Ada Roth", e.Comment, &uid
		s.excursion(one)
	}
	s.excursion(agent.ExcursionEvent{ID: "cold-room-1:01000000:9", N: 1, Transition: agent.CaseOpened, State: agent.ExcursionOut, Zone: "cold-room-1", Began: s.at.Wall})
	s.excursion(agent.ExcursionEvent{ID: "dock:01000000:9", N: 1, Transition: agent.CaseOpened, State: agent.ExcursionOut, Zone: "dock", Began: out})

	set := setup(
		report.Limit{Name: "high", Above: val("8"), For: 30 * time.Minute, Profile: "vaccine-2-8"},
		report.Limit{Name: "transit", Above: val("8"), For: 10 * time.Minute, Transit: true},
		report.Limit{Name: "early", Above: val("7"), Advisory: true},
	)
	set.From, set.To, set.Trip = began, ended, "t-1"
	set.Due = func(agent.Definition) time.Time { return time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC) }
	return set, s.recs
}

func TestTrip(t *testing.T) {
	set, recs := journey()
	r := build(t, set, recs)
	tr := r.Trip
	if tr == nil || tr.Open || tr.Missing != 0 || tr.Shipment != "4711" || !tr.Unready || tr.Events.Total != 10 || minute(tr.Departed) != "10" || minute(tr.Ended) != "40" {
		t.Fatalf("%+v", tr)
	}
	if len(tr.Phases) != 3 || tr.Phases[1].Phase != agent.PhaseUnderWay || *tr.Phases[1].S != 1200 {
		t.Errorf("phases %+v", tr.Phases)
	}
	if s := tr.Stops; s[0].LateS != 3700 || minute(s[0].Reached) != "30" || !s[1].Skipped || !s[2].Reached.IsZero() {
		t.Errorf("stops %+v", s)
	}
	if d := tr.Deviations.Items; len(d) != 1 || d[0].Level != 2 || d[0].LateS != 3600 || !d[0].Over || minute(d[0].From) != "20" || minute(d[0].To) != "30" {
		t.Errorf("deviations %+v", d)
	}
	// The limit of transit holds from minute 10 to 30: ten minutes outside reach it. The others
	// count the whole trip, and the early one makes no verdict.
	limits := map[string]report.LimitReport{}
	for _, l := range only(t, r).Limits {
		limits[l.Limit] = l
	}
	if l := limits["transit"]; l.Verdict != report.VerdictFail || l.OutsideS != 600 || minute(l.Reached) != "20" || l.Excursions.Total != 1 {
		t.Errorf("transit: %+v", l)
	}
	if l := limits["high"]; l.Verdict != report.VerdictPass || l.OutsideS != 25*60 {
		t.Errorf("high: %+v", l)
	}
	if l := limits["early"]; l.Verdict != report.VerdictFail {
		t.Errorf("early: %+v", l)
	}
	if len(r.Cases.Items) != 1 || r.Cases.Total != 1 {
		t.Fatalf("cases %+v", r.Cases)
	}
	c := r.Cases.Items[0]
	if c.Disposition != agent.DispositionUseFirst || len(c.Acts) != 2 || c.Acts[0].By != "Ada Roth" || c.Cause != agent.CauseDoorOpen {
		t.Errorf("case %+v", c)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "trip.json", append(text, '\n'))
	var table bytes.Buffer
	if err := r.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "trip.csv", table.Bytes())
}

// TestTransitAlone: a limit of transit that never held is kept by nobody and broken by nobody.
func TestTransitAlone(t *testing.T) {
	set := setup(report.Limit{Above: val("8"), Transit: true})
	if r := build(t, set, newStream().play(&air, "9*10").recs); r.Verdict != report.VerdictNone || only(t, r).Limits[0].OutsideS != 0 {
		t.Errorf("%+v", r)
	}
}

// TestTotalWithinTrip: a total within a trip begins with each.
func TestTotalWithinTrip(t *testing.T) {
	s := newStream().play(&air, "9*6 5")
	l := report.Limit{Above: val("8"), Total: 10 * time.Minute, Within: "trip"}
	alone := append([]agent.Record{}, s.recs...)
	s.trip(agent.TripEvent{ID: "t", N: 1, Transition: agent.TripStarted, Phase: agent.PhasePreCool})
	s.play(&air, "9*6 5")
	if r := build(t, setup(l), s.recs); r.Verdict != report.VerdictPass {
		t.Errorf("over a start: %s", r.Verdict)
	}
	s.recs = alone
	s.play(&air, "9*6 5")
	if r := build(t, setup(l), s.recs); r.Verdict != report.VerdictFail {
		t.Errorf("without one: %s", r.Verdict)
	}
}

func TestTrips(t *testing.T) {
	_, recs := journey()
	var trips report.Trips
	for i := range recs {
		trips.Add(&recs[i])
	}
	if n := len(trips.All()); n != 2 {
		t.Fatalf("%d trips", n)
	}
	s, ok := trips.Find("last", time.Time{}, time.Time{})
	if !ok || s.ID != "t-1" || s.Open || s.Stepped || minute(s.Started) != "5" || minute(s.Ended) != "40" || !s.First.IsZero() && s.First.Seq >= s.Last.Seq {
		t.Errorf("%+v", s)
	}
	if s, ok = trips.Find("", time.Time{}, noon.Add(time.Minute)); !ok || s.ID != "older" {
		t.Errorf("before a minute past noon: %+v", s)
	}
	if _, ok = trips.Find("t-1", noon.Add(time.Hour), time.Time{}); ok {
		t.Error("after its end")
	}
	if _, ok = trips.Find("never", time.Time{}, time.Time{}); ok {
		t.Error("a trip that never was")
	}
}

// TestAlarmsThatStood: what was raised before the time and stood in it is in the report.
func TestAlarmsThatStood(t *testing.T) {
	s := newStream()
	alarm := func(id string, tr agent.Transition, st agent.AlarmState) {
		s.event(agent.Event{Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{ID: agent.AlarmEventID(id), Zone: "cold-room-1", Transition: tr, State: st}})
	}
	alarm("a", agent.Raised, agent.StateUnack)
	alarm("b", agent.Raised, agent.StateUnack)
	s.play(&air, "5*10")
	alarm("b", agent.Cleared, agent.StateNormal)
	s.play(&air, "5*10")
	set := setup()
	set.From = s.at.Wall
	s.play(&air, "5*10")
	alarm("a", agent.Acknowledged, agent.StateAck)
	set.To = s.at.Wall.Add(time.Minute)
	a := build(t, set, s.recs).Alarms
	if a.Total != 2 || a.Items[0].ID != "a" || !a.Items[0].Before || minute(a.Items[0].T) != "0" || a.Items[1].Before {
		t.Errorf("%+v", a)
	}
}

// TestValueUntilTheBeginning: a value that was replaced when the report's time begins is not in it.
func TestValueUntilTheBeginning(t *testing.T) {
	s := newStream().play(&air, "9 5*10")
	set := setup(report.Limit{Above: val("8")})
	set.From = noon.Add(time.Minute)
	if r := build(t, set, s.recs); r.Verdict != report.VerdictPass {
		t.Errorf("%s", r.Verdict)
	}
	set.From = noon.Add(30 * time.Second)
	if r := build(t, set, s.recs); r.Verdict != report.VerdictFail {
		t.Errorf("while it held: %s", r.Verdict)
	}
}
