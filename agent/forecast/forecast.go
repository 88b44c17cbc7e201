// Package forecast says when a zone's temperature will pass a limit, before it does.
//
// It is pure: no clock, no input or output, nothing started. A Model learns from the
// readings of one point how its zone warms while nothing cools it, how far it usually goes
// and what the door does to it; a Watch turns its forecasts into a pre-alarm that is raised
// and withdrawn. Both survive a restart as JSON. How it works, what it was measured on and
// what it cannot do: docs/forecast.md.
package forecast

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// State is what a contact says, or that nobody knows.
type State uint8

// The states.
const (
	Unknown State = iota
	No
	Yes
)

// Is makes a State of a contact that is known.
func Is(on bool) State {
	if on {
		return Yes
	}
	return No
}

// Input is what is known at one moment. A contact counts only in the steps that give it, so
// its last state belongs into each of them for as long as it holds.
type Input struct {
	OK    bool        // there is a value
	Value agent.Value // temperature of the point, °C

	Door       State        // the zone's door is open
	Compressor State        // the zone is being cooled
	Defrost    State        // the coil is being defrosted
	Power      State        // there is mains
	Outside    *agent.Value // temperature around the zone, °C; nil: unknown
}

// Side is the side of a limit on which values are outside.
type Side uint8

// The sides.
const (
	Above Side = iota
	Below
)

// sign is what turns a temperature so that greater is worse.
func (s Side) sign() float64 {
	if s == Below {
		return -1
	}
	return 1
}

// Settings are what a Model is told beside readings. The zero value is right for a probe in
// the air.
type Settings struct {
	// Slow is set for a probe that does not follow the air within a minute or two: in a
	// bottle, in a buffer, in the goods.
	Slow bool
	// Horizon is how far ahead a breach is announced, at most a day; 0 is DefaultHorizon. A
	// forecast looks three times as far.
	Horizon time.Duration
}

// DefaultHorizon is how far ahead a breach is announced unless told otherwise.
const DefaultHorizon = 90 * time.Minute

// Forecast is when the point will pass a limit if what goes on goes on.
type Forecast struct {
	// Probability that the limit is passed within the horizon, 0 to 1: what the courses of
	// the ensemble say, times how sure it is that the zone is not as usual.
	Probability float64
	// Breach is set if most courses pass the limit; then nine of ten breaches are between
	// Earliest and Latest from now.
	Breach                   bool
	Earliest, Median, Latest time.Duration
}
