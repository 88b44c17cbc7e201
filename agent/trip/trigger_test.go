package trip_test

import (
	"errors"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/trip"
)

func scan(d time.Duration, reader agent.ReaderID, code string) trip.Input {
	return trip.Input{At: at(d), Scan: &agent.Scan{Reader: reader, At: at(d), Code: code, Symbology: agent.SymbologyUnknown}}
}

func TestScans(t *testing.T) {
	s := setup()
	s.Triggers = []trip.Trigger{
		{Do: trip.Start, Code: "00*"}, {Do: trip.Start, Code: "TRIP"}, {Do: trip.Depart, Code: "GO", Reader: "dock"}, {Do: trip.End, Code: "TRIP"},
	}
	e := engine(t, s)
	for _, c := range []struct {
		minute int
		reader agent.ReaderID
		code   string
		want   string
	}{
		{0, "dock", "GO", ""},
		{1, "dock", "TRIP", "started"},
		{1, "dock", "TRIP", ""}, // the same scan
		{2, "door", "GO", ""},
		{3, "dock", "GO", "departed"},
		{9, "dock", "TRIP", "ended"},
		{10, "dock", "003400000000000017", "started"},
		{11, "dock", "003400000000000024", ""}, // one at a time
	} {
		out := e.Step(scan(time.Duration(c.minute)*time.Minute, c.reader, c.code))
		got := ""
		if len(out.Events) > 0 {
			got = string(out.Events[0].Trip.Transition)
		}
		if got != c.want {
			t.Errorf("minute %d: %s %q: %q, want %q", c.minute, c.reader, c.code, got, c.want)
		}
	}
	if st, _ := e.Open(); st.Shipment != "003400000000000017" || st.ID != "truck-7-20260302t121000z-2" {
		t.Errorf("%+v", st)
	}
}

// TestContact: a contact that becomes 1 and stays so for its time.
func TestContact(t *testing.T) {
	s := setup()
	s.First, s.Compartments = agent.PhaseLoading, nil
	ignition := agent.PointID("dash/ignition")
	s.Triggers = []trip.Trigger{
		{Do: trip.Start, Point: ignition, Is: agent.Unit},
		{Do: trip.Depart, Point: ignition, Is: agent.Unit, For: 2 * time.Minute},
		{Do: trip.End, Point: ignition, Is: 0, For: 10 * time.Minute},
	}
	for name, c := range map[string]struct {
		values string // one a minute; . is none, ! a fault
		want   string
	}{
		"known from the start":  {"1111", ""},
		"becomes 1":             {"0111", "started departed"},
		"not for long enough":   {"010010", "started"},
		"a gap does not count":  {"01!..11", "started departed"},
		"the newest value held": {"01...0", "started departed"},
		"stops for a moment":    {"0111000111", "started departed"},
		"ends":                  {"011100000000000", "started departed ended"},
		"and again":             {"0110000000000001", "started departed ended started"},
	} {
		e := engine(t, s)
		var got string
		add := func(out trip.Output) {
			for _, ev := range out.Events {
				if got != "" {
					got += " "
				}
				got += string(ev.Trip.Transition)
				if ev.Trip.Cause != agent.CauseContact || ev.Trip.Source != string(ignition) {
					t.Errorf("%s: %+v", name, ev.Trip)
				}
			}
		}
		for i, v := range c.values {
			when := at(time.Duration(i) * time.Minute)
			text := string(v)
			if v == '!' {
				text = "!absent"
			}
			if v == '.' {
				add(e.Step(trip.Input{At: when}))
				continue
			}
			add(e.Step(value(s, ignition, when, text)))
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestGeofence(t *testing.T) {
	s := setup()
	s.First = agent.PhaseLoading
	depot := trip.Place{Name: "Depot", Spot: spot("0", "0")}
	s.Triggers = []trip.Trigger{
		{Do: trip.Start, Place: &depot}, {Do: trip.Depart, Place: &depot, Leave: true},
	}
	e := engine(t, s)
	for minute, c := range []struct {
		lat  string
		want string
	}{
		{"0.0001", ""}, // there from the start: it has not entered
		{"0.01", ""},   // left without a trip
		{"0.0019", ""}, // 211 m: not in yet
		{"0.0015", "started"},
		{"0.0019", ""}, // still in: it has to leave by a tenth more
		{"0.003", "departed; unready"},
	} {
		events := fix(e, s, at(time.Duration(minute)*time.Minute), c.lat, "0")
		got := ""
		for i, ev := range events {
			if i > 0 {
				got += "; "
			}
			got += string(ev.Trip.Transition)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.lat, got, c.want)
		}
		if len(events) > 0 && (events[0].Trip.Cause != agent.CauseGeofence || events[0].Trip.Source != "Depot") {
			t.Errorf("%+v", events[0].Trip)
		}
	}
}

func TestNewNamesEverything(t *testing.T) {
	s := setup()
	s.Lanes = append(s.Lanes, trip.Lane{ID: "north"}, trip.Lane{ID: "No", Corridor: &trip.Corridor{}}, trip.Lane{ID: "a", Stops: []trip.Stop{{}}})
	s.Lane = "west"
	s.Triggers = []trip.Trigger{{Do: trip.Start}, {Do: "stop", Code: "1"}, {Do: trip.Start, Code: "1", Point: "a/b"}}
	s.First = agent.PhaseUnloading
	s.Levels.Every = -1
	s.Compartments = append(s.Compartments, trip.Compartment{Zone: "rear"})
	_, err := trip.New(s)
	for _, want := range []error{
		trip.ErrLaneTwice, agent.ErrID, trip.ErrLine, trip.ErrStopName, trip.ErrLane, trip.ErrTrigger, trip.ErrVerb,
		trip.ErrFirstPhase, trip.ErrLevels, trip.ErrZoneTwice,
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
}
