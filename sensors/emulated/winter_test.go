package emulated

import (
	"testing"
	"time"
)

// TestWinterFreezesTheColdRoom: at −10 °C outside the open doors cool the dock and then the
// cold room, below freezing within a quarter of an hour; the goods follow slowly, and it
// becomes warm again when the doors are shut. The rules on it: TestDockInWinter in cmd/frostline.
func TestWinterFreezesTheColdRoom(t *testing.T) {
	w, c := begin(t, load(t, "dock-winter"), 1)
	for _, step := range []struct {
		until     time.Duration
		low, high float64 // of the cold room's air
		product   float64 // at least
	}{
		{25 * time.Minute, 3.5, 6.5, 4},
		{40 * time.Minute, -6, -0.5, 2},
		{55 * time.Minute, -6, -0.5, 1},
		{12 * time.Hour, 3.5, 6.5, 3.5},
	} {
		c.Advance(step.until - w.Elapsed())
		z := zoneOf(t, w, "cold-room-1")
		if z.Air < step.low || z.Air > step.high || z.Product < step.product {
			t.Errorf("after %s: air %.2f °C, product %.2f °C", step.until, z.Air, z.Product)
		}
	}
	if d := zoneOf(t, w, "dock"); d.Air < 5 {
		t.Errorf("the dock stays at %.1f °C", d.Air)
	}
}
