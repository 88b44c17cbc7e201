package trip

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// Quality is how far a position can be believed.
type Quality uint8

// The qualities.
const (
	QualityNone     Quality = iota // the source says that it has no fix
	QualityDoubtful                // a fix that may be far off: it is not used
	QualityGood
)

// Position is where the vehicle is.
type Position struct {
	Lat, Lon agent.Value // °
	Quality  Quality
	Age      time.Duration // how old the fix was when it came in
	Every    time.Duration // how often the source speaks; a fix holds for three times that, DefaultHold if 0
}

func (p *Position) until(now timeline.Moment) timeline.Moment {
	hold := holdIntervals * p.Every
	if hold <= 0 {
		hold = DefaultHold
	}
	return now + timeline.Span(max(hold, leastHold)) - timeline.Span(max(0, p.Age))
}

// position is the newest good fix.
type position struct {
	Spot
	Until timeline.Moment // 0: there was none
}

// half is a latitude or longitude whose other half has not come yet.
type half struct {
	Point agent.PointID   `json:"point,omitempty"`
	Value agent.Value     `json:"v,omitempty"`
	At    timeline.Moment `json:"at,omitempty"`
	Bad   bool            `json:"bad,omitempty"`
}

// pair makes a fix of a latitude and a longitude that one sensor read at one moment.
func (e *Engine) pair(r *agent.Reading, d *agent.Definition, at, until, now timeline.Moment) {
	const doubts = agent.MarkImplausible | agent.MarkTooFast | agent.MarkDisagree
	if !r.OK() {
		e.half = half{}
		e.fix(Position{}, at, now)
		return
	}
	this := half{d.Point, r.Value, at, r.Marks&doubts != 0}
	other := e.half
	if other.At != at || other.Point == this.Point || other.Point.Sensor() != this.Point.Sensor() {
		e.half = this
		return
	}
	e.half = half{}
	p := Position{Lat: this.Value, Lon: other.Value, Quality: QualityGood}
	if d.Quantity == agent.Longitude {
		p.Lat, p.Lon = other.Value, this.Value
	}
	if this.Bad || other.Bad {
		p.Quality = QualityDoubtful
	}
	e.fix(p, until, now)
}

// fix takes in a position that holds until a moment.
func (e *Engine) fix(p Position, until, now timeline.Moment) {
	spot := Spot{p.Lat, p.Lon}
	switch {
	case p.Quality == QualityNone:
		e.pos.Until = min(e.pos.Until, now)
		if e.open != nil {
			e.open.Off.cut(now)
			e.open.NearHeld.cut(now)
		}
		return
	case p.Quality != QualityGood || !spot.valid() || until <= now:
		return
	}
	e.pos = position{spot, until}
	e.fences(spot, now)
	if e.open == nil {
		return
	}
	e.reachStops(spot, until, now)
	e.offCorridor(spot, until, now)
}

// where is the present position; ok is false where it is not known.
func (e *Engine) where(now timeline.Moment) (Spot, bool) {
	return e.pos.Spot, e.pos.Until > now
}
