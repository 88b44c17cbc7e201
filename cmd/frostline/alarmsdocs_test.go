package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

// devices are what the examples in docs/alarms.md watch.
const devices = `site: s1
gateway: gw-01
sensors:
  - {id: cr1-air, driver: sht4x, bus: i2c-1, zone: cold-room-1, role: air}
  - {id: cr1-product, driver: ds18b20, bus: w1, address: 28-0316a2791a01, zone: cold-room-1, role: product}
  - {id: cr1-door, driver: digital, pin: GPIO17, quantity: door, zone: cold-room-1}
  - {id: cr1-defrost, driver: digital, pin: GPIO18, quantity: contact, zone: cold-room-1}
  - {id: fr1-product, driver: ds18b20, bus: w1, address: 28-0316a279f7c2, zone: freezer-1, role: product}
  - {id: pot, driver: ds18b20, bus: w1, address: 28-0316a279f7c3, zone: kitchen, role: product}
  - {id: curtain, driver: ds18b20, bus: w1, address: 28-0316a279f7c4, zone: dock, role: surface}
  - {id: dock-air, driver: bmxx80, chip: bme280, bus: i2c-1, address: 0x76, zone: dock, role: air}
  - {id: mains, driver: digital, pin: GPIO27, quantity: power_ok, active: low, zone: dock}
scanners:
  - {id: cr1-in, driver: barcode, device: /dev/ttyACM0, zone: cold-room-1, direction: in}
stock: {items: [{id: vaccine-a, name: Vaccine A, codes: ["9521234543213"], minimum: 1, zone: cold-room-1}]}
`

const zones = "zones: [{id: cold-room-1}, {id: freezer-1}, {id: kitchen}, {id: dock}]\n"

// TestAlarmExamples: each example in docs/alarms.md loads, and there is one of every kind.
func TestAlarmExamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/alarms.md")
	if err != nil {
		t.Fatal(err)
	}
	known := daemon.Known()
	known.Recorded = []agent.PointID{"fr1-tag/battery"}
	var shown []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		text := devices + string(m[1])
		if !strings.HasPrefix(string(m[1]), "zones:") {
			text += zones
		} else {
			text += "  - {id: freezer-1}\n  - {id: kitchen}\n  - {id: dock}\n"
		}
		c, err := config.Parse("alarms.yaml", []byte(text), known)
		if err != nil {
			t.Errorf("%v\n%s", err, m[1])
			continue
		}
		for i := range c.Alarms {
			if c.Alarms[i].Profile == "" {
				shown = append(shown, c.Alarms[i].Kind)
			}
		}
	}
	for _, k := range all.Kinds() {
		if !slices.Contains(shown, k.Name) {
			t.Errorf("docs/alarms.md has no example of the kind %s", k.Name)
		}
		if !regexp.MustCompile(`(?m)^### .*\b` + regexp.QuoteMeta(k.Name) + `\b`).Match(page) {
			t.Errorf("docs/alarms.md does not tell what %s is", k.Name)
		}
	}
}
