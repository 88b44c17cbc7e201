package bmxx80

import (
	"encoding/binary"
	"fmt"

	"github.com/frostline/frostline/agent"
)

// codes are what the converters measured: 20 bits of temperature and pressure, 16 bits of
// humidity.
type codes struct{ t, p, h uint32 }

// unmeasured is what the temperature and pressure registers hold after a reset. It is also
// a legal code (near 23 °C), so it counts as unmeasured only in both.
const unmeasured = 0x80000

func dataSize(humid bool) int {
	if humid {
		return 8
	}
	return 6
}

func parseCodes(b []byte) codes {
	twenty := func(b []byte) uint32 { return uint32(b[0])<<12 | uint32(b[1])<<4 | uint32(b[2])>>4 }
	c := codes{p: twenty(b[0:3]), t: twenty(b[3:6])}
	if len(b) >= 8 {
		c.h = uint32(b[6])<<8 | uint32(b[7])
	}
	return c
}

// trim is the trimming values by their names in the datasheet (table 16 of the BME280's,
// 17 of the BMP280's).
type trim struct {
	t1     uint16
	t2, t3 int16
	p1     uint16
	p      [10]int16 // p[2] … p[9]
	h1, h3 uint8
	h2     int16
	h4, h5 int16 // 12 bits with a sign
	h6     int8
}

// trimFirst is the length of the block from 0x88: to 0xA1 it holds H1 as well.
const trimFirst = 26

func trimSize(humid bool) int {
	if humid {
		return trimFirst + 7
	}
	return trimFirst
}

// parseTrim reads the trimming values. A chip without them (all zero) is an error: its
// formulas would give a plausible constant.
func parseTrim(b []byte, humid bool) (trim, error) {
	le := binary.LittleEndian
	word := func(i int) int16 { return int16(le.Uint16(b[i:])) }
	t := trim{t1: le.Uint16(b), t2: word(2), t3: word(4), p1: le.Uint16(b[6:])}
	for n := 2; n <= 9; n++ {
		t.p[n] = word(4 + 2*n)
	}
	if t.t1 == 0 || t.t2 == 0 || t.p1 == 0 {
		return trim{}, fmt.Errorf("trimming values are empty: %w", agent.FaultProtocol)
	}
	if !humid {
		return t, nil
	}
	h := b[trimFirst:] // from 0xE1
	t.h1, t.h2, t.h3 = b[25], int16(le.Uint16(h)), h[2]
	t.h4 = int16(int8(h[3]))<<4 | int16(h[4]&0x0F)
	t.h5 = int16(int8(h[5]))<<4 | int16(h[4]>>4)
	t.h6 = int8(h[6])
	if t.h2 == 0 {
		return trim{}, fmt.Errorf("trimming values of humidity are empty: %w", agent.FaultProtocol)
	}
	return t, nil
}

// The formulas are those of appendix 8.1 of the BME280's and 8.1 of the BMP280's datasheet
// (double precision), without the final cropping of the humidity to 0 … 100 %.

// fine is t_fine: the temperature in 1/5120 °C.
func (t *trim) fine(adc uint32) float64 {
	v1 := (float64(adc)/16384 - float64(t.t1)/1024) * float64(t.t2)
	v2 := float64(adc)/131072 - float64(t.t1)/8192
	return v1 + v2*v2*float64(t.t3)
}

// pascal is the pressure in Pa; an infinity where the trimming values make no sense.
func (t *trim) pascal(fine float64, adc uint32) float64 {
	p := func(n int) float64 { return float64(t.p[n]) }
	v1 := fine/2 - 64000
	v2 := v1 * v1 * p(6) / 32768
	v2 += v1 * p(5) * 2
	v2 = v2/4 + p(4)*65536
	v1 = (p(3)*v1*v1/524288 + p(2)*v1) / 524288
	v1 = (1 + v1/32768) * float64(t.p1)
	x := (1048576 - float64(adc) - v2/4096) * 6250 / v1
	v1 = p(9) * x * x / 2147483648
	v2 = x * p(8) / 32768
	return x + (v1+v2+p(7))/16
}

// percent is the relative humidity in %.
func (t *trim) percent(fine float64, adc uint32) float64 {
	h := fine - 76800
	h = (float64(adc) - (float64(t.h4)*64 + float64(t.h5)/16384*h)) *
		(float64(t.h2) / 65536 * (1 + float64(t.h6)/67108864*h*(1+float64(t.h3)/67108864*h)))
	return h * (1 - float64(t.h1)*h/524288)
}
