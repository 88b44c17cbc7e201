package config

import (
	"errors"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Bounds of what trip says.
const (
	maxRadius = 1_000_000 // metres
	maxLine   = 1000
	maxStops  = 100
	maxLevel  = 100
	maxName   = 200 // bytes
)

// trip checks the section trip.
func (k checker) trip(zones register) {
	t, n := k.c.Trip, k.root.child("trip")
	if t == nil || n == nil || n.kind != mapNode {
		return
	}
	points, complete := k.declaredPoints()
	c := tripChecker{k, t, n, points, complete}
	c.names(n, "vehicle", "carrier")
	for i := range t.Compartments {
		c.compartment(&t.Compartments[i], n.child("compartments").item(i), i, zones)
	}
	for _, s := range []struct {
		key  string
		list []Trigger
	}{{"start", t.Start}, {"load", t.Load}, {"depart", t.Depart}, {"unload", t.Unload}, {"end", t.End}} {
		for i := range s.list {
			c.trigger(&s.list[i], n.child(s.key).item(i))
		}
	}
	c.startsAndEnds()
	c.levels(n.near("levels"))
	c.lanes(n.child("lanes"))
}

// tripChecker checks one section trip.
type tripChecker struct {
	checker
	t        *Trip
	n        *node
	points   []declared
	complete bool // points are all there are
}

// names checks that texts are not longer than a trip's records take.
func (c tripChecker) names(n *node, keys ...string) {
	for _, key := range keys {
		if at := n.child(key); at != nil && len(at.text) > maxName {
			c.at(at, "the name has %d bytes, more than %d", len(at.text), maxName)
		}
	}
}

func (c tripChecker) compartment(p *Compartment, n *node, i int, zones register) {
	if n == nil || n.kind != mapNode {
		return
	}
	c.zone(n, zones, p.Zone)
	for _, before := range c.t.Compartments[:i] {
		if p.Zone != "" && before.Zone == p.Zone {
			c.at(n.near("zone"), "the zone %s stands here a second time", p.Zone)
		}
	}
	probes := filter(c.points, func(d declared) bool { return d.zone == p.Zone && d.quantity == agent.Temperature })
	if _, is := zones[string(p.Zone)]; is && c.complete && len(probes) == 0 {
		c.at(n.near("zone"), "nothing in the zone %s measures a temperature: no departure would find it in range", p.Zone)
	}
	p.Low, p.High = c.normalOf(p, n, probes)
}

// normalOf is the range that a compartment has to be in at departure.
func (c tripChecker) normalOf(p *Compartment, n *node, probes []declared) (low, high *agent.Value) {
	zone := slices.IndexFunc(c.c.Zones, func(z Zone) bool { return z.ID == p.Zone })
	if p.Profile == "" && zone >= 0 {
		p.Profile = c.c.Zones[zone].Profile
	}
	if p.Profile == "" || zone >= 0 && c.c.Zones[zone].Profile == p.Profile {
		of := slices.DeleteFunc(slices.Clone(c.c.Alarms), func(a Alarm) bool {
			return !slices.ContainsFunc(probes, func(d declared) bool { return slices.Contains(a.Points, d.id) })
		})
		return NormalRange(of)
	}
	e := expansion{checker: c.checker, found: map[string]*Profile{}}
	found := e.profile(n.near("profile"), p.Profile)
	if found == nil {
		return nil, nil
	}
	return NormalRange(found.Limits)
}

// NormalRange is the range of temperatures, both ends included, outside of which one of the
// alarms begins to count; nil is no end. It looks at alarms of kind limit alone, and not at those
// for surfaces, supply air and the outside.
func NormalRange(alarms []Alarm) (low, high *agent.Value) {
	for i := range alarms {
		a := &alarms[i]
		b, ok := boundOf(a.Settings)
		if !ok || a.Kind != limitKind || a.Quantity != "" && a.Quantity != agent.Temperature ||
			slices.Contains([]agent.Role{agent.RoleOutside, agent.RoleSurface, agent.RoleSupply}, a.Role) {
			continue
		}
		limit := b.limit
		switch {
		case b.upper && b.inclusive:
			limit--
		case b.inclusive:
			limit++
		}
		if b.upper && (high == nil || limit < *high) {
			high = &limit
		}
		if !b.upper && (low == nil || limit > *low) {
			low = &limit
		}
	}
	return low, high
}

// trigger checks one trigger.
func (c tripChecker) trigger(t *Trigger, n *node) {
	if n == nil || n.kind != mapNode {
		return
	}
	given := slices.DeleteFunc([]string{"code", "point", "enter", "leave"}, func(key string) bool { return n.child(key) == nil })
	switch len(given) {
	case 0:
		c.at(n, "a trigger needs one of code, point, enter and leave")
		return
	case 1:
	default:
		c.at(n.child(given[1]), "a trigger has %s or %s, not both: want one of code, point, enter and leave", given[0], given[1])
		return
	}
	for key, of := range map[string]string{"reader": "code", "is": "point", "for": "point"} {
		if at := n.child(key); at != nil && given[0] != of {
			c.at(at, "%s belongs to %s, not to %s", key, of, given[0])
		}
	}
	switch given[0] {
	case "code":
		if t.Code == "" || t.Code == "*" {
			c.at(n.child("code"), "%s would be any code", clip(t.Code))
		}
		if t.Reader != "" {
			c.reference(n.near("reader"), "scanner", string(t.Reader), ids(c.c.Scanners, func(s Scanner) string { return string(s.ID) }))
		}
	case "point":
		c.contact(t, n)
	default:
		place := t.Enter
		if given[0] == "leave" {
			place = t.Leave
		}
		c.place(place, n.child(given[0]))
	}
}

func (c tripChecker) contact(t *Trigger, n *node) {
	i := slices.IndexFunc(c.points, func(d declared) bool { return d.id == t.Point })
	switch {
	case i < 0 && c.complete:
		c.reference(n.near("point"), "point", string(t.Point), ids(c.points, func(d declared) string { return string(d.id) }))
	case i >= 0 && c.points[i].quantity.Kind() != agent.State:
		c.at(n.near("point"), "%s is a %s: a trigger needs a point that is 0 or 1", t.Point, c.points[i].quantity)
	}
	if t.Is != 0 && t.Is != agent.Unit {
		c.at(n.near("is"), "%s is neither 0 nor 1", t.Is)
	}
	if t.For > 24*time.Hour {
		c.at(n.near("for"), "%s is longer than a day", formatDuration(t.For))
	}
}

func (c tripChecker) place(p *Place, n *node) {
	if p == nil || n == nil || n.kind != mapNode {
		return
	}
	c.spot(n, p.Lat, p.Lon)
	c.radius(n, "radius", p.Radius)
	c.names(n, "name")
	c.positioned(n)
}

// positioned warns of what needs a position that nothing measures.
func (c tripChecker) positioned(n *node) {
	for _, q := range []agent.Quantity{agent.Latitude, agent.Longitude} {
		if c.complete && !slices.ContainsFunc(c.points, func(d declared) bool { return d.quantity == q }) {
			c.warnf(n.pos, n.path, "no sensor measures %s: nothing comes of this", q)
			return
		}
	}
}

func (c tripChecker) spot(n *node, lat, lon agent.Value) {
	for key, v := range map[string]agent.Value{"lat": lat, "lon": lon} {
		q := map[string]agent.Quantity{"lat": agent.Latitude, "lon": agent.Longitude}[key]
		if at := n.child(key); at != nil && !q.Contains(v) {
			lowest, highest := q.Range()
			c.at(at, "%s is not from %s to %s", v, lowest, highest)
		}
	}
}

func (c tripChecker) radius(n *node, key string, metres int64) {
	if metres < 1 || metres > maxRadius {
		c.at(n.near(key), "%d is not from 1 to %d metres", metres, maxRadius)
	}
}

// startsAndEnds checks what the triggers do together.
func (c tripChecker) startsAndEnds() {
	for i, end := range c.t.End {
		at := c.n.child("end").item(i)
		if end.Point == "" || end.Code != "" || at == nil {
			continue
		}
		if slices.ContainsFunc(c.t.Start, func(s Trigger) bool { return s.Code == "" && s.Point == end.Point && s.Is == end.Is }) {
			c.at(at, "%s becoming %s starts a trip: it cannot end one too", end.Point, end.Is)
		}
	}
	if len(c.t.Start) == 0 {
		return
	}
	at := c.n.child("start")
	if len(c.t.Depart) == 0 && c.t.First != agent.PhaseUnderWay {
		c.warnf(at.pos, at.path, "a trip that starts by itself never departs by itself: write depart, or first: under-way")
	}
	if len(c.t.End) == 0 {
		c.warnf(at.pos, at.path, "a trip that starts by itself never ends by itself: write end")
	}
}

func (c tripChecker) levels(n *node) {
	l := c.t.Levels
	for _, d := range []struct {
		key   string
		value time.Duration
		least time.Duration
	}{{"late", l.Late, time.Minute}, {"off", l.Off, 0}, {"every", l.Every, time.Minute}} {
		if d.value < d.least || d.value > 7*24*time.Hour {
			c.at(n.near(d.key), "%s is not from %s to 7d", formatDuration(d.value), formatDuration(d.least))
		}
	}
	if l.Highest < 1 || l.Highest > maxLevel {
		c.at(n.near("highest"), "%d is not from 1 to %d", l.Highest, maxLevel)
	}
	if c.t.Repeat > time.Hour {
		c.at(c.n.near("repeat"), "%s is longer than an hour", formatDuration(c.t.Repeat))
	}
}

func (c tripChecker) lanes(list *node) {
	known := register{}
	for i := range c.t.Lanes {
		l, n := &c.t.Lanes[i], list.item(i)
		if n == nil || n.kind != mapNode {
			continue
		}
		c.add(known, n, l.ID)
		c.names(n, "carrier")
		if at := n.child("corridor"); l.Corridor != nil && at != nil && at.kind == mapNode {
			c.corridor(l.Corridor, at)
		}
		c.stops(l.Stops, n.child("stops"))
	}
	if at := c.n.child("lane"); at != nil && at.kind == scalarNode {
		c.reference(at, "lane", c.t.Lane, names(known))
	}
}

func (c tripChecker) corridor(r *Corridor, n *node) {
	c.radius(n, "width", r.Width)
	if at := n.child("line"); at != nil && (len(r.Line) == 0 || len(r.Line) > maxLine) {
		c.at(at, "the line has %d points: want 1 to %d", len(r.Line), maxLine)
		return
	}
	for i, p := range r.Line {
		if at := n.child("line").item(i); at != nil && at.kind == mapNode {
			c.spot(at, p.Lat, p.Lon)
		}
	}
	c.positioned(n)
}

func (c tripChecker) stops(stops []Stop, list *node) {
	if len(stops) > maxStops {
		c.at(list, "a lane has at most %d stops, this one has %d", maxStops, len(stops))
		return
	}
	taken := map[string]bool{}
	for i := range stops {
		s, n := &stops[i], list.item(i)
		if n == nil || n.kind != mapNode {
			continue
		}
		c.names(n, "name")
		if at := n.child("name"); at != nil && at.kind == scalarNode {
			switch {
			case s.Name == "":
				c.at(at, "a stop needs a name")
			case taken[s.Name]:
				c.at(at, "the stop %s stands here a second time", clip(s.Name))
			}
			taken[s.Name] = true
		}
		if err := c.where(s, n); err != nil {
			c.at(n, "%s", err)
		}
		c.radius(n, "radius", s.Radius)
	}
}

var errHalfPlace = errors.New("a place needs lat and lon")

// where checks the place of a stop.
func (c tripChecker) where(s *Stop, n *node) error {
	if (s.Lat == nil) != (s.Lon == nil) && (n.child("lat") == nil) != (n.child("lon") == nil) {
		return errHalfPlace
	}
	if s.Lat != nil && s.Lon != nil {
		c.spot(n, *s.Lat, *s.Lon)
	}
	return nil
}
