package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"250ms": 250 * time.Millisecond, "10s": 10 * time.Second, "0.5s": 500 * time.Millisecond, "5m": 5 * time.Minute,
		"1h30m": 90 * time.Minute, "400d": 400 * 24 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "1.5h": 90 * time.Minute,
		"36525d": maxDuration,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "s", "10", "-1s", "1 s", "1w", "1h1h", "1m1h", "1.2.3s", "1e3s", "1µs", "99999d", "s1", "1s1", ".s", "0x1s", "+", "NaNs"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestDurationsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxDuration/time.Millisecond)).Draw(t, "ms")) * time.Millisecond
		text := formatDuration(d)
		if got, err := parseDuration(text); err != nil || got != d {
			t.Fatalf("%d is written %s and read %v, %v", d, text, got, err)
		}
	})
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0B": 0, "1B": 1, "100KiB": 100 << 10, "50MiB": 50 << 20, "8GiB": 8 << 30, "1TiB": 1 << 40, "1.5KiB": 1536,
		"50MB": 50_000_000, "1kB": 1000, "2GB": 2_000_000_000, "3TB": 3_000_000_000_000,
	} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "8", "GiB", "-1GiB", "8 GiB", "8GIB", "8gb", "8K", "1KB", "9000000TiB", "1.2.3MiB", "1e3MiB"} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestBytesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Bytes(rapid.Int64Range(0, 1<<62).Draw(t, "bytes"))
		var got Bytes
		if err := got.UnmarshalText([]byte(b.String())); err != nil || got != b {
			t.Fatalf("%d is written %s and read %d, %v", int64(b), b, int64(got), err)
		}
	})
}
