package config

import (
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
)

// Recording is the driver of the sensors that stand for the points of a recording.
const Recording = "recording"

// recorded adds, for each point of Known.Recorded that no sensor declares, a sensor that does.
// Zone and role are those that an alarm which names the point says; without one, the zone of
// the name that the point's begins with. The quantity is the one that the point's name tells,
// or else that of an alarm which names it; a point of which neither tells is left out. The
// caller sets how often they were read.
func (k checker) recorded(zones register) {
	points, _ := k.declaredPoints()
	for _, id := range k.known.Recorded {
		if slices.ContainsFunc(points, func(p declared) bool { return p.id == id }) {
			continue
		}
		_, name, _ := strings.Cut(string(id), "/")
		s := Sensor{ID: id.Sensor(), Driver: Recording, Settings: &struct{}{}}
		s.setDefaults()
		quantity := QuantityIn(name)
		for i := range k.c.Alarms {
			a := &k.c.Alarms[i]
			if a.Point != id {
				continue
			}
			s.Zone, s.Role = first(s.Zone, a.Zone), first(s.Role, a.Role)
			quantity = first(quantity, a.Quantity)
		}
		if _, is := zones[string(s.ID)]; is && s.Zone == "" {
			s.Zone = agent.ZoneID(s.ID)
		}
		if quantity != "" {
			s.Points = []Point{{Name: name, Quantity: quantity}}
			k.c.Sensors = append(k.c.Sensors, s)
		}
	}
}

// QuantityIn is the quantity that a point's name tells: temperature, air-temperature and
// temperature-2 are temperatures. It is empty where the name tells none.
func QuantityIn(name string) agent.Quantity {
	var found agent.Quantity
	for _, q := range agent.Quantities() {
		word := string(q)
		if name == word {
			return q
		}
		for _, join := range []string{"-", "_"} {
			if (strings.HasSuffix(name, join+word) || strings.HasPrefix(name, word+join)) && len(q) > len(found) {
				found = q
			}
		}
	}
	return found
}

func first[T ~string](a, b T) T {
	if a != "" {
		return a
	}
	return b
}
