package config_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/frostline/frostline/agent/config"
)

// The example in docs/escalation.md loads beside the devices that it names, without a warning.
func TestEscalationExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/escalation.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatal("no example")
	}
	const devices = `site: s1
gateway: gw-01
timezone: Asia/Shanghai
zones: [{id: cold}]
sensors:
  - {id: air, driver: sht4x, bus: i2c-1, zone: cold, role: air}
  - {id: button, driver: digital, pin: GPIO5, quantity: contact, zone: cold}
`
	c, err := config.Parse("escalation.yaml", append([]byte(devices), m[1]...), known())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Error(c.Warnings)
	}
	if got := c.Told("cold"); !slices.Equal(got, []string{"Li Wei", "Ann Bauer", "Cai Lin", "Ben Okoro"}) {
		t.Errorf("told are %q", got)
	}
	if p, ok := c.PersonNamed("ANN bauer"); !ok || len(c.Ways(p)) != 2 || c.Ways(p)[0].Output != "mail" {
		t.Errorf("%+v", p)
	}
}
