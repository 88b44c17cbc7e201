package sht4x

import (
	"errors"
	"math"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/sensortest"
)

// The words are computed from the datasheet's formulas with 20 digits; 0xBEEF → 0x92 is
// its example of a checksum (section 4.4).
func TestDecode(t *testing.T) {
	if crc := crc8([]byte{0xBE, 0xEF}); crc != 0x92 {
		t.Errorf("checksum of beef is %#02x, want 0x92", crc)
	}
	for s, want := range map[uint16][2]string{
		0x0000: {"-45", "-6"},
		0x0001: {"-44.99733", "-5.998093"},
		0x6666: {"25", "44"},
		0x8000: {"42.501335", "56.500954"},
		0xFFFF: {"130", "119"},
	} {
		if got := celsius(s).String(); got != want[0] {
			t.Errorf("%#04x is %s °C, want %s", s, got, want[0])
		}
		if got := percent(s).String(); got != want[1] {
			t.Errorf("%#04x is %s %%RH, want %s", s, got, want[1])
		}
	}
}

func TestVectors(t *testing.T) {
	var v struct {
		CRC []struct {
			Bytes, CRC sensortest.Hex
		} `json:"crc8_0x31_init_ff"`
		SHT4x struct {
			Published []struct {
				Raw sensortest.Hex
				T   *float64 `json:"T_C"`
				RH  *float64
			}
			Computed []struct {
				Frame sensortest.Hex
				T     float64 `json:"T_C"`
				RH    float64
			}
		}
	}
	sensortest.Vectors(t, "sensors/sensors.json", &v)
	if len(v.CRC) == 0 || len(v.SHT4x.Published) == 0 || len(v.SHT4x.Computed) == 0 {
		t.Fatal("the test data holds nothing for this sensor")
	}
	for _, c := range v.CRC {
		if got := crc8(c.Bytes); got != c.CRC[0] {
			t.Errorf("checksum of %x is %#02x, want %#02x", c.Bytes, got, c.CRC[0])
		}
	}
	near := func(got agent.Value, want, tolerance float64) {
		t.Helper()
		if math.Abs(got.Float64()-want) > tolerance {
			t.Errorf("got %s, want %v", got, want)
		}
	}
	for _, p := range v.SHT4x.Published {
		s := uint16(p.Raw[0])<<8 | uint16(p.Raw[1])
		if p.T != nil {
			near(celsius(s), *p.T, 0.002)
		}
		if p.RH != nil {
			near(percent(s), *p.RH, 0.002)
		}
	}
	for _, c := range v.SHT4x.Computed {
		a, b, err := decode([6]byte(c.Frame))
		if err != nil {
			t.Fatal(err)
		}
		near(celsius(a), c.T, 0.00001)
		near(percent(b), c.RH, 0.00001)
	}
}

// FuzzDecode: a frame either proves itself with both checksums or is a fault.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x66, 0xF4, 0xC8, 0x4C, 0x9B, 0x6F})
	f.Add([]byte{0, 0, 0x81, 0, 0, 0x81})
	f.Add([]byte{0xFF, 0xFF, 0xAC, 0xFF, 0xFF, 0xAC})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 6 {
			return
		}
		a, h, err := decode([6]byte(b))
		proved := crc8(b[:2]) == b[2] && crc8(b[3:5]) == b[5]
		if proved != (err == nil) || err != nil && !errors.Is(err, agent.FaultCRC) {
			t.Fatalf("%x: %v", b, err)
		}
		if err == nil && (!agent.Temperature.Contains(celsius(a)) || !agent.Humidity.Contains(percent(h))) {
			t.Errorf("%x: %s °C, %s %%RH", b, celsius(a), percent(h))
		}
	})
}
