package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

func TestTripArrives(t *testing.T) {
	c, err := Load("testdata/trip.good.yaml", stubKnown())
	if err != nil {
		t.Fatal(err)
	}
	r := c.Trip
	if r.Vehicle != "B-XY 7" || r.First != agent.PhaseLoading || r.Repeat != time.Minute || r.Levels != (Levels{15 * time.Minute, 0, 30 * time.Minute, 10}) {
		t.Errorf("%+v", r)
	}
	if r.Start[0] != (Trigger{Code: "00*", Reader: "dock", Is: agent.Unit}) || r.Depart[0] != (Trigger{Point: "dash/door", Is: agent.Unit, For: 2 * time.Minute}) ||
		*r.Depart[1].Leave != (Place{"Depot", 52_520_000, 13_400_000, 200}) || r.End[0] != (Trigger{Point: "dash/door", For: 30 * time.Minute}) {
		t.Errorf("start %+v depart %+v end %+v", r.Start, r.Depart, r.End)
	}
	if l := r.Lanes[0]; l.Corridor.Width != 500 || l.Corridor.Line[1] != (Spot{53_550_000, 9_990_000}) || *l.Stops[0].Lat != 53*agent.Unit || l.Stops[0].Radius != 200 || l.Stops[1].Lat != nil {
		t.Errorf("%+v", l)
	}
	// The zone's profile is 2 to 8 °C.
	if p := r.Compartments[0]; p.Profile != "vaccine-2-8" || *p.Low != 2*agent.Unit || *p.High != 8*agent.Unit {
		t.Errorf("range %v to %v", p.Low, p.High)
	}
	var warnings []string
	for _, w := range c.Warnings {
		warnings = append(warnings, w.Path)
	}
	if got := fmt.Sprint(warnings); got != "[trip.depart[1].leave trip.lanes[0].corridor]" {
		t.Errorf("warnings at %s", got)
	}
	if load(t, "site: s\ngateway: g\n").Trip != nil {
		t.Error("a gateway that does not travel has a trip section")
	}
}

func TestTripWarnings(t *testing.T) {
	c := load(t, "site: s\ngateway: g\nscanners: [{id: a, driver: serial, device: x}]\ntrip: {start: [{code: TRIP}]}\n")
	if len(c.Warnings) != 2 || !strings.Contains(c.Warnings[0].Message, "never departs by itself") || !strings.Contains(c.Warnings[1].Message, "never ends by itself") {
		t.Errorf("%v", c.Warnings)
	}
	c = load(t, "site: s\ngateway: g\nscanners: [{id: a, driver: serial, device: x}]\ntrip: {first: under-way, start: [{code: TRIP}], end: [{code: TRIP}]}\n")
	if len(c.Warnings) != 0 {
		t.Errorf("%v", c.Warnings)
	}
}

func TestNormalRange(t *testing.T) {
	v := func(n agent.Value) *agent.Value { n *= agent.Unit; return &n }
	limit := func(role agent.Role, s stubLimit) Alarm {
		return Alarm{Kind: "limit", Quantity: agent.Temperature, Role: role, Settings: &s}
	}
	low, high := NormalRange([]Alarm{
		limit("", stubLimit{Above: v(30)}), limit(agent.RoleProduct, stubLimit{Above: v(8)}), limit(agent.RoleAir, stubLimit{Below: v(1)}),
		limit(agent.RoleAir, stubLimit{Below: v(2)}), limit(agent.RoleSupply, stubLimit{Above: v(3)}),
		{Kind: "limit", Quantity: agent.Humidity, Settings: &stubLimit{Above: v(4)}}, {Kind: "no-data", Settings: &stubSilence{}},
	})
	if *low != 2*agent.Unit || *high != 8*agent.Unit {
		t.Errorf("%v to %v", low, high)
	}
	if low, high = NormalRange(nil); low != nil || high != nil {
		t.Errorf("%v to %v of nothing", low, high)
	}
}
