package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

const zone agent.ZoneID = "room"

// The points of a room.
const (
	pointAir     agent.PointID = "air/temperature"
	pointProduct agent.PointID = "product/temperature"
	pointDoor    agent.PointID = "door/door"
	pointDefrost agent.PointID = "defrost/contact"
	pointLoading agent.PointID = "loading/contact"
	pointMains   agent.PointID = "mains/power_ok"
)

// quiets are what the rooms' configs let suppress alarms. Each has the longest time that the
// work takes when it is done as it should be; after is how long the air needs to recover.
var quiets = []struct {
	point          agent.PointID
	longest, after time.Duration
}{
	{pointDoor, 15 * time.Minute, 10 * time.Minute},
	{pointDefrost, 45 * time.Minute, 20 * time.Minute},
	{pointLoading, 45 * time.Minute, 15 * time.Minute},
}

// text is the config of the gateway in a house.
func (h *house) text() string {
	var sensors, suppress, alarms strings.Builder
	thermometer := func(id string, p probe, n int, role agent.Role) {
		if p.lag != 0 {
			fmt.Fprintf(&sensors, "  - {id: %s, driver: ds18b20, bus: w1, address: 28-0316a2790b%02x, every: %s, zone: %s, role: %s}\n", id, n, every, zone, role)
		}
	}
	thermometer("air", h.air, 1, agent.RoleAir)
	thermometer("product", h.product, 2, agent.RoleProduct)
	contact := func(known bool, p agent.PointID, pin int) {
		if known {
			sensor, quantity, _ := strings.Cut(string(p), "/")
			fmt.Fprintf(&sensors, "  - {id: %s, driver: digital, pin: GPIO%d, quantity: %s, every: %s, zone: %s}\n", sensor, pin, quantity, still, zone)
		}
	}
	contact(h.knows.door, pointDoor, 17)
	contact(h.knows.defrost, pointDefrost, 22)
	contact(h.knows.loading, pointLoading, 23)
	contact(h.knows.mains, pointMains, 27)
	if h.knows.door { // longer than a delivery takes
		alarms.WriteString("  - {id: door-open, kind: door-ajar, zone: room, for: 30m}\n")
	}
	if h.knows.mains {
		alarms.WriteString("  - {id: mains-gone, kind: power-failure, zone: room}\n")
	}
	for _, q := range quiets {
		for _, side := range h.sides(q.point) {
			fmt.Fprintf(&suppress, "      - {while: %s, side: %s, longest: %s, after: %s}\n", q.point, side, q.longest, q.after)
		}
	}
	text := "site: lab\ngateway: gw-1\nzones:\n  - id: room\n    profile: " + h.profile + "\n"
	if suppress.Len() > 0 {
		text += "    suppress:\n" + suppress.String()
	}
	text += "sensors:\n" + sensors.String()
	if alarms.Len() > 0 {
		text += "alarms:\n" + alarms.String()
	}
	return text
}

// sides are on which sides a state suppresses: a door that leads to winter cools too.
func (h *house) sides(p agent.PointID) []alarm.Side {
	known := map[agent.PointID]bool{pointDoor: h.knows.door, pointDefrost: h.knows.defrost, pointLoading: h.knows.loading}
	switch {
	case !known[p]:
		return nil
	case p != pointDefrost && h.beyond.coldest() < h.zone.Start-10:
		return []alarm.Side{alarm.High, alarm.Low}
	}
	return []alarm.Side{alarm.High}
}

// gateway feeds the agent's rules with what is measured in a room, and lets people answer.
type gateway struct {
	*life
	engine *alarm.Engine
	defs   map[agent.PointID]*agent.Definition
	last   states
	at     agent.Instant // of the next input
	acks   []answer
	took   func(*agent.AlarmEvent) // each transition, at gateway.now
	fed    int64
}

// answer is an acknowledgement that a person will make.
type answer struct {
	at time.Duration
	id agent.AlarmEventID
}

// newGateway makes the rules of a house's config as an agent does.
func newGateway(l *life) (*gateway, *config.Config, error) {
	cfg, err := config.Parse("room.yaml", []byte(l.text()), daemon.Known())
	if err != nil {
		return nil, nil, err
	}
	rules, err := daemon.Rehearsal(cfg)
	if err != nil {
		return nil, nil, err
	}
	g := &gateway{life: l, engine: rules.Alarms, defs: map[agent.PointID]*agent.Definition{}}
	for _, d := range daemon.Definitions(cfg) {
		g.defs[d.Point] = &d
	}
	g.at = agent.Instant{Wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Mono: time.Minute, Boot: agent.BootID{1}, Trust: agent.ClockSynced}
	return g, cfg, nil
}

// step lives for one tick and tells the rules what was measured.
func (g *gateway) step() {
	first := g.now == 0
	g.life.step()
	g.at = g.at.Add(tick)
	if first {
		g.feed(alarm.Input{At: g.at, Start: true})
	}
	whole := g.now%every == 0
	for _, s := range []struct {
		point     agent.PointID
		was, is   bool
		connected bool
	}{
		{pointDoor, g.last.door, g.states.door, g.knows.door},
		{pointDefrost, g.last.defrost, g.states.defrost, g.knows.defrost},
		{pointLoading, g.last.loading, g.states.loading, g.knows.loading},
		{pointMains, g.last.mains, g.states.mains, g.knows.mains},
	} {
		if s.connected && (g.now%still == 0 || first || s.was != s.is) {
			v := agent.Value(0)
			if s.is {
				v = agent.Unit
			}
			g.read(s.point, v, true)
		}
	}
	g.last = g.states
	if whole {
		for i, p := range []agent.PointID{pointAir, pointProduct} {
			if f := &g.feels[i]; f.lag != 0 {
				g.read(p, agent.Value(math.Round(f.reading*float64(agent.Unit))), f.heard)
			}
		}
		g.answer()
	}
}

// read gives a reading to the rules. One that is not ok failed.
func (g *gateway) read(p agent.PointID, v agent.Value, ok bool) {
	d := g.defs[p]
	r := agent.Reading{Def: d.ID, At: g.at, Value: v, Raw: v}
	if !ok {
		r.Value, r.Raw, r.Fault = 0, 0, agent.FaultCRC
	}
	g.fed++
	g.feed(alarm.Input{At: g.at, Reading: &r, Definition: d})
}

func (g *gateway) feed(in alarm.Input) { g.take(g.engine.Step(in)) }

func (g *gateway) take(out alarm.Output) {
	for i := range out.Events {
		e := out.Events[i].Alarm
		if e == nil {
			continue
		}
		g.took(e)
		if e.Transition == agent.Raised && e.Reaches() {
			g.acks = append(g.acks, answer{g.now + time.Duration(2+g.r.IntN(18))*time.Minute, e.ID})
			g.fault.told(g.life)
		}
	}
}

// answer lets people acknowledge what they have been told of for some minutes.
func (g *gateway) answer() {
	waiting := g.acks
	g.acks = nil
	for _, a := range waiting {
		if g.now < a.at {
			g.acks = append(g.acks, a)
			continue
		}
		// What has come anew since is acknowledged by its own id.
		out, _ := g.engine.Command(g.at, alarm.Command{Do: agent.Acknowledged, ID: string(a.id), By: "keeper", Comment: "looking"})
		g.take(out)
	}
}

// liveIn lives a house's year.
func liveIn(seed uint64, n int, length time.Duration) (*record, error) {
	l := newLife(draw(rand.New(rand.NewPCG(seed, 2*uint64(n))), n), rand.New(rand.NewPCG(seed, 2*uint64(n)+1)))
	g, cfg, err := newGateway(l)
	if err != nil {
		return nil, err
	}
	w := newWitness(l, cfg, n, length)
	g.took = w.took
	for l.now < length {
		g.step()
		w.see()
	}
	w.end()
	w.readings = g.fed
	return &w.record, nil
}
