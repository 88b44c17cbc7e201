package agent

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseValue(t *testing.T) {
	cases := []struct {
		in   string
		want Value
		err  error
	}{
		{"0", 0, nil},
		{"4.25", 4_250_000, nil},
		{"-18", -18_000_000, nil},
		{"+0.000001", 1, nil},
		{"-0.5", -500_000, nil},
		{"9.9000000", 9_900_000, nil},
		{"9200000000000", 9_200_000_000_000_000_000, nil},
		{"9223372036854.775807", math.MaxInt64, nil},
		{"-9223372036854.775807", -math.MaxInt64, nil},
		{"9223372036854.775808", 0, ErrValueRange},
		{"99999999999999999999", 0, ErrValueRange},
		{"0.0000001", 0, ErrValueSyntax},
		{"", 0, ErrValueSyntax},
		{"-", 0, ErrValueSyntax},
		{".", 0, ErrValueSyntax},
		{"5.", 0, ErrValueSyntax},
		{"1e3", 0, ErrValueSyntax},
		{"1,5", 0, ErrValueSyntax},
		{" 1", 0, ErrValueSyntax},
		{"1.2.3", 0, ErrValueSyntax},
		{"NaN", 0, ErrValueSyntax},
	}
	for _, c := range cases {
		got, err := ParseValue(c.in)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseValue(%q) = %d, %v; want %d, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func TestValueText(t *testing.T) {
	for v, want := range map[Value]string{
		0: "0", 1: "0.000001", -1: "-0.000001", 4_250_000: "4.25", -18_000_000: "-18", 100_000: "0.1",
		math.MaxInt64: "9223372036854.775807", math.MinInt64: "-9223372036854.775808",
	} {
		if got := v.String(); got != want {
			t.Errorf("%d prints %q, want %q", int64(v), got, want)
		}
	}
}

func TestValueOf(t *testing.T) {
	for in, want := range map[float64]Value{1.0000005: 1_000_001, -1.0000005: -1_000_001, 21.7: 21_700_000} {
		if got, err := ValueOf(in); got != want || err != nil {
			t.Errorf("ValueOf(%v) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e13, -1e13} {
		if got, err := ValueOf(in); !errors.Is(err, ErrValueRange) || got != 0 {
			t.Errorf("ValueOf(%v) = %v, %v; want ErrValueRange", in, got, err)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, s := range []string{"0", "-4.25", "9223372036854.775807", "1.0000000", "-", "..", "1e9", "00012.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseValue(s)
		if err != nil {
			if v != 0 {
				t.Fatalf("%q: an error with the value %v", s, v)
			}
			return
		}
		back, err := ParseValue(v.String())
		if err != nil || back != v {
			t.Fatalf("%q → %v → %v, %v", s, v, back, err)
		}
		if text := v.String(); strings.Contains(text, ".") && strings.HasSuffix(text, "0") {
			t.Fatalf("%q has a trailing zero", text)
		}
	})
}

func TestValueJSON(t *testing.T) {
	text, err := json.Marshal(struct{ V Value }{-500_000})
	if err != nil || string(text) != `{"V":-0.5}` {
		t.Fatalf("%s, %v", text, err)
	}
	var out struct{ V Value }
	if err := json.Unmarshal([]byte(`{"V":1e2}`), &out); !errors.Is(err, ErrValueSyntax) {
		t.Fatalf("an exponent: %v, want ErrValueSyntax", err)
	}
}
