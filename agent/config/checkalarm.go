package config

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// declared is a point that some sensor or scanner of this config has.
type declared struct {
	id       agent.PointID
	zone     agent.ZoneID
	role     agent.Role
	quantity agent.Quantity
}

// declaredPoints lists the points in the order of the config. complete is false if a
// device had errors, so that what it declares is not known.
func (k checker) declaredPoints() (points []declared, complete bool) {
	complete = true
	for i := range k.c.Sensors {
		s := &k.c.Sensors[i]
		complete = complete && s.Settings != nil
		for _, p := range s.Points {
			points = append(points, declared{s.ID.Point(p.Name), s.Zone, s.Role, p.Quantity})
		}
	}
	for i := range k.c.Scanners {
		s := &k.c.Scanners[i]
		complete = complete && s.Settings != nil
		for _, p := range s.Points {
			points = append(points, declared{agent.SensorID(s.ID).Point(p.Name), s.Zone, "", p.Quantity})
		}
	}
	return points, complete
}

func (k checker) alarms(zones register) {
	points, complete := k.declaredPoints()
	ids := register{}
	list := k.root.child("alarms")
	for i := range k.c.Alarms {
		a, n := &k.c.Alarms[i], list.item(i)
		if n.kind != mapNode {
			continue
		}
		k.add(ids, n, string(a.ID))
		if at := n.child("kind"); at != nil && at.text != a.Kind {
			continue // misshapen, and reported
		}
		kind, ok := k.known.Alarms[a.Kind]
		if !ok || !k.selectors(a, n, kind, zones) {
			continue
		}
		k.delays(a, n)
		k.named(a, n, points, complete)
		if kind.Of != Points {
			continue
		}
		chosen, inTarget := a.choose(filter(points, func(p declared) bool { return kind.Takes == nil || kind.Takes(p.quantity) }))
		switch {
		case len(chosen) > 0:
			k.limits(a, n, kind, chosen)
		case complete:
			k.nothingToWatch(a, n, points, inTarget)
		default:
			k.nobodysPoint(a, n)
		}
	}
}

// selectors checks the words by which an alarm selects; ok is false if there is an error.
func (k checker) selectors(a *Alarm, n *node, kind AlarmKind, zones register) (ok bool) {
	before := k.count()
	allowed := map[Watched][]string{Points: {"zone", "point", "quantity", "role"}, Items: {"item"}, Readers: {"reader"}}
	for of, keys := range allowed {
		for _, key := range keys {
			if at := n.child(key); at != nil && of != kind.Of {
				if kind.Of == Gateway {
					k.at(at, "an alarm of kind %s has no %s: it watches the gateway itself", a.Kind, key)
					continue
				}
				k.at(at, "an alarm of kind %s has no %s, it selects by %s", a.Kind, key, oneOf(allowed[kind.Of]))
			}
		}
	}
	k.zone(n, zones, a.Zone)
	if at := n.child("quantity"); at != nil && a.Quantity == "" || n.child("role") != nil && a.Role == "" {
		return false // not a word, and reported
	}
	if at := n.child("quantity"); at != nil && kind.Takes != nil && !kind.Takes(a.Quantity) {
		k.at(at, "an alarm of kind %s cannot watch %s", a.Kind, a.Quantity)
	}
	if (kind.Limit && kind.Takes == nil || kind.Needs) && n.child("quantity") == nil && n.child("point") == nil {
		k.at(n, "the key quantity is missing, or a point: one limit fits only values of one quantity")
	}
	if kind.Of == Items && a.Item != "" && !k.unreadItems() {
		k.reference(n.near("item"), "item", string(a.Item), ids(k.c.Stock.Items, func(i Item) string { return string(i.ID) }))
	}
	if kind.Of == Readers && a.Reader != "" {
		k.reference(n.near("reader"), "scanner", string(a.Reader), ids(k.c.Scanners, func(s Scanner) string { return string(s.ID) }))
	}
	return k.count() == before
}

// delays checks what an alarm waits for beside its rule.
func (k checker) delays(a *Alarm, n *node) {
	if a.OffDelay < 0 {
		k.at(n.near("off_delay"), "%s is negative", formatDuration(a.OffDelay))
	}
	if a.ReAlarm < 0 || a.ReAlarm > 0 && a.ReAlarm < time.Minute {
		k.at(n.near("re_alarm"), "%s is less than 1m", formatDuration(a.ReAlarm))
	}
}

// unreadItems reports whether there may be items that are not known here.
func (k checker) unreadItems() bool { return k.c.Stock.ItemsFile != "" && k.read == nil }

func (k checker) reference(n *node, what, id string, valid []string) {
	if !slices.Contains(valid, id) {
		k.at(n, "there is no %s %s%s", what, clip(id), suggest(id, valid))
	}
}

func ids[T any](list []T, of func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = of(v)
	}
	return out
}

// choose finds the points that an alarm watches, and those that zone and point alone select.
func (a *Alarm) choose(points []declared) (chosen, inTarget []declared) {
	inTarget = filter(points, func(p declared) bool {
		return (a.Zone == "" || p.zone == a.Zone) && (a.Point == "" || p.id == a.Point)
	})
	chosen = filter(inTarget, func(p declared) bool {
		return (a.Quantity == "" || p.quantity == a.Quantity) && (a.Role == "" || p.role == a.Role)
	})
	for _, p := range chosen {
		a.Points = append(a.Points, p.id)
	}
	return chosen, inTarget
}

func filter(points []declared, keep func(declared) bool) []declared {
	var out []declared
	for _, p := range points {
		if keep(p) {
			out = append(out, p)
		}
	}
	return out
}

// limits checks that the limits are values that the watched quantity can have: a rule on
// −300 °C, or on 0.08 where 8 was meant in another unit, never sounds.
func (k checker) limits(a *Alarm, n *node, kind AlarmKind, chosen []declared) {
	if !kind.Limit || a.Settings == nil {
		return
	}
	quantity := chosen[0].quantity
	lowest, highest := quantity.Range()
	v := reflect.ValueOf(a.Settings).Elem()
	for _, f := range fieldsOf(v.Type()) {
		limit, ok := v.FieldByIndex(f.index).Interface().(*agent.Value)
		if ok && limit != nil && !quantity.Contains(*limit) {
			k.at(n.near(f.key), "%s is no %s: want %s to %s %s", *limit, quantity, lowest, highest, quantity.Unit())
		}
	}
}

// nothingToWatch says which part of the target matches nothing, and what would.
func (k checker) nothingToWatch(a *Alarm, n *node, points, inTarget []declared) {
	distinct := func(list []declared, of func(declared) string) []string {
		var out []string
		for _, p := range list {
			out = append(out, of(p))
		}
		slices.Sort(out)
		return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" })
	}
	pointID := func(p declared) string { return string(p.id) }
	switch {
	case slices.Contains(k.known.Recorded, a.Point) && !slices.ContainsFunc(points, func(p declared) bool { return p.id == a.Point }):
		k.at(n.near("point"), "the name of the recorded point %s does not tell what it measures: write quantity: beside it", a.Point)
	case len(points) == 0:
		k.at(n, "there is no sensor to watch")
	case a.Point != "" && !slices.ContainsFunc(points, func(p declared) bool { return p.id == a.Point }):
		k.at(n.near("point"), "no sensor declares the point %s%s", clip(string(a.Point)), suggest(string(a.Point), distinct(points, pointID)))
	case a.Point != "" && len(inTarget) == 0:
		k.at(n.near("zone"), "the point %s is not in the zone %s", a.Point, a.Zone)
	case a.Zone != "" && len(inTarget) == 0:
		k.at(n.near("zone"), "no sensor is in the zone %s", a.Zone)
	case a.Quantity != "" && len(filter(inTarget, func(p declared) bool { return p.quantity == a.Quantity })) == 0:
		k.at(n.near("quantity"), "no sensor %s declares %s%s", where(a), a.Quantity,
			suggest(string(a.Quantity), distinct(inTarget, func(p declared) string { return string(p.quantity) })))
	default:
		k.at(n.near("role"), "no such point %s has the role %s%s", where(a), a.Role,
			suggest(string(a.Role), distinct(inTarget, func(p declared) string { return string(p.role) })))
	}
}

// nobodysPoint reports a point of a device that is not there at all: that is known even
// while some device has errors and its points are not.
func (k checker) nobodysPoint(a *Alarm, n *node) {
	device, _, ok := strings.Cut(string(a.Point), "/")
	devices := append(ids(k.c.Sensors, func(s Sensor) string { return string(s.ID) }),
		ids(k.c.Scanners, func(s Scanner) string { return string(s.ID) })...)
	if !ok || slices.Contains(devices, "") || slices.Contains(devices, device) || slices.Contains(k.known.Recorded, a.Point) {
		return
	}
	k.at(n.near("point"), "no sensor declares the point %s: there is no sensor %s%s", clip(string(a.Point)), clip(device), suggest(device, devices))
}

func where(a *Alarm) string {
	switch {
	case a.Point != "":
		return "at " + string(a.Point)
	case a.Zone != "":
		return "in zone " + string(a.Zone)
	}
	return "here"
}
