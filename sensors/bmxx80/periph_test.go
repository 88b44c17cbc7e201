package bmxx80_test

import (
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	periph "periph.io/x/devices/v3/bmxx80"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/bmxx80"
	"github.com/frostline/frostline/sensors/emulated/chip"
	"github.com/frostline/frostline/sensors/sensortest"
)

// oneChip is an I²C bus with nothing but this chip.
type oneChip struct{ *chip.BMx280 }

func (oneChip) String() string                   { return "one-chip" }
func (oneChip) SetSpeed(physic.Frequency) error  { return nil }
func (o oneChip) Tx(_ uint16, w, r []byte) error { return o.BMx280.Tx(w, r) }

var _ i2c.Bus = oneChip{}

// TestPeriphBelieves shows why this package does not use periph's driver, on one chip with
// one bit flipped in one answer: periph's driver gives −36.67 °C for a room of +4.25 °C and
// no error. It is also a test of the model: unspoiled, periph's driver reads the truth.
func TestPeriphBelieves(t *testing.T) {
	b := sensortest.NewBench()
	b.Set(agent.Temperature, 4.25)
	b.Set(agent.Humidity, 61)
	b.Set(agent.Pressure, 1013.25)
	// The chip's time runs ahead, because periph's driver does not wait for the start-up.
	tick := time.Duration(0)
	c := chip.NewBME280(b.Probe, func() time.Duration { tick += 5 * time.Millisecond; return tick })
	dev, err := periph.NewI2C(oneChip{c}, 0x76, &periph.DefaultOpts)
	if err != nil {
		t.Fatal(err)
	}
	var env physic.Env
	if err := dev.Sense(&env); err != nil {
		t.Fatal(err)
	}
	if x := env.Temperature.Celsius(); x < 4.23 || x > 4.27 {
		t.Errorf("periph's driver reads %v °C from a healthy chip, the truth is 4.25", x)
	}
	if x := float64(env.Humidity) / float64(physic.PercentRH); x < 60.8 || x > 61.2 {
		t.Errorf("periph's driver reads %v %%RH from a healthy chip, the truth is 61", x)
	}
	if x := float64(env.Pressure) / float64(100*physic.Pascal); x < 1013 || x > 1013.5 {
		t.Errorf("periph's driver reads %v hPa from a healthy chip, the truth is 1013.25", x)
	}
	const bitOfTemperature = 3*8 + 5 // bit 5 of the highest of its three bytes
	c.Corrupt(func(_ int, frame []byte) {
		if len(frame) == 8 {
			chip.FlipBit(0, bitOfTemperature)(0, frame)
		}
	})
	if err := dev.Sense(&env); err != nil {
		t.Fatalf("periph's driver notices a flipped bit now (%v) and may be used again", err)
	}
	if x := env.Temperature.Celsius(); x > 4 && x < 4.5 {
		t.Errorf("the flipped bit had no effect: %v °C", x)
	}
}

func TestValidate(t *testing.T) {
	for name, spoil := range map[string]func(*bmxx80.Config){
		"bus":     func(c *bmxx80.Config) { c.Bus = "" },
		"address": func(c *bmxx80.Config) { c.Address = 0x44 },
		"chip":    func(c *bmxx80.Config) { c.Chip = "bmp180" },
	} {
		c := bmxx80.Driver.Config().(*bmxx80.Config)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		if c.Validate() == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
	if n := len(bmxx80.Driver.Points(&bmxx80.Config{Chip: bmxx80.BMP280})); n != 2 {
		t.Errorf("a BMP280 has %d points, want 2", n)
	}
}

// TestOtherChip opens a BMP280 that is configured as a BME280, and one that was exchanged
// between two reads.
func TestOtherChip(t *testing.T) {
	b := sensortest.NewBench()
	b.Set(agent.Temperature, 5)
	b.Set(agent.Pressure, 1000)
	bmp := chip.NewBMP280(b.Probe, b.Now)
	bme := chip.NewBME280(b.Probe, b.Now)
	b.I2C("i2c-1", map[uint16]sensortest.Chip{0x76: bmp, 0x77: bme})
	defer b.Close()
	config := bmxx80.Driver.Config().(*bmxx80.Config)
	if _, err := bmxx80.Driver.Open(t.Context(), b.Host(), config); err == nil {
		t.Error("a BMP280 opens as a BME280")
	}
	config.Address = 0x77
	s, err := bmxx80.Driver.Open(t.Context(), b.Host(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	bme.Retrim(28000)
	if got, err := s.Read(t.Context(), nil); err == nil {
		t.Errorf("an exchanged chip reads %v with the trimming values of the other", got)
	}
	got, err := s.Read(t.Context(), nil)
	if err != nil || got[0].Value < 4_999_000 || got[0].Value > 5_001_000 {
		t.Errorf("the exchanged chip reads %v, %v; want 5 °C", got, err)
	}
}
