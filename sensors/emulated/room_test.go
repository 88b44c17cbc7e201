package emulated

import (
	"math"
	"testing"
	"time"
)

func testRoom() *Room {
	return NewRoom(Zone{Start: 5, Volume: 20, Air: 120, Product: 600, Coupling: 180, Walls: 20, Door: 400, Fans: 180,
		Cooling: &Cooling{Power: 2100, COP: 2, Setpoint: 5, Band: 1}})
}

// TestRoomKeepsItsBandWithAnyStep holds the room to its controller's band, and long steps to
// the same course as short ones where nothing switches.
func TestRoomKeepsItsBandWithAnyStep(t *testing.T) {
	around := RoomConditions{Around: 18, Beyond: 18}
	for _, dt := range []time.Duration{time.Second, 10 * time.Second} {
		r := testRoom()
		for range 6 * time.Hour / dt {
			if s := r.Step(dt, around); s.Air < 3.7 || s.Air > 6.3 {
				t.Fatalf("in steps of %v: air at %.2f °C", dt, s.Air)
			}
		}
	}
	dead := around
	dead.CompressorDead = true
	short, long := testRoom(), testRoom()
	for range 360 {
		long.Step(10*time.Second, dead)
		for range 10 {
			short.Step(time.Second, dead)
		}
	}
	if a, b := short.State().Air, long.State().Air; a < 7 || math.Abs(a-b) > 0.05 {
		t.Errorf("after an hour without cooling %.3f °C in short steps, %.3f °C in long ones", a, b)
	}
}

func TestBringReplacesProduct(t *testing.T) {
	r := testRoom()
	r.Bring(150, 13)
	if got := r.State().Product; math.Abs(got-7) > 1e-9 {
		t.Errorf("a quarter at 13 °C in the place of goods at 5 °C gives %.3f °C, want 7", got)
	}
	r.Bring(6000, 1)
	if got := r.State().Product; math.Abs(got-1) > 1e-9 {
		t.Errorf("all new goods at 1 °C give %.3f °C", got)
	}
}
