package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent/config"
)

// The example in docs/trips.md loads beside the devices that it names.
func TestTripExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/trips.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatal("no example")
	}
	const devices = `site: s1
gateway: truck-7
zones: [{id: front, profile: vaccine-2-8}, {id: rear}]
sensors:
  - {id: front, driver: sht4x, bus: i2c-1, zone: front, role: air}
  - {id: rear, driver: sht4x, bus: i2c-2, zone: rear, role: air}
  - {id: dash, driver: digital, pin: GPIO17, quantity: contact, zone: front}
scanners: [{id: dock, driver: barcode, device: /dev/ttyUSB0}]
outputs: [{id: journal, driver: log}]
`
	c, err := config.Parse("trips.yaml", append([]byte(devices), m[1]...), known())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Trip.Lanes[0].Stops) != 2 || c.Trip.Compartments[1].High == nil {
		t.Errorf("%+v", c.Trip)
	}
	for _, w := range c.Warnings {
		if !strings.Contains(w.Message, "no sensor measures latitude") {
			t.Error(w)
		}
	}
}
