package climate

import (
	"errors"
	"fmt"
	"math"

	"github.com/frostline/frostline/agent"
)

// magnus are the constants of Magnus' formula for the vapor pressure of saturated air,
// e = p·exp(b·T/(c+T)), T in °C.
type magnus struct{ b, c float64 }

// Sensirion, "Introduction to Humidity": over water for −45 … 60 °C, over ice for −80 … 0 °C.
var (
	overWater = magnus{b: 17.62, c: 243.12}
	overIce   = magnus{b: 22.46, c: 272.62}
)

const (
	pressureAtZero = 6.112 // hPa, of saturated air at 0 °C: p of the formula
	gramFactor     = 216.7 // g·K/(m³·hPa): 100 / the gas constant of water vapor, 0.4615 J/(g·K)

	lowestMagnus    = -45 * agent.Unit
	highestMagnus   = 60 * agent.Unit
	saturated       = 100 * agent.Unit
	lowestOverWater = -45.0
)

// Errors of Moist.
var (
	ErrDry   = errors.New("has no dew point: the relative humidity must be more than 0 %")
	ErrRH    = errors.New("not a relative humidity: want more than 0 to 125 %RH")
	ErrRange = errors.New("outside the formula's range: want −45 to 60 °C")
)

// Moisture is what a temperature and a relative humidity say about air.
type Moisture struct {
	DewPoint float64 // °C, over water, also below 0 °C: that is how hygrometers tell relative humidity (WMO)
	// FrostPoint is the temperature in °C at which frost forms; HasFrostPoint says that there
	// is one: that the dew point is below 0 °C.
	FrostPoint    float64
	HasFrostPoint bool
	Absolute      float64 // absolute humidity in g/m³
	Saturated     bool    // the relative humidity was over 100 % and taken as 100 %
	Extrapolated  bool    // the dew point is below −45 °C, where the formula is a guess
}

// Moist reckons with Magnus' formula and Sensirion's constants:
//
//	g = ln(RH/100) + b·T/(c+T), dew point = c·g/(b−g)
//
// The temperature is −45 … 60 °C, else ErrRange. A relative humidity of 0 or less has no dew
// point, which is ErrDry. One over 100 %, which capacitive sensors tell in wet air, is taken
// as 100 % and said so; over 125 % it is ErrRH.
func Moist(temperature, humidity agent.Value) (Moisture, error) {
	switch {
	case temperature < lowestMagnus || temperature > highestMagnus:
		return Moisture{}, fmt.Errorf("%s °C: %w", temperature, ErrRange)
	case humidity <= 0:
		return Moisture{}, fmt.Errorf("air of %s %%RH %w", humidity, ErrDry)
	case !agent.Humidity.Contains(humidity):
		return Moisture{}, fmt.Errorf("%s: %w", humidity, ErrRH)
	}
	m := Moisture{Saturated: humidity > saturated}
	t := temperature.Float64()
	g := math.Log(min(humidity, saturated).Float64()/100) + overWater.exponent(t)
	m.DewPoint = overWater.temperature(g)
	m.Extrapolated = m.DewPoint < lowestOverWater
	m.Absolute = gramFactor * pressureAtZero * math.Exp(g) / (t + zeroCelsius)
	if m.DewPoint < 0 {
		m.FrostPoint, m.HasFrostPoint = overIce.temperature(g), true
	}
	return m, nil
}

func (m magnus) exponent(t float64) float64    { return m.b * t / (m.c + t) }
func (m magnus) temperature(g float64) float64 { return m.c * g / (m.b - g) }
