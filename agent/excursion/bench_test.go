package excursion_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/excursion"
)

// BenchmarkReading is what a reading costs while its zone is out.
func BenchmarkReading(b *testing.B) {
	w := newWorld(b)
	w.alarm(0, "limit", air, "raised 9 8")
	r := agent.Reading{Value: *deg("9")}
	in := excursion.Input{Reading: &r, Definition: &w.s.Points[0].Definition}
	var d time.Duration
	b.ReportAllocs()
	for b.Loop() {
		d += time.Millisecond
		in.At = at(d)
		r.At = in.At
		w.e.Step(in)
	}
}
