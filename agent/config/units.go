package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes is an amount of data: 100KiB, 50MiB, 8GiB, or decimal 50MB.
type Bytes int64

// byteUnits are the units of Bytes, largest first within each kind.
var byteUnits = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// String is the amount in the largest binary unit that leaves a whole number.
func (b Bytes) String() string {
	for _, u := range byteUnits[:4] {
		if b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// MarshalText writes what String does.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads a whole or decimal number with a unit. Binary units (KiB, MiB,
// GiB, TiB) are powers of 1024, the others (kB, MB, GB, TB) powers of 1000.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, unit := splitUnit(string(text))
	if number == "" {
		return fmt.Errorf("%s is not an amount of data: write it as 500MiB or 8GiB", clip(string(text)))
	}
	if unit == "" {
		return fmt.Errorf("%s has no unit: write %sKiB, %sMiB or %sGiB", number, number, number, number)
	}
	if strings.ContainsAny(unit, " \t") {
		return fmt.Errorf("%s is not an amount of data: write it without spaces, as in 500MiB", clip(string(text)))
	}
	size := int64(0)
	var names []string
	for _, u := range byteUnits {
		names = append(names, u.name)
		if u.name == unit {
			size = u.size
		}
	}
	if size == 0 {
		return fmt.Errorf("%s is no unit of data%s", clip(unit), suggest(unit, names))
	}
	if strings.HasPrefix(number, "-") {
		return errors.New("an amount of data cannot be negative")
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err == nil && n <= math.MaxInt64/size {
		*b = Bytes(n * size)
		return nil
	}
	f, ferr := strconv.ParseFloat(number, 64)
	if ferr != nil {
		return fmt.Errorf("%s is not a number", clip(number))
	}
	if f *= float64(size); f >= math.MaxInt64 {
		return fmt.Errorf("%s is too large", clip(string(text)))
	}
	*b = Bytes(f)
	return nil
}

// durationUnits are the units of a duration, longest first.
var durationUnits = []struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// parseDuration reads 400d, 1h30m, 10s, 0.5s, 250ms. A day is 24 hours here; where a
// calendar day is meant the config says so with a word.
func parseDuration(text string) (time.Duration, error) {
	if number, unit := splitUnit(text); number != "" && unit == "" {
		return 0, fmt.Errorf("%s has no unit: write %ss, %sm, %sh or %sd", number, number, number, number, number)
	}
	if strings.ContainsAny(text, " \t") {
		return 0, fmt.Errorf("%s is not a duration: write it without spaces, as in 1h30m", clip(text))
	}
	if strings.HasPrefix(text, "-") {
		return 0, errors.New("a duration cannot be negative")
	}
	rest, total := text, time.Duration(0)
	last := len(durationUnits) + 1
	for rest != "" {
		number, tail := splitUnit(rest)
		end := strings.IndexAny(tail, "0123456789.")
		if end < 0 {
			end = len(tail)
		}
		unit := tail[:end]
		rest = tail[end:]
		i := unitIndex(unit)
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is not a duration: write it as 10s, 5m, 1h30m or 400d", clip(text))
		}
		if i < 0 {
			return 0, fmt.Errorf("%s is no unit of time, want ms, s, m, h or d", clip(unit))
		}
		if last <= len(durationUnits) && i <= last {
			return 0, fmt.Errorf("%s is not a duration: write longer units first and each once, as in 1h30m", clip(text))
		}
		last = i
		part := n * float64(durationUnits[i].size)
		if total > maxDuration || part > float64(maxDuration) {
			return 0, fmt.Errorf("%s is longer than a hundred years", clip(text))
		}
		total += time.Duration(math.Round(part))
	}
	if text == "" {
		return 0, errors.New("an empty text is not a duration: write it as 10s, 5m or 400d")
	}
	if total > maxDuration {
		return 0, fmt.Errorf("%s is longer than a hundred years", clip(text))
	}
	return total, nil
}

const maxDuration = 36525 * 24 * time.Hour

func unitIndex(unit string) int {
	for i, u := range durationUnits {
		if u.name == unit {
			return i
		}
	}
	return -1
}

// formatDuration writes a duration as parseDuration reads it, without parts that are zero.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range durationUnits {
		if u.size == 24*time.Hour && d%u.size != 0 && d < 100*u.size {
			continue // 36h reads better than 1d12h
		}
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.size
		}
	}
	if d > 0 {
		return (d + time.Millisecond).String()
	}
	return b.String()
}

// splitUnit cuts a text after the number it begins with; number is "" if there is none.
func splitUnit(s string) (number, unit string) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	digits := i
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	if i == digits {
		return "", s
	}
	return s[:i], s[i:]
}
