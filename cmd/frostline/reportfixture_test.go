package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
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
