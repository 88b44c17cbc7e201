package ds18b20

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/frostline/frostline/agent"
)

const family = 0x28

// rom is a device's identity: family, serial number with its lowest byte first, checksum.
type rom [8]byte

// parseROM reads the kernel's way of writing it: family, a hyphen, and the serial number
// with its highest byte first, in hexadecimal.
func parseROM(s string) (rom, error) {
	if len(s) != 15 || s[:3] != "28-" {
		return rom{}, fmt.Errorf("%q: want 28- and twelve hexadecimal digits, as in /sys/bus/w1/devices", s)
	}
	serial, err := strconv.ParseUint(s[3:], 16, 48)
	if err != nil {
		return rom{}, fmt.Errorf("%q: want twelve hexadecimal digits after 28-", s)
	}
	var r rom
	binary.LittleEndian.PutUint64(r[:], serial<<8|family)
	r[7] = crc8(r[:7])
	return r, nil
}

// String is the kernel's way of writing it.
func (r rom) String() string {
	return fmt.Sprintf("%02x-%012x", r[0], binary.LittleEndian.Uint64(r[:])<<8>>16)
}

// scratchpad is the device's memory: temperature, two alarm limits, configuration, three
// reserved bytes and the checksum.
type scratchpad [9]byte

// What a scratchpad holds instead of a measurement.
const (
	powerOn    = 0x0550 // +85 °C, after a start
	powerOnTag = 0x0C   // its sixth byte then; a conversion changes it
	noPower    = 0x07FF // +127.94 °C: the supply broke down during the conversion
)

// celsius is the temperature that was measured, or why there is none.
func (p scratchpad) celsius() (agent.Value, error) {
	switch p {
	case scratchpad{}:
		return 0, fmt.Errorf("scratchpad is all zeros, the line is held low or the device gone: %w", agent.FaultAbsent)
	case scratchpad{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}:
		return 0, fmt.Errorf("scratchpad is all ones, no device answers: %w", agent.FaultAbsent)
	}
	if crc := crc8(p[:8]); crc != p[8] {
		return 0, fmt.Errorf("scratchpad %x: checksum computed %#02x: %w", p[:], crc, agent.FaultCRC)
	}
	if p[4]&0x9F != 0x1F {
		return 0, fmt.Errorf("scratchpad %x: configuration %#02x is none of a DS18B20: %w", p[:], p[4], agent.FaultProtocol)
	}
	raw := int16(binary.LittleEndian.Uint16(p[:]))
	switch {
	case raw == powerOn && p[6] == powerOnTag:
		return 0, fmt.Errorf("85 °C is the value after power-on, nothing was measured: %w", agent.FaultPowerOn)
	case raw == noPower:
		return 0, fmt.Errorf("too little power to measure: %w", agent.FaultPower)
	}
	undefined := int16(1)<<(3-p[4]>>5) - 1 // low bits below the resolution
	v := agent.Value(raw&^undefined) * (agent.Unit / 16)
	if v < -55*agent.Unit || v > 125*agent.Unit {
		return 0, fmt.Errorf("%s °C is outside the device's range: %w", v, agent.FaultRange)
	}
	return v, nil
}

// crc8 is polynomial 0x31 reflected, initial value 0: Maxim's for 1-Wire.
func crc8(b []byte) byte {
	var crc byte
	for _, x := range b {
		crc ^= x
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8C
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
