package trip_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/trip"
)

// BenchmarkReading is what a reading costs while a trip is under way.
func BenchmarkReading(b *testing.B) {
	s := anySetup()
	e := engine(b, s)
	start(b, e, at(0), trip.Plan{Phase: agent.PhaseUnderWay})
	in := value(s, "front-air/temperature", at(0), "5")
	var d time.Duration
	b.ReportAllocs()
	for b.Loop() {
		d += time.Millisecond
		in.At = at(d)
		in.Reading.At = in.At
		e.Step(in)
	}
}
