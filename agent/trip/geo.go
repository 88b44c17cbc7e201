package trip

import (
	"math"

	"github.com/frostline/frostline/agent"
)

// earth is the mean radius of the earth in metres (IUGG).
const earth = 6_371_008.8

// Spot is a place on the map, in degrees north and east.
type Spot struct{ Lat, Lon agent.Value }

// valid reports whether there is such a place.
func (s Spot) valid() bool { return agent.Latitude.Contains(s.Lat) && agent.Longitude.Contains(s.Lon) }

// vector is a point of the unit sphere.
type vector [3]float64

func (s Spot) vector() vector {
	lat, lon := s.Lat.Float64()*math.Pi/180, s.Lon.Float64()*math.Pi/180
	return vector{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func (a vector) dot(b vector) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func (a vector) cross(b vector) vector {
	return vector{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func (a vector) norm() float64 { return math.Sqrt(a.dot(a)) }

// angle is the angle between two vectors, exact for small ones too.
func (a vector) angle(b vector) float64 { return math.Atan2(a.cross(b).norm(), a.dot(b)) }

// metres between two places, on the sphere.
func metres(a, b Spot) float64 { return earth * a.vector().angle(b.vector()) }

// fromLine is how many metres a place is from a line of great-circle pieces; the line has at
// least one point.
func fromLine(p Spot, line []Spot) float64 {
	at := p.vector()
	from := line[0].vector()
	nearest := at.angle(from)
	for _, next := range line[1:] {
		to := next.vector()
		nearest = min(nearest, at.angle(to), fromPiece(at, from, to))
		from = to
	}
	return earth * nearest
}

// fromPiece is the angle between a point and the great circle through from and to, if the
// nearest point of it is between them; else half a turn.
func fromPiece(at, from, to vector) float64 {
	normal := from.cross(to)
	length := normal.norm()
	if length < 1e-12 { // both ends are one place, or opposite ones
		return math.Pi
	}
	if normal.cross(from).dot(at) < 0 || to.cross(normal).dot(at) < 0 {
		return math.Pi
	}
	return math.Abs(math.Asin(max(-1, min(1, normal.dot(at)/length))))
}
