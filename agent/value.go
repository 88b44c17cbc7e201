package agent

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// Value is a quantity's value in millionths of the quantity's unit: 4.25 °C is
// 4 250 000. Values are integers so that limits compare exactly and so that the
// text in JSON, SQLite and InfluxDB is the same decimal everywhere.
//
// The range is ±9.2·10¹² units. What does not fit is a fault, never a clamped number.
type Value int64

// Unit is the value 1, in whatever unit the quantity has.
const Unit Value = 1_000_000

// Errors of ParseValue and ValueOf.
var (
	ErrValueSyntax = errors.New("not a decimal number with at most six decimals")
	ErrValueRange  = errors.New("value out of range ±9.2e12")
)

// ParseValue reads a plain decimal such as "-18", "4.25" or "+0.000001": an
// optional sign, digits, and at most six decimals. No exponent, no spaces, no
// thousands separator. It never rounds: a seventh decimal is an error unless it is zero.
func ParseValue(s string) (Value, error) {
	rest, neg := s, false
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		neg = rest[0] == '-'
		rest = rest[1:]
	}
	var abs uint64
	digits, decimals, seenDot := 0, 0, false
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		switch {
		case c == '.' && !seenDot:
			seenDot = true
			continue
		case c < '0' || c > '9':
			return 0, fmt.Errorf("%q: %w", s, ErrValueSyntax)
		}
		digits++
		if seenDot {
			decimals++
			if decimals > 6 {
				if c != '0' {
					return 0, fmt.Errorf("%q: %w", s, ErrValueSyntax)
				}
				continue
			}
		}
		hi, lo := bits.Mul64(abs, 10)
		sum, carry := bits.Add64(lo, uint64(c-'0'), 0)
		if hi != 0 || carry != 0 {
			return 0, fmt.Errorf("%q: %w", s, ErrValueRange)
		}
		abs = sum
	}
	if digits == 0 || (seenDot && decimals == 0) {
		return 0, fmt.Errorf("%q: %w", s, ErrValueSyntax)
	}
	for ; decimals < 6; decimals++ {
		hi, lo := bits.Mul64(abs, 10)
		if hi != 0 {
			return 0, fmt.Errorf("%q: %w", s, ErrValueRange)
		}
		abs = lo
	}
	if abs > math.MaxInt64 {
		return 0, fmt.Errorf("%q: %w", s, ErrValueRange)
	}
	if neg {
		return -Value(abs), nil
	}
	return Value(abs), nil
}

// ValueOf converts a float of units, rounding to the nearest millionth (halves
// away from zero). NaN, infinities and what does not fit are ErrValueRange.
func ValueOf(units float64) (Value, error) {
	scaled := math.Round(units * float64(Unit))
	if math.IsNaN(scaled) || scaled < -9.2e18 || scaled > 9.2e18 {
		return 0, fmt.Errorf("%v: %w", units, ErrValueRange)
	}
	return Value(scaled), nil
}

// Float64 is the value in units, for screens and statistics only.
func (v Value) Float64() float64 { return float64(v) / float64(Unit) }

// Append appends the exact plain decimal: no exponent, no trailing zeros.
func (v Value) Append(dst []byte) []byte {
	abs := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		abs = -abs
	}
	dst = strconv.AppendUint(dst, abs/uint64(Unit), 10)
	frac := abs % uint64(Unit)
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	for scale := uint64(Unit) / 10; frac != 0; scale /= 10 {
		dst = append(dst, byte('0'+frac/scale))
		frac %= scale
	}
	return dst
}

// String is the exact plain decimal, as Append writes it.
func (v Value) String() string { return string(v.Append(nil)) }

// MarshalJSON writes the value as a JSON number, the exact plain decimal.
func (v Value) MarshalJSON() ([]byte, error) { return v.Append(nil), nil }

// UnmarshalJSON reads a JSON number that is a plain decimal, as ParseValue does.
func (v *Value) UnmarshalJSON(b []byte) error {
	p, err := ParseValue(string(b))
	if err != nil {
		return err
	}
	*v = p
	return nil
}

// MarshalText and UnmarshalText use the same plain decimal, for YAML and flags.
func (v Value) MarshalText() ([]byte, error) { return v.Append(nil), nil }

// UnmarshalText reads a plain decimal, as ParseValue does.
func (v *Value) UnmarshalText(b []byte) error { return v.UnmarshalJSON(b) }
