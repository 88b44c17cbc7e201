package ds18b20

import (
	"errors"
	"fmt"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/sensortest"
)

// pad is a scratchpad of 12 bits with this temperature register and a right checksum.
func pad(lsb, msb byte) scratchpad {
	p := scratchpad{lsb, msb, 0x4B, 0x46, 0x7F, 0xFF, 0x10 - lsb&0x0F, 0x10}
	p[8] = crc8(p[:8])
	return p
}

// The rows are table 1 of the datasheet, but for the last five.
func TestCelsius(t *testing.T) {
	for _, c := range []struct {
		pad   scratchpad
		want  string
		fault agent.Fault
	}{
		{pad(0xD0, 0x07), "125", 0},
		{pad(0x50, 0x05), "85", 0}, // measured: byte 6 is not the power-on tag
		{pad(0x91, 0x01), "25.0625", 0},
		{pad(0xA2, 0x00), "10.125", 0},
		{pad(0x08, 0x00), "0.5", 0},
		{pad(0x00, 0x00), "0", 0},
		{pad(0xF8, 0xFF), "-0.5", 0},
		{pad(0x5E, 0xFF), "-10.125", 0},
		{pad(0x6F, 0xFE), "-25.0625", 0},
		{pad(0x90, 0xFC), "-55", 0},
		{pad(0xD1, 0x07), "", agent.FaultRange},
		{pad(0x8F, 0xFC), "", agent.FaultRange},
		{pad(0xFF, 0x07), "", agent.FaultPower},
		{scratchpad{0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10, 0x1C}, "", agent.FaultPowerOn},
		{scratchpad{}, "", agent.FaultAbsent},
	} {
		got, err := c.pad.celsius()
		if c.fault != agent.FaultNone {
			if !errors.Is(err, c.fault) {
				t.Errorf("%x: %v, %v; want %s", c.pad[:], got, err, c.fault)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%x: %v, %v; want %s", c.pad[:], got, err, c.want)
		}
	}
}

func TestVectors(t *testing.T) {
	var v struct {
		CRC []struct {
			Bytes, CRC sensortest.Hex
			T          *float64 `json:"temp_C"`
			Flag       string
		} `json:"crc8_dallas"`
		Rows []struct {
			Reg sensortest.Hex `json:"lsb_msb"`
			T   float64        `json:"temp_C"`
		} `json:"ds18b20"`
	}
	sensortest.Vectors(t, "sensors/sensors.json", &v)
	if len(v.CRC) == 0 || len(v.Rows) == 0 {
		t.Fatal("the test data holds nothing for this sensor")
	}
	for _, c := range v.CRC {
		if got := crc8(c.Bytes); got != c.CRC[0] {
			t.Errorf("checksum of %x is %#02x, want %#02x", c.Bytes, got, c.CRC[0])
		}
		if c.T == nil || len(c.Bytes) != 8 {
			continue
		}
		got, err := scratchpad(append(c.Bytes, c.CRC...)).celsius()
		if c.Flag == "power-on" {
			if !errors.Is(err, agent.FaultPowerOn) {
				t.Errorf("%x: %v, %v; want power-on", c.Bytes, got, err)
			}
		} else if err != nil || got.Float64() != *c.T {
			t.Errorf("%x: %v, %v; want %v", c.Bytes, got, err, *c.T)
		}
	}
	for _, r := range v.Rows {
		if got, err := pad(r.Reg[0], r.Reg[1]).celsius(); err != nil || got.Float64() != r.T {
			t.Errorf("%x: %v, %v; want %v", r.Reg, got, err, r.T)
		}
	}
}

func TestParseFile(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		want  string
		fault agent.Fault
	}{
		"good":              {"91 01 4b 46 7f ff 0f 10 25 : crc=25 YES\n91 01 4b 46 7f ff 0f 10 25 t=25062\n", "25.0625", 0},
		"kernel says no":    {"91 01 4b 46 7f ff 0f 10 25 : crc=12 NO\n91 01 4b 46 7f ff 0f 10 25 t=25062\n", "", agent.FaultCRC},
		"kernel says yes":   {"92 01 4b 46 7f ff 0f 10 25 : crc=25 YES\n91 01 4b 46 7f ff 0f 10 25 t=25062\n", "", agent.FaultCRC},
		"gone, old value":   {"00 00 00 00 00 00 00 00 00 : crc=00 YES\n91 01 4b 46 7f ff 0f 10 25 t=25062\n", "", agent.FaultAbsent},
		"gone, ones":        {"ff ff ff ff ff ff ff ff ff : crc=c9 NO\nff ff ff ff ff ff ff ff ff t=-62\n", "", agent.FaultCRC},
		"power-on":          {"50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n", "", agent.FaultPowerOn},
		"empty":             {"", "", agent.FaultShort},
		"retry later":       {"Conversion in progress, retry later\n", "", agent.FaultShort},
		"too few bytes":     {"91 01 4b 46 7f ff 0f 10 : crc=25 YES\n", "", agent.FaultProtocol},
		"no digits":         {"91 01 4b 46 7f ff 0f 10 xx : crc=25 YES\n", "", agent.FaultProtocol},
		"digits pushed":     {"9 101 4b 46 7f ff 0f 10 25 : crc=25 YES\n", "25.0625", 0}, // same bytes, same checksum
		"only second line":  {"\n91 01 4b 46 7f ff 0f 10 25 t=25062\n", "", agent.FaultShort},
		"verdict cut short": {"91 01 4b 46 7f ff 0f 10 25 : crc=25 Y", "", agent.FaultCRC},
	} {
		p, err := parseFile([]byte(c.text))
		var got agent.Value
		if err == nil {
			got, err = p.celsius()
		}
		if c.fault != agent.FaultNone {
			if !errors.Is(err, c.fault) {
				t.Errorf("%s: %v, %v; want %s", name, got, err, c.fault)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestROM(t *testing.T) {
	r, err := parseROM("28-0000070e41ac")
	if err != nil || fmt.Sprintf("%x", r[:]) != "28ac410e07000074" {
		t.Errorf("ROM is %x, %v", r, err)
	}
	if r.String() != "28-0000070e41ac" {
		t.Errorf("ROM is written %s", r)
	}
}

// FuzzParseFile: whatever the kernel writes, a temperature has a right checksum behind it.
func FuzzParseFile(f *testing.F) {
	f.Add([]byte("91 01 4b 46 7f ff 0f 10 25 : crc=25 YES\n91 01 4b 46 7f ff 0f 10 25 t=25062\n"))
	f.Add([]byte("00 00 00 00 00 00 00 00 00 : crc=00 YES\n91 01 4b 46 7f ff 0f 10 25 t=25062\n"))
	f.Add([]byte("50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n"))
	f.Add([]byte("Conversion in progress, retry later\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parseFile(text)
		if err != nil {
			return
		}
		v, err := p.celsius()
		if err != nil {
			return
		}
		if crc8(p[:8]) != p[8] || p == (scratchpad{}) || v < -55*agent.Unit || v > 125*agent.Unit {
			t.Errorf("%q gives %s", text, v)
		}
	})
}
