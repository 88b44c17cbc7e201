package main

import (
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/sensors/emulated"
)

func fixtureView() *view {
	s := fixture()
	v := &view{
		status: s, title: "A morning in a warehouse", speed: 60, linkDown: true,
		far: "4496 received, 0 missing, 0 doubled", dir: "/tmp/frostline-demo-1/store",
	}
	for i := range 30 {
		v.recent = append(v.recent, happening{at: s.Now.Add(time.Duration(i-30) * time.Minute), text: "barcode scanned: 9521234543213"})
	}
	v.recent = append(v.recent, happening{s.Now, "ALARM  " + s.Alarms[1].Message, red})
	return v
}

func TestPage(t *testing.T) {
	for name, size := range map[string][2]int{"page-80x24.txt": {80, 24}, "page-120x40.txt": {120, 40}, "page-200x60.txt": {200, 60}} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, strings.Join(fixtureView().page(size[0], size[1], plain), "\n")+"\n")
		})
	}
}

// TestPageFits: whatever the terminal's size, no line is wider and the page is not longer.
func TestPageFits(t *testing.T) {
	empty := &view{status: &control.Status{}, title: "t"}
	for _, v := range []*view{fixtureView(), empty} {
		for width := 1; width <= 240; width += 7 {
			for height := 1; height <= 70; height += 2 {
				lines := v.page(width, height, plain)
				if len(lines) > height {
					t.Fatalf("%d lines at %dx%d", len(lines), width, height)
				}
				for _, line := range lines {
					if columns(line) > width {
						t.Fatalf("%q is wider than %d", line, width)
					}
				}
			}
		}
	}
}

// TestPageIsComplete: what a person must see is there on the usual terminal.
func TestPageIsComplete(t *testing.T) {
	text := strings.Join(fixtureView().page(80, 24, plain), "\n")
	for _, want := range []string{
		"link DOWN", "10.52 °C ↑", "-21.12 °C ↓", "open", "! absent", "power lost", "ALARM", "above 8 °C for 5 min", "Insulin B", "below minimum",
		"215 waiting", "4496 received", "The disk is full", "What happens",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

func TestEventText(t *testing.T) {
	names := map[string]string{"cold-room-1": "Cold room"}
	event := func(do emulated.Trouble, on, code, note string, begin bool) emulated.Event {
		return emulated.Event{Begin: begin, Happening: emulated.Happening{Do: do, On: on, Code: code, Note: note}}
	}
	for _, c := range []struct {
		e    emulated.Event
		want string
	}{
		{event(emulated.DoorOpen, "cold-room-1", "", "", true), "door opened: Cold room"},
		{event(emulated.DoorOpen, "cold-room-1", "", "forgotten", true), "door opened: Cold room (forgotten)"},
		{event(emulated.DoorOpen, "cold-room-1", "", "forgotten", false), "door closed: Cold room"},
		{event(emulated.CompressorDead, "cold-room-1", "", "", true), "compressor stopped: Cold room"},
		{event(emulated.MainsGone, "", "", "", false), "mains power is back"},
		{event(emulated.Unplugged, "cr1-product", "", "", true), "unplugged: cr1-product"},
		{event(emulated.BusStuck, "i2c-1", "", "", true), "bus hangs: i2c-1"},
		{event(emulated.BusShorted, "w1", "", "", false), "bus in order again: w1"},
		{event(emulated.TagPresent, "gate", "04A2", "", true), "tag read at gate: 04A2"},
		{event(emulated.TagPresent, "gate", "04A2", "", false), ""},
		{event(emulated.CodeScanned, "/dev/ttyACM0", "952", "", true), "barcode scanned: 952"},
		{event(emulated.LinkDown, "", "", "no coverage", true), "network lost (no coverage)"},
		{event(emulated.LinkDown, "", "", "no coverage", false), "network is back"},
	} {
		if got := eventText(c.e, names); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
}

// TestGateways: every built-in scenario has a gateway, and so has a file with its buses.
func TestGateways(t *testing.T) {
	for _, name := range emulated.Names() {
		s, err := emulated.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		d := demo{scenario: name, seed: 7, speed: 3600}
		cfg, err := d.config(s, t.TempDir(), "127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		for bus, b := range cfg.Buses {
			if b.Scenario != name || b.Seed != 7 {
				t.Errorf("%s: bus %s is %+v", name, bus, b)
			}
		}
		for _, s := range cfg.Sensors {
			if s.Every < 4*time.Minute {
				t.Errorf("%s: %s is read every %v at 3600 times the speed", name, s.ID, s.Every)
			}
		}
	}
}
