package config

import (
	"testing"
	"time"
)

func TestKeepLasts(t *testing.T) {
	config := func(sensors ...Sensor) *Config {
		c := Defaults()
		c.Sensors = sensors
		return c
	}
	sensor := func(every time.Duration, points int) Sensor {
		return Sensor{Every: every, Points: make([]Point, points)}
	}
	day := 24 * time.Hour

	nothing := KeepLasts(config(), 0)
	if nothing != (Estimate{}) {
		t.Errorf("without sensors: %+v", nothing)
	}

	// Three points every 10 s: 8 640 ticks of 42 + 3·6 bytes, and the hours.
	one := KeepLasts(config(sensor(10*time.Second, 2), sensor(10*time.Second, 1)), 0)
	if one.Readings != 25_920 || one.Commits != 8_640 {
		t.Errorf("three points every 10 s: %d readings in %d commits a day", one.Readings, one.Commits)
	}
	if one.BytesPerDay < 500_000 || one.BytesPerDay > 550_000 || one.Lasts != 400*day || one.By != "age" {
		t.Errorf("three points every 10 s: %+v", one)
	}

	// An interval that is a multiple adds readings and no commits; one that is not adds both.
	aligned := KeepLasts(config(sensor(10*time.Second, 1), sensor(time.Minute, 1)), 0)
	if aligned.Commits != 8_640 || aligned.Readings != 8_640+1_440 {
		t.Errorf("10 s and 1 min: %+v", aligned)
	}
	if apart := KeepLasts(config(sensor(10*time.Second, 1), sensor(15*time.Second, 1)), 0); apart.Commits != 8_640+5_760 {
		t.Errorf("10 s and 15 s: %+v", apart)
	}

	// A thousand points every 100 ms fill 8 GiB in less than two days; commits are bounded.
	busy := KeepLasts(config(sensor(100*time.Millisecond, 1000)), 0)
	if busy.Commits != 86_400 || busy.By != "bytes" || busy.Lasts < day || busy.Lasts > 2*day {
		t.Errorf("10 000 readings a second: %+v", busy)
	}

	// A small disk.
	if small := KeepLasts(config(sensor(time.Second, 100)), 4<<30); small.By != "free" || small.Lasts >= KeepLasts(config(sensor(time.Second, 100)), 0).Lasts {
		t.Errorf("on a disk of 4 GiB: %+v", small)
	}
	if full := KeepLasts(config(sensor(time.Second, 100)), 100<<20); full.Lasts != 0 || full.By != "free" {
		t.Errorf("on a disk smaller than keep.free: %+v", full)
	}
}
