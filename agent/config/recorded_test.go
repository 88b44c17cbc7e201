package config

import (
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
)

func TestRecordedPointsAreDeclared(t *testing.T) {
	const text = `site: s
gateway: g
zones: [{id: cold}, {id: dock}]
alarms:
  - {id: hot, zone: cold, role: product, point: probe/temperature, above: 8}
  - {id: odd, point: probe/t1, quantity: temperature, above: 8}
  - {id: dock-warm, zone: dock, quantity: temperature, above: 15}
`
	k := stubKnown()
	k.Recorded = []agent.PointID{"probe/temperature", "probe/t1", "dock/air-temperature", "probe/whatever"}
	c, err := Parse("c.yaml", []byte(text), k)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Sensors {
		got = append(got, string(s.ID)+"/"+s.Points[0].Name+" "+string(s.Points[0].Quantity)+" "+string(s.Zone)+" "+string(s.Role))
	}
	want := "probe/temperature temperature cold product; probe/t1 temperature  ; dock/air-temperature temperature dock "
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	for i, want := range []agent.PointID{"probe/temperature", "probe/t1", "dock/air-temperature"} {
		if a := c.Alarms[i]; len(a.Points) != 1 || a.Points[0] != want {
			t.Errorf("%s watches %v, want %s", a.ID, a.Points, want)
		}
	}
}

func TestRecordedPointsThatAreUnknown(t *testing.T) {
	for name, c := range map[string]struct{ alarm, want string }{
		"not recorded":  {"{id: hot, point: prob/temperature, above: 8}", "c.yaml:4:22: alarms[0].point: no sensor declares the point prob/temperature, did you mean probe/temperature?"},
		"tells nothing": {"{id: hot, point: probe/t1, above: 8}", "c.yaml:4:22: alarms[0].point: the name of the recorded point probe/t1 does not tell what it measures: write quantity: beside it"},
		"elsewhere":     {"{id: hot, zone: cold, point: probe/temperature, above: 8}", "there is no zone cold"},
	} {
		k := stubKnown()
		k.Recorded = []agent.PointID{"probe/temperature", "probe/t1"}
		_, err := Parse("c.yaml", []byte("site: s\ngateway: g\nalarms:\n  - "+c.alarm+"\n"), k)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestQuantityIn(t *testing.T) {
	for name, want := range map[string]agent.Quantity{
		"temperature": agent.Temperature, "air-temperature": agent.Temperature, "temperature_2": agent.Temperature,
		"power_ok": agent.PowerOK, "mains-power_ok": agent.PowerOK, "power": agent.Power, "t1": "", "": "", "counter": "",
	} {
		if got := QuantityIn(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
