package trip_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/trip"
)

var (
	boot1  = agent.BootID{0x12, 0x34, 0x56, 0x78, 1}
	noon   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	driver = trip.Person{Name: "Li Wei", UID: 1000}
)

// at is an instant d after noon.
func at(d time.Duration) agent.Instant {
	return agent.Instant{Wall: noon.Add(d), Mono: time.Hour + d, Boot: boot1, Trust: agent.ClockSynced}
}

func deg(text string) agent.Value {
	v, err := agent.ParseValue(text)
	if err != nil {
		panic(err)
	}
	return v
}

func spot(lat, lon string) trip.Spot { return trip.Spot{Lat: deg(lat), Lon: deg(lon)} }

func ptr[T any](v T) *T { return &v }

// setup is a truck with two compartments on a lane along the equator.
func setup() trip.Setup {
	temp := func(id agent.PointID, zone agent.ZoneID, role agent.Role) trip.Point {
		return trip.Point{Definition: agent.Definition{Point: id, Quantity: agent.Temperature, Zone: zone, Role: role}, Every: time.Minute}
	}
	return trip.Setup{
		Gateway: "truck-7", Vehicle: "B-XY 7", Carrier: "Nord", Lane: "north",
		Lanes: []trip.Lane{
			{ID: "north", Corridor: &trip.Corridor{Line: []trip.Spot{spot("0", "0"), spot("0", "2")}}, Stops: []trip.Stop{
				{Name: "Clinic", Place: &trip.Place{Spot: spot("0", "1")}, After: time.Hour},
				{Name: "Hospital", Place: &trip.Place{Spot: spot("0", "2")}, After: 3 * time.Hour},
			}},
			{ID: "south", Carrier: "Sued"},
		},
		Compartments: []trip.Compartment{{Zone: "front", Profile: "vaccine-2-8"}, {Zone: "rear", Profile: "frozen"}},
		Profiles:     map[string]trip.Range{"vaccine-2-8": {Low: ptr(deg("2")), High: ptr(deg("8"))}, "frozen": {High: ptr(deg("-18"))}},
		Points: []trip.Point{
			temp("front-air/temperature", "front", agent.RoleAir), temp("front-skin/temperature", "front", agent.RoleOutside),
			temp("rear-air/temperature", "rear", agent.RoleAir),
			{Definition: agent.Definition{Point: "gnss/latitude", Quantity: agent.Latitude}, Every: time.Minute},
			{Definition: agent.Definition{Point: "gnss/longitude", Quantity: agent.Longitude}, Every: time.Minute},
			{Definition: agent.Definition{Point: "dash/ignition", Quantity: agent.Contact}, Every: time.Minute},
		},
	}
}

func engine(t testing.TB, s trip.Setup) *trip.Engine {
	t.Helper()
	e, err := trip.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// told is what events say: "departed", "deviated corridor 1", "arrived Clinic".
func told(events []agent.Event) string {
	var all []string
	for _, ev := range events {
		x := ev.Trip
		words := []string{string(x.Transition)}
		if x.Deviation != "" {
			words = append(words, string(x.Deviation), fmt.Sprint(x.Level))
		} else if x.Stop != "" {
			words = append(words, x.Stop)
		}
		for _, c := range x.Compartments {
			if c.State != "" {
				words = append(words, fmt.Sprintf("%s=%s", c.Zone, c.State))
			}
		}
		all = append(all, strings.Join(words, " "))
	}
	return strings.Join(all, "; ")
}

func value(s trip.Setup, id agent.PointID, when agent.Instant, text string) trip.Input {
	i := slices.IndexFunc(s.Points, func(p trip.Point) bool { return p.Point == id })
	in := trip.Input{At: when, Definition: &s.Points[i].Definition, Reading: &agent.Reading{At: when}}
	if fault, bad := strings.CutPrefix(text, "!"); bad {
		in.Reading.Fault, _ = agent.ParseFault(fault)
		return in
	}
	in.Reading.Value = deg(text)
	return in
}

// fix steps the two readings of a position; "" is no fix.
func fix(e *trip.Engine, s trip.Setup, when agent.Instant, lat, lon string) []agent.Event {
	if lat == "" {
		lat, lon = "!device", "!device"
	}
	first := e.Step(value(s, "gnss/latitude", when, lat)).Events
	return append(first, e.Step(value(s, "gnss/longitude", when, lon)).Events...)
}

func start(t testing.TB, e *trip.Engine, when agent.Instant, p trip.Plan) []agent.Event {
	t.Helper()
	out, err := e.Start(when, p, driver, "")
	if err != nil {
		t.Fatal(err)
	}
	return out.Events
}

// TestPhases holds the table of phases against one written by hand.
func TestPhases(t *testing.T) {
	table := map[agent.TripPhase]string{
		agent.PhaseNone:      "start",
		agent.PhasePreCool:   "depart end load",
		agent.PhaseLoading:   "arrive depart end",
		agent.PhaseUnderWay:  "arrive end load unload",
		agent.PhaseUnloading: "arrive depart end load",
	}
	after := map[trip.Verb]agent.TripPhase{
		trip.Load: agent.PhaseLoading, trip.Depart: agent.PhaseUnderWay, trip.Unload: agent.PhaseUnloading, trip.End: agent.PhaseNone,
	}
	reach := map[agent.TripPhase][]trip.Verb{
		agent.PhasePreCool: nil, agent.PhaseLoading: {trip.Depart, trip.Load}, agent.PhaseUnderWay: {trip.Depart},
		agent.PhaseUnloading: {trip.Depart, trip.Unload},
	}
	for phase, way := range reach {
		for _, v := range []trip.Verb{trip.Load, trip.Depart, trip.Unload, trip.Arrive, trip.End} {
			e := engine(t, setup())
			start(t, e, at(0), trip.Plan{})
			for _, step := range way {
				if _, err := e.Do(at(0), trip.Order{Do: step}, driver); err != nil {
					t.Fatal(err)
				}
			}
			if e.Phase() != phase {
				t.Fatalf("in %s, want %s", e.Phase(), phase)
			}
			_, err := e.Do(at(time.Second), trip.Order{Do: v}, driver)
			if allowed := slices.Contains(strings.Fields(table[phase]), string(v)); allowed != (err == nil) || err != nil && !errors.Is(err, trip.ErrPhase) {
				t.Errorf("%s in %s: %v", v, phase, err)
			}
			want := phase
			if next, moves := after[v]; moves && err == nil {
				want = next
			}
			if e.Phase() != want {
				t.Errorf("%s in %s leads to %s, want %s", v, phase, e.Phase(), want)
			}
		}
		if got := fmt.Sprint(trip.Allowed(phase)); got != "["+table[phase]+"]" {
			t.Errorf("allowed in %s: %s, want %s", phase, got, table[phase])
		}
	}
}

func TestRefusals(t *testing.T) {
	e := engine(t, setup())
	for name, c := range map[string]struct {
		plan trip.Plan
		who  trip.Person
		want error
	}{
		"nobody":       {trip.Plan{}, trip.Person{Name: " "}, trip.ErrNobody},
		"no id":        {trip.Plan{ID: "Trip 1"}, driver, agent.ErrID},
		"lane":         {trip.Plan{Lane: "east"}, driver, trip.ErrLane},
		"phase":        {trip.Plan{Phase: agent.PhaseUnloading}, driver, trip.ErrFirstPhase},
		"zone":         {trip.Plan{Compartments: []trip.Compartment{{Zone: "roof"}}}, driver, trip.ErrZone},
		"zone twice":   {trip.Plan{Compartments: []trip.Compartment{{Zone: "rear"}, {Zone: "rear"}}}, driver, trip.ErrZoneTwice},
		"stop twice":   {trip.Plan{Stops: []trip.Stop{{Name: "a"}, {Name: "a"}}}, driver, trip.ErrStopName},
		"no such spot": {trip.Plan{Stops: []trip.Stop{{Name: "a", Place: &trip.Place{Spot: spot("91", "0")}}}}, driver, trip.ErrPlace},
		"long":         {trip.Plan{Seal: strings.Repeat("x", 201)}, driver, trip.ErrText},
		"stops":        {trip.Plan{Stops: make([]trip.Stop, 101)}, driver, trip.ErrStops},
	} {
		if out, err := e.Start(at(0), c.plan, c.who, ""); !errors.Is(err, c.want) || len(out.Events) > 0 {
			t.Errorf("%s: %v, %s", name, err, told(out.Events))
		}
	}
	if _, err := e.Do(at(0), trip.Order{Do: trip.End}, driver); !errors.Is(err, trip.ErrNoTrip) {
		t.Errorf("end without a trip: %v", err)
	}
	start(t, e, at(0), trip.Plan{ID: "t-1"})
	if _, err := e.Start(at(0), trip.Plan{}, driver, ""); !errors.Is(err, trip.ErrOpen) {
		t.Errorf("a second trip: %v", err)
	}
	if _, err := e.Do(at(0), trip.Order{Do: trip.Arrive, Stop: "Clinic"}, driver); !errors.Is(err, trip.ErrPhase) {
		t.Errorf("arrived before departure: %v", err)
	}
	for _, v := range []trip.Verb{trip.Depart, trip.Arrive} {
		if _, err := e.Do(at(0), trip.Order{Do: v}, driver); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Do(at(0), trip.Order{Do: trip.Arrive, Stop: "Clinic"}, driver); !errors.Is(err, trip.ErrReached) {
		t.Errorf("reached twice: %v", err)
	}
	if _, err := e.Do(at(0), trip.Order{Do: trip.Arrive, Stop: "Moon"}, driver); !errors.Is(err, trip.ErrStop) {
		t.Errorf("no such stop: %v", err)
	}
	if _, err := e.Do(at(0), trip.Order{Do: trip.End}, driver); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Start(at(0), trip.Plan{ID: "t-1"}, driver, ""); !errors.Is(err, trip.ErrUsed) {
		t.Errorf("an id again: %v", err)
	}
}

// TestStarted: what the plan leaves open is the config's, and the record has all of it.
func TestStarted(t *testing.T) {
	e := engine(t, setup())
	ev := start(t, e, at(0), trip.Plan{Shipment: "4711", Seal: "S9"})[0].Trip
	if ev.ID != "truck-7-20260302t120000z-1" || ev.N != 1 || ev.Phase != agent.PhasePreCool || ev.Cause != agent.CausePerson {
		t.Errorf("%+v", ev)
	}
	if agent.CheckID(string(ev.ID)) != nil {
		t.Errorf("%s is no id", ev.ID)
	}
	if ev.Carrier != "Nord" || ev.Vehicle != "B-XY 7" || ev.Lane != "north" || ev.Shipment != "4711" || ev.CorridorM != 500 || ev.By != "Li Wei" || *ev.UID != 1000 {
		t.Errorf("%+v", ev)
	}
	if len(ev.Compartments) != 2 || ev.Compartments[1].Zone != "rear" || ev.Compartments[1].Profile != "frozen" || *ev.Compartments[1].High != deg("-18") || len(ev.Stops) != 2 || ev.Stops[1].AfterS != 10800 || ev.Stops[0].RadiusM != 200 {
		t.Errorf("%+v %+v", ev.Compartments, ev.Stops)
	}
	if want := "trip truck-7-20260302t120000z-1 started: shipment 4711, carrier Nord, lane north, vehicle B-XY 7, seal S9"; ev.Message != want {
		t.Errorf("says %q", ev.Message)
	}
	e = engine(t, setup())
	unset := at(0)
	unset.Trust, unset.Wall = agent.ClockUnset, time.Time{}
	if id := start(t, e, unset, trip.Plan{Lane: "south"})[0].Trip; id.ID != "truck-7-12345678-1" || id.Carrier != "Sued" {
		t.Errorf("without a clock: %+v", id)
	}
}

// TestUnready: departing before every compartment is in range is an event of its own.
func TestUnready(t *testing.T) {
	for name, c := range map[string]struct{ front, rear, want string }{
		"ready":   {"5", "-20", "departed front=in-range rear=in-range"},
		"edges":   {"8", "-18", "departed front=in-range rear=in-range"},
		"warm":    {"8.01", "-20", "departed front=out-of-range rear=in-range; unready front=out-of-range"},
		"cold":    {"1.9", "-20", "departed front=out-of-range rear=in-range; unready front=out-of-range"},
		"fault":   {"5", "!crc", "departed front=in-range rear=unknown; unready rear=unknown"},
		"nothing": {"5", "", "departed front=in-range rear=unknown; unready rear=unknown"},
		"both":    {"9", "-10", "departed front=out-of-range rear=out-of-range; unready front=out-of-range rear=out-of-range"},
	} {
		s := setup()
		e := engine(t, s)
		start(t, e, at(0), trip.Plan{})
		e.Step(value(s, "front-air/temperature", at(time.Minute), c.front))
		e.Step(value(s, "front-skin/temperature", at(time.Minute), "30"))
		if c.rear != "" {
			e.Step(value(s, "rear-air/temperature", at(time.Minute), c.rear))
		}
		out, err := e.Do(at(2*time.Minute), trip.Order{Do: trip.Depart}, driver)
		if got := told(out.Events); err != nil || got != c.want {
			t.Errorf("%s: %v, %s, want %s", name, err, got, c.want)
		}
	}
	s := setup()
	e := engine(t, s)
	start(t, e, at(0), trip.Plan{Compartments: []trip.Compartment{{Zone: "front", Profile: "dry"}}})
	if out, err := e.Do(at(0), trip.Order{Do: trip.Depart}, driver); err != nil || told(out.Events) != "departed" {
		t.Errorf("a profile without a range: %v, %s", err, told(out.Events))
	}
	if p, ok := e.Profile("front"); !ok || p != "dry" {
		t.Errorf("profile under way: %q, %v", p, ok)
	}
	if _, ok := e.Profile("rear"); ok {
		t.Error("a zone that does not travel has a profile")
	}
	stale := engine(t, s)
	start(t, stale, at(0), trip.Plan{})
	stale.Step(value(s, "front-air/temperature", at(0), "5"))
	stale.Step(value(s, "rear-air/temperature", at(0), "-20"))
	if out, _ := stale.Do(at(3*time.Minute), trip.Order{Do: trip.Depart}, driver); !strings.Contains(told(out.Events), "unready front=unknown rear=unknown") {
		t.Errorf("stale values: %s", told(out.Events))
	}
}
