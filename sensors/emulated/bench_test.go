package emulated

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent/clock"
)

// BenchmarkSimulatedHour is the physics of an hour in the warehouse.
func BenchmarkSimulatedHour(b *testing.B) {
	s, err := Load("warehouse-morning")
	if err != nil {
		b.Fatal(err)
	}
	c := clock.NewFake(time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC))
	w := NewWorld(s, 1, c.Now)
	for b.Loop() {
		c.Advance(time.Hour)
		w.Zones()
	}
}
