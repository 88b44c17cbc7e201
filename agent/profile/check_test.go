package profile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/configs"
)

type noSettings struct{}

// site is a gateway with one zone that meets nearly nothing, one that meets everything, and
// others between.
const site = `
site: lab
gateway: gw-1
store: {keep: {age: 400d}}
zones:
  - {id: poor, name: Poor store, profile: gsp-cold-store}
  - {id: rich, profile: gsp-cold-store, tighten: {high: {above: 8, for: 0s}, low-air: {below: 2.5}}}
  - {id: truck, profile: gsp-vehicle, volume: 50}
  - {id: van, profile: gsp-vehicle}
  - {id: fridge, profile: vaccine-2-8}
  - {id: kitchen, profile: food-code-cooling}
  - {id: archived, profile: atp-quick-frozen}
  - {id: plain}
sensors:
  - {id: p-air, driver: air, every: 3m, zone: poor, role: air, calibration: {temperature: {offset: -0.2}}}
  - {id: p-supply, driver: air, every: 1h, zone: poor, role: supply}
  - {id: r-air, driver: climate, every: 10s, zone: rich, role: air, certificate: CAL-2026-0117, calibration_due: 2026-11-01}
  - {id: r-product, driver: air, every: 1m, zone: rich, role: product, certificate: CAL-2026-0118, calibration_due: 2026-12-01}
  - {id: mains, driver: power, zone: rich}
  - {id: t-1, driver: air, every: 30s, zone: truck, role: air, calibration_due: 2026-01-31}
  - {id: t-2, driver: air, every: 30s, zone: truck, role: air}
  - {id: t-3, driver: air, every: 30s, zone: truck, role: air}
  - {id: v-1, driver: air, every: 30s, zone: van, calibration_due: 2029-01-31}
  - {id: v-2, driver: air, every: 30s, zone: van, role: product, calibration_due: 2026-06-30}
  - {id: f-air, driver: air, every: 10s, zone: fridge, role: air}
  - {id: k-pan, driver: air, every: 1m, zone: kitchen, role: product}
  - {id: a-product, driver: air, every: 1m, zone: archived, role: product}
alarms:
  - {id: mains-gone, quantity: power_ok, below: 1, severity: critical}
upstreams:
  - {id: hq, driver: far, archive: true, only: {zones: [rich, archived]}}
  - {id: readings, driver: far, archive: true, only: {kinds: [readings]}}
outputs:
  - {id: journal, driver: log}
  - {id: buzzer, driver: gpio}
`

func knownSite() config.Known {
	device := func(points ...config.Point) config.Device {
		return config.Device{Config: func() any { return &noSettings{} }, Points: func(any) []config.Point { return points }}
	}
	temperature := config.Point{Name: "temperature", Quantity: agent.Temperature}
	k := kinds()
	k.Sensors = map[string]config.Device{
		"air":     device(temperature),
		"climate": device(temperature, config.Point{Name: "humidity", Quantity: agent.Humidity}),
		"power":   device(config.Point{Name: "power_ok", Quantity: agent.PowerOK}),
	}
	k.Upstreams = map[string]func() any{"far": func() any { return &noSettings{} }}
	k.Outputs = map[string]func() any{"log": func() any { return &noSettings{} }, "gpio": func() any { return &noSettings{} }}
	k.Profiles = NewLibrary(configs.Profiles(), k)
	return k
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("site.yaml", []byte(text), knownSite())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// told is who hears of alarms, by zone.
type told map[agent.ZoneID][]string

func (t told) Told(z agent.ZoneID) []string { return t[z] }

// Clause by clause, what each zone meets, does not meet, and what no config tells.
func TestCheck(t *testing.T) {
	c := load(t, site)
	s := Site{
		Keep: config.KeepLasts(c, 0), Local: []string{"gpio"}, Today: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
		People: told{"rich": {"Ann", "Ben", "Cai"}, "truck": {"Ann"}},
	}
	var b strings.Builder
	for i := range c.Zones {
		r, ok := Check(c, &c.Zones[i], s)
		if !ok {
			if c.Zones[i].Profile != "" {
				t.Errorf("%s has no report", c.Zones[i].ID)
			}
			continue
		}
		fmt.Fprintf(&b, "%s %q: %s, %s\n", r.Zone, r.Name, r.Profile, r.Title)
		for _, w := range r.Limits {
			fmt.Fprintf(&b, "  limit %s: %s [%s] alarms %v points %v, %d sources\n", w.Limit, w.Rule, w.Profile, w.Alarms, w.Points, len(w.Sources))
		}
		for _, cl := range r.Clauses {
			source := "-"
			if cl.Source != nil {
				source = cl.Source.ID
			}
			fmt.Fprintf(&b, "  %s: %s: %s (%s)\n", cl.Verdict, cl.Demand, cl.Reason, source)
		}
	}
	golden(t, "testdata/check.txt", b.String())
}

// A report is JSON that programs read: its keys stay.
func TestReportAsJSON(t *testing.T) {
	c := load(t, site)
	r, _ := Check(c, &c.Zones[1], Site{Keep: config.KeepLasts(c, 0)})
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.json", string(text)+"\n")
}

// Every verdict that a golden file shows can turn: what the config changes, the check sees.
func TestVerdictsTurn(t *testing.T) {
	base := site
	verdict := func(text string, s Site, zone int, demand string) Verdict {
		c := load(t, text)
		if s.Keep.Lasts == 0 {
			s.Keep = config.KeepLasts(c, 0)
		}
		r, ok := Check(c, &c.Zones[zone], s)
		i := slices.IndexFunc(r.Clauses, func(c Clause) bool { return c.Demand == demand })
		if !ok || i < 0 {
			t.Fatalf("no clause %s", demand)
		}
		return r.Clauses[i].Verdict
	}
	change := func(old, by string) string {
		if !strings.Contains(base, old) {
			t.Fatalf("the config has no %q", old)
		}
		return strings.Replace(base, old, by, 1)
	}
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		text   string
		site   Site
		zone   int
		demand string
		want   Verdict
	}{
		"two thermometers":     {change("p-supply, driver: air, every: 1h, zone: poor, role: supply", "p-2, driver: air, every: 3m, zone: poor, role: air"), Site{}, 0, "probes", Met},
		"one in the supply":    {base, Site{}, 0, "probes", NotMet},
		"a small truck":        {change("volume: 50", "volume: 40"), Site{}, 2, "probes", Met},
		"a large truck":        {base, Site{}, 2, "probes", NotMet},
		"a truck of any size":  {base, Site{}, 3, "probes", NotCheckable},
		"every minute":         {change("every: 1m, zone: rich", "every: 60s, zone: rich"), Site{}, 1, "measure", Met},
		"every 61 seconds":     {change("every: 1m, zone: rich", "every: 61s, zone: rich"), Site{}, 1, "measure", NotMet},
		"every 30 minutes":     {change("every: 1m, zone: rich", "every: 30m, zone: rich"), Site{}, 1, "record", Met},
		"every 31 minutes":     {change("every: 1m, zone: rich", "every: 31m, zone: rich"), Site{}, 1, "record", NotMet},
		"two minutes outside":  {change("every: 1m, zone: rich", "every: 2m, zone: rich"), Site{}, 1, "record_outside", Met},
		"three outside":        {change("every: 1m, zone: rich", "every: 3m, zone: rich"), Site{}, 1, "record_outside", NotMet},
		"nobody":               {base, Site{}, 1, "persons", NotMet},
		"two people":           {base, Site{People: told{"rich": {"Ann", "Ben"}}}, 1, "persons", NotMet},
		"three people":         {base, Site{People: told{"rich": {"Ann", "Ben", "Cai"}}}, 1, "persons", Met},
		"an alarm on mains":    {base, Site{}, 0, "power_failure", Met},
		"on mains coming back": {change("below: 1", "above: 0"), Site{}, 0, "power_failure", NotMet},
		"a buzzer":             {base, Site{Local: []string{"gpio"}}, 0, "local_alarm", Met},
		"no buzzer":            {base, Site{Local: []string{"light"}}, 0, "local_alarm", NotMet},
		"kept here":            {base, Site{Keep: config.Estimate{Lasts: 1826 * day, By: "age"}}, 0, "retention", Met},
		"kept a day less":      {base, Site{Keep: config.Estimate{Lasts: 1825 * day, By: "age"}}, 0, "retention", NotMet},
		"kept in an archive":   {base, Site{}, 1, "retention", Met},
		"archive without it":   {change("only: {zones: [rich, archived]}", "only: {zones: [archived]}"), Site{}, 1, "retention", NotMet},
		"no archive":           {change("archive: true, only: {zones", "archive: false, only: {zones"), Site{}, 1, "retention", NotMet},
		"goods":                {change("zone: fridge, role: air", "zone: fridge, role: product"), Site{}, 4, "on_goods", Met},
		"only air":             {base, Site{}, 4, "on_goods", NotCheckable},
		"an offset":            {base, Site{}, 0, "no_correction", NotMet},
		"an offset of nothing": {change("offset: -0.2", "offset: 0"), Site{}, 0, "no_correction", Met},
		"humidity":             {base, Site{}, 0, "humidity", NotMet},
		"due, no clock":        {base, Site{}, 1, "calibration", Met},
		"valid":                {base, Site{Today: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)}, 1, "calibration", Met},
		"overdue":              {base, Site{Today: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}, 1, "calibration", NotMet},
		"due too late":         {base, Site{Today: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)}, 1, "calibration", NotMet},
		"due unsaid":           {base, Site{}, 0, "calibration", NotCheckable},
	} {
		if got := verdict(c.text, c.site, c.zone, c.demand); got != c.want {
			t.Errorf("%s: %s is %s, want %s", name, c.demand, got, c.want)
		}
	}
}
