package main

import (
	"strings"
	"testing"
)

// TestSeriesFromSpreadsheets: a byte order mark, CRLF, capitals and blanks do no harm.
func TestSeriesFromSpreadsheets(t *testing.T) {
	s, err := readSeries(strings.NewReader("\uFEFFTime,Value\r\n2026-03-01T00:00:00Z, 5.10000001 \r\n\r\n2026-03-01T01:00:00Z,\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !s.timed || len(s.samples) != 2 || s.samples[0].Value != 5_100_000 || !s.samples[1].Missing {
		t.Errorf("%+v", s)
	}
}

// FuzzSeries: whatever the file, an error or samples that can be reckoned with.
func FuzzSeries(f *testing.F) {
	for _, text := range []string{"value\n5\n", "time,value\n2026-03-01T00:00:00Z,5\n", "value\n\"5", "time,value\n9999-01-01T00:00:00Z,1\n0001-01-01T00:00:00Z,1\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := readSeries(strings.NewReader(text))
		if err != nil {
			if !strings.Contains(err.Error(), "line ") && !strings.Contains(err.Error(), "empty") {
				t.Errorf("%v: where?", err)
			}
			return
		}
		for _, sample := range s.samples {
			if v := sample.Value; v <= -273_150_000 || v > 2000_000_000 {
				t.Errorf("took %v °C", v)
			}
		}
	})
}
