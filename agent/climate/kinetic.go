package climate

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/frostline/frostline/agent"
)

// Energy is an activation energy ΔH in kJ/mol: how much faster goods age when they are warmer.
type Energy float64

// USP is the activation energy for which pharmacopoeias define the mean kinetic temperature
// (USP <1160>, <1079.2>): with gasConstant, ΔH/R is 10 000 K exactly.
const USP Energy = 83.144

const (
	gasConstant = 8.3144e-3    // R in kJ/(K·mol), as USP <1160> writes it
	zeroCelsius = 273.15       // K
	maxEnergy   = Energy(1000) // stronger than any chemical bond
)

// Errors of Energy.Check and Mean.Add.
var (
	ErrEnergy      = errors.New("not an activation energy: want kJ/mol, more than 0 and at most 1000 (the usual one is 83.144)")
	ErrTemperature = errors.New("not a temperature in °C: want more than −273.15, at most 2000")
)

// Check reports whether the energy can be reckoned with.
func (e Energy) Check() error {
	if math.IsNaN(float64(e)) || e <= 0 || e > maxEnergy {
		return fmt.Errorf("%v: %w", float64(e), ErrEnergy)
	}
	return nil
}

// ratio is ΔH/R in K.
func (e Energy) ratio() float64 { return float64(e) / gasConstant }

// exponent is −ΔH/(R·T): the logarithm of the speed of aging at a temperature in °C.
func (e Energy) exponent(v agent.Value) float64 { return -e.ratio() / (v.Float64() + zeroCelsius) }

// celsius is the temperature at which aging has a given speed: the inverse of exponent.
func (e Energy) celsius(exponent float64) float64 { return e.ratio()/-exponent - zeroCelsius }

// checkTemperature refuses absolute zero, at which nothing ages and the formula ends, and
// what no point of agent.Temperature can have.
func checkTemperature(v agent.Value) error {
	if lowest, _ := agent.Temperature.Range(); v == lowest || !agent.Temperature.Contains(v) {
		return fmt.Errorf("%s: %w", v, ErrTemperature)
	}
	return nil
}

// Mean adds up temperatures, each with the time for which it held, into their arithmetic
// and their kinetic mean. It has a constant size, and Means of parts merge into that of
// the whole. The zero Mean is empty and has the energy USP. Its JSON is a rule's state.
//
// The mean kinetic temperature is, after USP <1160> and <1079.2> with T in kelvin,
//
//	Tk = (ΔH/R) / −ln( Σ dt·e^(−ΔH/(R·T)) / Σ dt )
//
// Its terms are e^−30 to e^−40, so they are added relative to the largest (log-sum-exp).
type Mean struct {
	Energy Energy        `json:"h,omitempty"` // ΔH; 0 is USP
	Time   time.Duration `json:"w,omitempty"` // Σ dt
	Top    float64       `json:"e,omitempty"` // the largest exponent so far
	Sum    float64       `json:"s,omitempty"` // Σ dt·e^(exponent − Top), dt in seconds
	Heat   float64       `json:"t,omitempty"` // Σ dt·T, dt in seconds and T in °C
}

func (m *Mean) energy() Energy {
	if m.Energy == 0 {
		return USP
	}
	return m.Energy
}

// Add adds a temperature in °C that held for d. A d of 0 or less adds nothing. A value that
// is no temperature is ErrTemperature and adds nothing.
func (m *Mean) Add(v agent.Value, d time.Duration) error {
	if err := checkTemperature(v); err != nil {
		return err
	}
	if d <= 0 {
		return nil
	}
	m.join(Mean{
		Time: d, Top: m.energy().exponent(v), Sum: d.Seconds(), Heat: d.Seconds() * v.Float64(),
	})
	return nil
}

// Merge adds what another Mean has added up. Both must have the same energy: means over
// different energies do not combine, which is ErrEnergy.
func (m *Mean) Merge(o Mean) error {
	if m.energy() != o.energy() {
		return fmt.Errorf("merge means for %v and %v kJ/mol: %w", float64(m.energy()), float64(o.energy()), ErrEnergy)
	}
	m.join(o)
	return nil
}

func (m *Mean) join(o Mean) {
	if o.Time <= 0 {
		return
	}
	if m.Time == 0 {
		m.Time, m.Top, m.Sum, m.Heat = o.Time, o.Top, o.Sum, o.Heat
		return
	}
	m.Time += o.Time
	m.Heat += o.Heat
	if o.Top > m.Top {
		m.Sum, m.Top = m.Sum*math.Exp(m.Top-o.Top)+o.Sum, o.Top
		return
	}
	m.Sum += o.Sum * math.Exp(o.Top-m.Top)
}

// Kinetic is the mean kinetic temperature in °C; ok is false where nothing was added. For
// the temperatures at which goods are kept it is never below the arithmetic mean, and equal
// to it only if the temperature never changed.
func (m *Mean) Kinetic() (celsius float64, ok bool) {
	if m.Time <= 0 || m.Sum <= 0 {
		return 0, false
	}
	return m.energy().celsius(m.Top + math.Log(m.Sum/m.Time.Seconds())), true
}

// Arithmetic is the mean weighted by time, in °C; ok is false where nothing was added.
func (m *Mean) Arithmetic() (celsius float64, ok bool) {
	if m.Time <= 0 {
		return 0, false
	}
	return m.Heat / m.Time.Seconds(), true
}
