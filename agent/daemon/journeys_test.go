package daemon

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
)

// truck is a config with one compartment, a lane and triggers of every kind.
func truck() *config.Config {
	v := func(n agent.Value) *agent.Value { n *= agent.Unit; return &n }
	cfg := config.Defaults()
	cfg.Gateway = "truck-7"
	cfg.Sensors = []config.Sensor{
		{ID: "front", Zone: "front", Role: agent.RoleAir, Every: time.Minute, Points: []config.Point{{Name: "temperature", Quantity: agent.Temperature}}},
		{ID: "gnss", Every: time.Minute, Points: []config.Point{{Name: "latitude", Quantity: agent.Latitude}, {Name: "longitude", Quantity: agent.Longitude}}},
	}
	cfg.Trip = &config.Trip{
		Vehicle: "B-XY 7", First: agent.PhaseLoading, Repeat: time.Minute, Levels: config.Levels{Late: 30 * time.Minute, Every: 30 * time.Minute, Highest: 10},
		Compartments: []config.Compartment{{Zone: "front", Profile: "vaccine-2-8", Low: v(2), High: v(8)}},
		Start:        []config.Trigger{{Code: "TRIP"}}, Depart: []config.Trigger{{Leave: &config.Place{Name: "Depot", Radius: 200}}},
		End: []config.Trigger{{Point: "front/door", For: time.Minute}}, Lane: "north",
		Lanes: []config.Lane{{
			ID: "north", Corridor: &config.Corridor{Width: 500, Line: []config.Spot{{}, {Lat: agent.Unit}}},
			Stops: []config.Stop{{Name: "Clinic", Lat: v(1), Lon: v(0), Radius: 200, After: time.Hour}},
		}},
	}
	return cfg
}

func at(d time.Duration) agent.Instant {
	return agent.Instant{Wall: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).Add(d), Mono: time.Hour + d, Boot: agent.BootID{1}, Trust: agent.ClockSynced}
}

func wordsOf(events []agent.Event) string {
	var all []string
	for _, e := range events {
		if e.Trip != nil {
			all = append(all, string(e.Trip.Transition))
		} else {
			all = append(all, string(e.Excursion.Transition)+" "+string(e.Excursion.State))
		}
	}
	return strings.Join(all, "; ")
}

// TestJourneys: the engines get what the config says, a case names the open trip, both survive
// a restart, and a person's roles decide.
func TestJourneys(t *testing.T) {
	cfg := truck()
	j, err := newJourneys(cfg, func(agent.ZoneID) []agent.ItemID { return []agent.ItemID{"mmr-10"} })
	if err != nil {
		t.Fatal(err)
	}
	read := func(d time.Duration, sensor, point int, v agent.Value, said ...agent.Event) string {
		def := pointsOf(&cfg.Sensors[sensor])[point].Def
		return wordsOf(j.step(alarm.Input{At: at(d), Reading: &agent.Reading{At: at(d), Value: v}, Definition: &def}, said, nil))
	}
	if got := wordsOf(j.step(alarm.Input{At: at(0)}, nil, &agent.Scan{Reader: "dock", At: at(0), Code: "TRIP"})); got != "started" {
		t.Fatalf("scan: %q", got)
	}
	raised := agent.Event{At: at(time.Minute), Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{ID: "a:1", Alarm: "a", Kind: "limit", Zone: "front", Point: "front/temperature", Transition: agent.Raised}}
	if got := read(time.Minute, 0, 0, 9*agent.Unit, raised); got != "opened out" {
		t.Errorf("alarm: %q", got)
	}
	read(time.Minute, 1, 0, 0)
	read(time.Minute, 1, 1, 0)
	read(2*time.Minute, 1, 0, agent.Unit/100)
	if got := read(2*time.Minute, 1, 1, 0); got != "departed; unready" {
		t.Errorf("left the depot: %q", got)
	}
	trip := j.open()
	if trip == nil || trip.Phase != agent.PhaseUnderWay || !trip.Transit || trip.Vehicle != "B-XY 7" || len(trip.Stops) != 1 || trip.Stops[0].Due.IsZero() || trip.Lat == nil {
		t.Fatalf("%+v", trip)
	}
	if c := trip.Compartments[0]; c.State != agent.CompartmentOutOfRange || *c.High != 8*agent.Unit {
		t.Errorf("%+v", c)
	}
	if j.next == 0 {
		t.Error("nothing is due")
	}
	blob, err := j.state()
	if err != nil {
		t.Fatal(err)
	}
	again, err := newJourneys(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(again.restore(nil), again.restore(blob)); err != nil {
		t.Fatal(err)
	}
	list := again.cases.Cases()
	if len(list) != 1 || list[0].Trip != trip.ID || fmt.Sprint(list[0].Items) != "[mmr-10]" {
		t.Fatalf("%+v", list)
	}
	who := control.Person{Name: "Ada Roth", UID: 1001}
	order := control.CaseOrder{ID: "front", Do: "evaluate", Evaluation: "fine"}
	if _, err := again.decide(at(3*time.Minute), who, nil, order); !errors.Is(err, control.ErrNotPermitted) {
		t.Errorf("without the role: %v", err)
	}
	if ev, err := again.decide(at(3*time.Minute), who, []string{agent.RoleQuality}, order); err != nil || wordsOf(ev) != "evaluated out" {
		t.Errorf("%v %s", err, wordsOf(ev))
	}
	if _, err := again.decide(at(3*time.Minute), who, nil, control.CaseOrder{ID: "front", Do: "burn"}); !errors.Is(err, control.ErrUsage) {
		t.Errorf("no such act: %v", err)
	}
	if ev := again.reconcile(at(4*time.Minute), nil); wordsOf(ev) != "ended unknown" {
		t.Errorf("the alarm is gone: %s", wordsOf(ev))
	}
	if ev, err := again.do(at(5*time.Minute), who, control.TripOrder{Do: "end", Comment: "home"}); err != nil || wordsOf(ev) != "ended" || ev[0].Trip.By != "Ada Roth" {
		t.Errorf("%v %s", err, wordsOf(ev))
	}
	if _, err := again.do(at(5*time.Minute), who, control.TripOrder{Do: "end"}); !errors.Is(err, control.ErrUsage) || again.open() != nil {
		t.Errorf("ended twice: %v", err)
	}
}

// TestStartTrip: a person's plan arrives whole, and a profile that nobody knows is refused.
func TestStartTrip(t *testing.T) {
	j, err := newJourneys(truck(), nil)
	if err != nil {
		t.Fatal(err)
	}
	profiles := Known().Profiles
	who := control.Person{Name: "Li Wei", UID: 1000}
	lat, lon := agent.Unit, 2*agent.Unit
	r := control.TripStart{
		ID: "t-1", Shipment: "4711", Compartments: []agent.TripCompartment{{Zone: "front", Profile: "no-such"}},
		Stops: []agent.TripStop{{Name: "Clinic", Lat: &lat, Lon: &lon, RadiusM: 50, AfterS: 60}}, By: "Li Wei",
	}
	if _, err := j.start(at(0), who, r, profiles); !errors.Is(err, control.ErrUsage) || !strings.Contains(err.Error(), "no-such") {
		t.Errorf("a profile that is none: %v", err)
	}
	r.Compartments[0].Profile = "quick-frozen"
	events, err := j.start(at(0), who, r, profiles)
	if err != nil {
		t.Fatal(err)
	}
	ev := events[0].Trip
	if c := ev.Compartments[0]; c.High == nil || *c.High > -10*agent.Unit || ev.Stops[0].RadiusM != 50 || ev.Stops[0].AfterS != 60 || ev.Shipment != "4711" {
		t.Errorf("%+v", ev)
	}
	if got := j.relive(&events[0]); len(got) != 0 {
		t.Errorf("a trip that is in the state starts again: %s", wordsOf(got))
	}
	fresh, err := newJourneys(truck(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fresh.relive(&events[0]); wordsOf(got) != "started" || fresh.open().ID != "t-1" {
		t.Errorf("relived: %s", wordsOf(got))
	}
}

// TestAnAlarmOfTransitThatIsDisarmedEndsItsCase: where the trip is over while the compartment is
// out of its range, nobody sees it return, and no case stays open for ever.
func TestAnAlarmOfTransitThatIsDisarmedEndsItsCase(t *testing.T) {
	cfg := truck()
	above := 8 * agent.Unit
	cfg.Alarms = []config.Alarm{{
		ID: "hot", Kind: "limit", Zone: "front", Quantity: agent.Temperature, Transit: true, Severity: agent.SeverityCritical,
		Settings: &limit.Settings{Above: &above, For: 2 * time.Minute},
	}}
	def := pointsOf(&cfg.Sensors[0])[0].Def
	r, err := newRules(cfg, defsOf{def.ID: def})
	if err != nil {
		t.Fatal(err)
	}
	who := control.Person{Name: "Ada Roth", UID: 1001}
	order := func(d time.Duration, do string) []agent.Event {
		t.Helper()
		r.tick(at(d))
		said, err := r.trips.do(at(d), who, control.TripOrder{Do: do, Comment: "planned"})
		if err != nil {
			t.Fatal(err)
		}
		return r.followTrips(at(d), said).Events
	}
	r.scan(&agent.Scan{Reader: "dock", At: at(0), Code: "TRIP"})
	order(time.Minute, "depart")
	for n := 2; n < 6; n++ {
		r.reading(&agent.Reading{Def: def.ID, At: at(time.Duration(n) * time.Minute), Value: 9 * agent.Unit})
	}
	if c := r.trips.cases.Cases(); len(c) != 1 || c[0].State != agent.ExcursionOut {
		t.Fatalf("under way: %+v", c)
	}
	var ended []string
	for _, ev := range order(6*time.Minute, "end") {
		if ev.Excursion != nil {
			ended = append(ended, string(ev.Excursion.State))
		}
	}
	if fmt.Sprint(ended) != "[unknown]" {
		t.Errorf("at the trip's end the case is %v", ended)
	}
}

// TestATripOfAPersonMissesNoAlarm: what was due until a person's act is known to the cases.
func TestATripOfAPersonMissesNoAlarm(t *testing.T) {
	cfg := truck()
	above := 8 * agent.Unit
	cfg.Alarms = []config.Alarm{{
		ID: "hot", Kind: "limit", Zone: "front", Quantity: agent.Temperature, Severity: agent.SeverityCritical,
		Settings: &limit.Settings{Above: &above, For: 2 * time.Minute},
	}}
	def := pointsOf(&cfg.Sensors[0])[0].Def
	r, err := newRules(cfg, defsOf{def.ID: def})
	if err != nil {
		t.Fatal(err)
	}
	r.reading(&agent.Reading{Def: def.ID, At: at(0), Value: 9 * agent.Unit})
	uid := 1001
	r.relive(&agent.Event{At: at(150 * time.Second), Kind: agent.EventTrip, Trip: &agent.TripEvent{
		ID: "t1", N: 1, Transition: agent.TripStarted, Cause: agent.CausePerson, By: "Ada Roth", UID: &uid,
	}})
	if c := r.trips.cases.Cases(); len(c) != 1 {
		t.Errorf("%d cases", len(c))
	}
}

type defsOf map[agent.DefID]agent.Definition

func (d defsOf) Definition(id agent.DefID) (agent.Definition, bool) {
	def, ok := d[id]
	return def, ok
}
