package emulated

import (
	"math"
	"time"
)

// Fix is where a truck is.
type Fix struct {
	Place   string  // the waypoint that it has reached last
	Lat     float64 // °
	Lon     float64 // °
	Speed   float64 // km/h
	Outside float64 // °C
}

// Position is where the truck is now; ok is false if the scenario has no route.
func (w *World) Position() (at Fix, ok bool) {
	if len(w.scenario.Route) == 0 {
		return Fix{}, false
	}
	return w.fix(w.Elapsed()), true
}

// fix is the position at t: on a straight line between two waypoints, at even speed.
func (w *World) fix(t time.Duration) Fix {
	if w.scenario.Repeat > 0 {
		t %= w.scenario.Repeat
	}
	route := w.scenario.Route
	i := 0
	for i+1 < len(route) && route[i+1].At <= t {
		i++
	}
	a := route[i]
	at := Fix{Place: a.Place, Lat: a.Lat, Lon: a.Lon, Outside: a.Outside}
	if i+1 == len(route) || t < a.At {
		return at
	}
	b := route[i+1]
	part := float64(t-a.At) / float64(b.At-a.At)
	at.Lat += part * (b.Lat - a.Lat)
	at.Lon += part * (b.Lon - a.Lon)
	at.Outside += part * (b.Outside - a.Outside)
	at.Speed = distance(a, b) / (b.At - a.At).Hours()
	return at
}

// distance is the great circle between two waypoints in km (haversine, mean radius 6371 km).
func distance(a, b Waypoint) float64 {
	const rad = math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * 6371 * math.Asin(math.Sqrt(h))
}
