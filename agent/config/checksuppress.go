package config

import (
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// suppressions checks what silences alarms by design.
func (k checker) suppressions() {
	points, complete := k.declaredPoints()
	list := k.root.child("zones")
	for i := range k.c.Zones {
		entries := list.item(i).child("suppress")
		seen := map[string]pos{}
		for j := range k.c.Zones[i].Suppress {
			s, n := &k.c.Zones[i].Suppress[j], entries.item(j)
			k.suppression(s, n, points, complete)
			what := string(s.While) + " " + s.Side
			if first, again := seen[what]; again {
				k.at(n.near("while"), "%s suppresses alarms %s already, in line %d", clip(string(s.While)), s.Side, first.line)
			} else if s.While != "" && s.Side != "" {
				seen[what] = n.near("while").pos
			}
		}
	}
}

func (k checker) suppression(s *Suppress, n *node, points []declared, complete bool) {
	if n.kind != mapNode {
		return
	}
	at := slices.IndexFunc(points, func(p declared) bool { return p.id == s.While })
	switch {
	case at >= 0 && points[at].quantity.Kind() != agent.State:
		k.at(n.near("while"), "%s is a %s: only a state can suppress, such as a door or a contact", s.While, points[at].quantity)
	case at < 0 && complete && s.While != "":
		k.at(n.near("while"), "no sensor declares the point %s%s", clip(string(s.While)), suggest(string(s.While), pointIDs(points)))
	}
	if s.Is != 0 && s.Is != agent.Unit {
		k.at(n.near("is"), "%s is no state: want 0 or 1", s.Is)
	}
	if n.child("longest") != nil && (s.Longest < time.Minute || s.Longest > 4*time.Hour) {
		k.at(n.near("longest"), "%s is not from 1m to 4h", formatDuration(s.Longest))
	}
	if s.After < 0 || s.After > s.Longest && n.child("longest") != nil {
		k.at(n.near("after"), "%s is not from 0s to longest", formatDuration(s.After))
	}
}

func pointIDs(points []declared) []string {
	return ids(points, func(p declared) string { return string(p.id) })
}

// named checks the points that an alarm's settings name beside those that it selects.
func (k checker) named(a *Alarm, n *node, points []declared, complete bool) {
	s, ok := a.Settings.(interface{ Names() []agent.PointID })
	if !ok || !complete {
		return
	}
	for _, id := range s.Names() {
		if id == "" || slices.ContainsFunc(points, func(p declared) bool { return p.id == id }) {
			continue
		}
		at := n
		for _, e := range n.entries {
			if e.value.text == string(id) && e.key != "point" {
				at = e.value
			}
		}
		k.at(at, "no sensor declares the point %s%s", clip(string(id)), suggest(string(id), pointIDs(points)))
	}
}
