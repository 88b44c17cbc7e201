package sht4x_test

import (
	"errors"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/sht4x"
)

// TestTape plays what crossed a bus. Where drivers like to help, this one does not: a
// spoiled word is no −40 °C (which a freezer may have), the end of the scale is no 125 °C,
// and a humidity beyond 0 … 100 % is left as the chip gave it.
func TestTape(t *testing.T) {
	for name, c := range map[string]struct {
		frame       []byte
		temperature string
		humidity    string
		fault       agent.Fault
	}{
		"healthy":              {[]byte{0x66, 0xF4, 0xC8, 0x4C, 0x9B, 0x6F}, "25.379187", "31.405585", agent.FaultNone},
		"spoiled temperature":  {[]byte{0x66, 0xF5, 0xC8, 0x4C, 0x9B, 0x6F}, "", "", agent.FaultCRC},
		"spoiled humidity":     {[]byte{0x66, 0xF4, 0xC8, 0x4C, 0x9A, 0x6F}, "", "", agent.FaultCRC},
		"full scale":           {[]byte{0xFF, 0xFF, 0xAC, 0x4C, 0x9B, 0x6F}, "", "", agent.FaultRange},
		"lowest code":          {[]byte{0x00, 0x00, 0x81, 0x4C, 0x9B, 0x6F}, "", "", agent.FaultRange},
		"line held low":        {[]byte{0, 0, 0, 0, 0, 0}, "", "", agent.FaultCRC},
		"line idle":            {[]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, "", "", agent.FaultCRC},
		"condensed, above 100": {[]byte{0x66, 0xF4, 0xC8, 0xFF, 0xFF, 0xAC}, "25.379187", "119", agent.FaultNone},
		"dried out, below 0":   {[]byte{0x66, 0xF4, 0xC8, 0x00, 0x00, 0x81}, "25.379187", "-6", agent.FaultNone},
	} {
		t.Run(name, func(t *testing.T) {
			samples, err := play(t, c.frame)
			if c.fault != agent.FaultNone {
				if !errors.Is(err, c.fault) || len(samples) > 0 {
					t.Errorf("got %v, %v; want %s", samples, err, c.fault)
				}
				return
			}
			if err != nil || len(samples) != 2 || samples[0].Value.String() != c.temperature || samples[1].Value.String() != c.humidity {
				t.Errorf("got %v, %v; want %s, %s", samples, err, c.temperature, c.humidity)
			}
		})
	}
}

func play(t *testing.T, frame []byte) ([]sensors.Sample, error) {
	t.Helper()
	host := bus.NewHost(bus.Options{Now: clock.Elapsed, Emulated: map[string]any{"i2c-1": &i2ctest.Playback{
		DontPanic: true,
		Ops: []i2ctest.IO{
			{Addr: 0x44, W: []byte{0x89}},
			{Addr: 0x44, R: []byte{0xBE, 0xEF, 0x92, 0xBE, 0xEF, 0x92}},
			{Addr: 0x44, W: []byte{0xFD}},
			{Addr: 0x44, R: frame},
		},
	}}})
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := sht4x.Driver.Open(t.Context(), host, sht4x.Driver.Config())
	if err != nil {
		t.Fatal(err)
	}
	if serial := s.(*sht4x.Sensor).Serial(); serial != "BEEFBEEF" {
		t.Errorf("serial number %s", serial)
	}
	if _, err := s.(sensors.Starter).Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.Read(t.Context(), nil)
}

func TestValidate(t *testing.T) {
	for name, spoil := range map[string]func(*sht4x.Config){
		"bus":     func(c *sht4x.Config) { c.Bus = "" },
		"address": func(c *sht4x.Config) { c.Address = 0x76 },
	} {
		c := sht4x.Driver.Config().(*sht4x.Config)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		if c.Validate() == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}
