package climate_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/climate"
)

func TestDewPoint(t *testing.T) {
	for _, c := range []struct {
		temperature, humidity string
		want, tolerance       float64
	}{
		// Sensirion, "Introduction to Humidity".
		{"25", "10", -8.77, 0.005},
		{"50", "90", 47.90, 0.005},
		// Recomputed from the formula.
		{"25", "50", 13.8516, 5e-5},
		{"5", "60", -2.1303, 5e-5},
		{"20", "70", 14.3592, 5e-5},
		{"20", "100", 20, 1e-9},
		{"-45", "100", -45, 1e-9},
		{"60", "100", 60, 1e-9},
		// Another author's constants (Tetens) for (22 °C, 78 %) give 17.98.
		{"22", "78", 17.98, 0.03},
	} {
		m, err := climate.Moist(degrees(t, c.temperature), degrees(t, c.humidity))
		if err != nil || math.Abs(m.DewPoint-c.want) > c.tolerance {
			t.Errorf("(%s °C, %s %%) is %.5f, %v; want %v", c.temperature, c.humidity, m.DewPoint, err, c.want)
		}
	}
}

func TestAbsoluteHumidity(t *testing.T) {
	m, err := climate.Moist(22*agent.Unit, 78*agent.Unit)
	if err != nil || math.Abs(m.Absolute-15.14) > 0.05 { // published for Tetens' constants
		t.Errorf("%v g/m³, %v; want about 15.14", m.Absolute, err)
	}
}

func TestFrostPoint(t *testing.T) {
	m, err := climate.Moist(5*agent.Unit, 60*agent.Unit)
	if err != nil || !m.HasFrostPoint {
		t.Fatalf("%+v, %v", m, err)
	}
	if m.FrostPoint <= m.DewPoint || m.FrostPoint >= 0 {
		t.Errorf("frost point %v, dew point %v: ice is formed before dew", m.FrostPoint, m.DewPoint)
	}
	if m, err = climate.Moist(25*agent.Unit, 50*agent.Unit); err != nil || m.HasFrostPoint {
		t.Errorf("%+v, %v: there is no frost at 13.9 °C", m, err)
	}
}

func TestMoistEdges(t *testing.T) {
	for _, c := range []struct {
		temperature, humidity string
		want                  error
	}{
		{"20", "0", climate.ErrDry},
		{"20", "-3", climate.ErrDry},
		{"20", "125.1", climate.ErrRH},
		{"-45.1", "50", climate.ErrRange},
		{"60.1", "50", climate.ErrRange},
	} {
		if _, err := climate.Moist(degrees(t, c.temperature), degrees(t, c.humidity)); !errors.Is(err, c.want) {
			t.Errorf("(%s °C, %s %%): %v, want %v", c.temperature, c.humidity, err, c.want)
		}
	}
	over, err := climate.Moist(20*agent.Unit, 104*agent.Unit)
	if err != nil || !over.Saturated || math.Abs(over.DewPoint-20) > 1e-9 {
		t.Errorf("104 %%: %+v, %v; want 20 °C and that it was taken as 100 %%", over, err)
	}
	if at, err := climate.Moist(20*agent.Unit, 100*agent.Unit); err != nil || at.Saturated {
		t.Errorf("100 %%: %+v, %v", at, err)
	}
	if dry, err := climate.Moist(0, degrees(t, "0.5")); err != nil || !dry.Extrapolated {
		t.Errorf("0.5 %%: %+v, %v; want a dew point that says it is a guess", dry, err)
	}
}

// TestDewPointProperties: never above the air's temperature, and rising with the humidity.
func TestDewPointProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		temperature := agent.Value(rapid.Int64Range(-45_000_000, 60_000_000).Draw(t, "temperature"))
		humidity := agent.Value(rapid.Int64Range(1_000, 99_000_000).Draw(t, "humidity"))
		m, err := climate.Moist(temperature, humidity)
		if err != nil {
			t.Fatal(err)
		}
		wetter, err := climate.Moist(temperature, humidity+agent.Unit)
		if err != nil {
			t.Fatal(err)
		}
		if m.DewPoint > temperature.Float64() || wetter.DewPoint <= m.DewPoint || wetter.Absolute <= m.Absolute {
			t.Fatalf("%+v, and with 1 %% more %+v", m, wetter)
		}
	})
}
