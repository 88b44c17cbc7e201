package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
)

func load(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("test.yaml", []byte(text), stubKnown())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEverythingArrives(t *testing.T) {
	c, err := Load("testdata/everything.good.yaml", stubKnown())
	if err != nil {
		t.Fatal(err)
	}
	if c.Site != "s1" || c.Gateway != "gw-01" || c.AlwaysOn || c.Location.String() != "Europe/Berlin" {
		t.Errorf("top: %+v", c)
	}
	if want := (Store{"/var/lib/frostline", 500 * time.Millisecond, Keep{90 * time.Minute, 64_000_000, 0}}); c.Store != want {
		t.Errorf("store is %+v, want %+v", c.Store, want)
	}
	if c.Clock != (Clock{agent.ClockSynced, 10 * time.Minute}) || c.Web.Listen != "[::1]:8470" || c.Log != (Log{"debug", "json"}) {
		t.Errorf("clock %+v, web %+v, log %+v", c.Clock, c.Web, c.Log)
	}
	if c.Zones[0].Name != "Kühlraum – 1" || c.Buses["i2c-1"] != (Bus{"emulated", "cold-room", 42}) {
		t.Errorf("zones %+v, buses %+v", c.Zones, c.Buses)
	}
	s := c.Sensors[0]
	if s.Serial != "007" || s.Every != 100*time.Millisecond || s.Role != agent.RoleAir || s.Calibration["humidity"].Offset != 1_500_000 || s.Calibration["temperature"].Offset != -250_000 {
		t.Errorf("sensor: %+v", s)
	}
	if *s.Settings.(*stubI2C) != (stubI2C{"i2c-1", 0x44, 0, "low"}) || len(s.Points) != 2 {
		t.Errorf("settings: %+v, points %v", s.Settings, s.Points)
	}
	if door := c.Sensors[1]; door.Timeout != 0 || !door.Settings.(*stubDoor).Invert {
		t.Errorf("door: %+v", door)
	}
	if in := c.Scanners[0]; in.Direction != agent.DirectionIn || in.Settings.(*stubReader).Baud != 115200 {
		t.Errorf("scanner: %+v", in)
	}
	var watched []string
	for _, a := range c.Alarms {
		watched = append(watched, string(a.ID)+":"+strings.Join(words(a.Points), ","))
	}
	if want := []string{"high:air/temperature", "low:air/temperature", "open:door/door", "anywhere:air/temperature",
		"silent:air/temperature,air/humidity,door/door", "out:", "listed:", "foreign:", "cold-high-air:air/temperature"}; !slices.Equal(watched, want) {
		t.Errorf("alarms watch %q, want %q", watched, want)
	}
	if l := c.Alarms[0].Settings.(*stubLimit); *l.Above != 8*agent.Unit || l.For != 5*time.Minute || l.Deadband != agent.Unit/2 {
		t.Errorf("limit: %+v", l)
	}
	wantItems := []Item{
		{"vaccine-a", "Vaccine A", []string{"04006381333931", "A 1"}, 20, "cold", 10},
		{"insulin", "Insulin, pens", []string{"04150", "04151*"}, 5, "cold", 1},
		{"box", "", nil, 0, "", 12},
	}
	if !reflect.DeepEqual(c.Stock.Items, wantItems) || c.Stock.Repeat != 3*time.Second {
		t.Errorf("stock: %+v", c.Stock)
	}
	u := c.Upstreams[0]
	if u.From != "now" || !u.Archive || *u.Limit != (Limit{50 << 20, "month"}) || u.Batch != (Batch{10 << 10, 30 * time.Second}) {
		t.Errorf("upstream: %+v", u)
	}
	want := stubUpstream{stubCommon{time.Minute}, "https://example.net/", "Bearer ${env:TOKEN}${credential:suffix}",
		[]int8{-128, 127}, map[string]string{"a": "b", "c": "1"}, &stubTLS{"/etc/ca.pem"}, 1.5, -1, 1536}
	if got := *u.Settings.(*stubUpstream); !reflect.DeepEqual(got, want) {
		t.Errorf("settings are %+v, want %+v", got, want)
	}
	if o := c.Outputs; o[0].Driver != "log" || o[1].Settings.(*stubOutput).Severity != agent.SeverityCritical {
		t.Errorf("outputs: %+v", o)
	}
}

func TestDefaults(t *testing.T) {
	c := load(t, "site: s1\ngateway: gw-01\nsensors:\n  - {id: a, driver: sht4x}\nupstreams:\n  - {id: u, driver: mqtt, url: x}\nalarms:\nlog:\n")
	if !c.AlwaysOn || c.Timezone != "UTC" || c.Clock.Trust != agent.ClockHeld || c.Store.CommitWithin != time.Second || c.Web.Listen != "127.0.0.1:8470" {
		t.Errorf("%+v", c)
	}
	if s := c.Sensors[0]; s.Every != 10*time.Second || s.Timeout != 0 || s.Settings.(*stubI2C).Address != 0x44 {
		t.Errorf("%+v", s)
	}
	if c.Stock.Repeat != 3*time.Second || load(t, "site: s\ngateway: g\nstock: {repeat: 0s}\n").Stock.Repeat >= 0 {
		t.Error("no repeat and a repeat of zero are not told apart")
	}
	if u := c.Upstreams[0]; u.From != "oldest" || u.Archive || u.Limit != nil || u.Batch != (Batch{Bytes: 100 << 10}) {
		t.Errorf("%+v", u)
	}
}

func TestWarnings(t *testing.T) {
	c := load(t, "site: s1\ngateway: gw-01\n")
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "test.yaml:1:1: no sensors and no scanners") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	c = load(t, "site: s1\ngateway: gw-01\nscanners: [{id: a, driver: serial, device: x}]\nupstreams:\n  - {id: u, driver: mqtt, url: x, token: hunter2}\n")
	if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0].Error(), "test.yaml:5:42: upstreams[0].token: a secret in plain text") || strings.Contains(c.Warnings[0].Error(), "hunter2") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	c = load(t, "site: s1\ngateway: gw-01\nscanners: [{id: a, driver: serial, device: x, zone: dock}]\n"+
		"stock: {items: [{id: milk, codes: [\"1\"], zone: dock}]}\n")
	if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0].Error(), "test.yaml:3:53: scanners[0].zone: the zone dock is not listed under zones") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if len(c.Zones) != 1 || c.Zones[0].ID != "dock" {
		t.Errorf("zones %+v", c.Zones)
	}
	noProfiles := stubKnown()
	noProfiles.Profiles = nil
	c, err := Parse("test.yaml", []byte("site: s1\ngateway: gw-01\nscanners: [{id: a, driver: serial, device: x}]\nzones: [{id: z, profile: vaccine-2-8}]\n"), noProfiles)
	if err != nil || len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0].Error(), "test.yaml:4:26: zones[0].profile: this version has no profiles") {
		t.Errorf("profile: %v, %v", c, err)
	}
	c = load(t, "site: s1\ngateway: gw-01\nzones: [{id: z}]\nsensors:\n  - {id: a, driver: sht4x}\n")
	if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0].Error(), "test.yaml:5:6: sensors[0]: the sensor is in no zone") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	unheard := "site: s1\ngateway: gw-01\nzones: [{id: z}]\nsensors: [{id: a, driver: sht4x, zone: z}]\nalarms: [{id: quiet, kind: no-data, point: a/humidity}]\n"
	c = load(t, unheard)
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "outputs: there are alarms and no outputs") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if c = load(t, unheard+"outputs: [{id: journal, driver: log}]\n"); len(c.Warnings) != 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
}

// An alias is the same value again; other line ends and a byte order mark change nothing.
func TestSpellings(t *testing.T) {
	c := load(t, "\ufeffsite: &here s1\r\ngateway: *here\r\nsensors:\r\n  - id: a\r\n    driver: sht4x\r\n    every: 1m\r\n")
	if c.Gateway != "s1" || c.Sensors[0].Every != time.Minute {
		t.Errorf("%+v", c)
	}
}

func TestScenarioMayBeAFile(t *testing.T) {
	load(t, "site: s1\ngateway: gw-01\nbuses: {i2c-1: {driver: emulated, scenario: ./mine.yaml}}\n")
}

// A hopeless file is refused soon, and with a bounded list.
func TestBounds(t *testing.T) {
	for name, text := range map[string]string{
		"too long":       strings.Repeat("# comment\n", maxText/10+1),
		"deep flow":      "a: " + strings.Repeat("[", 100_000),
		"deep dashes":    strings.Repeat("- ", 100_000),
		"deep keys":      strings.Repeat("? ", 100_000),
		"question marks": strings.Repeat("? a\n", 100_000),
		"deep indent":    deepIndent(400),
		"many keys":      strings.Repeat("a: b\n", 200_000),
		"many flow keys": "{" + strings.Repeat("a: b, ", 150_000) + "}",
		"many errors":    "site: s\ngateway: g\nzones:\n" + strings.Repeat("  - {nam: x}\n", 1_000),
		"brackets":       strings.Repeat("[]\n", 100_000),
		"nul":            "site: \x00",
	} {
		_, err := Parse("x", []byte(text), stubKnown())
		var list *Errors
		if !errors.As(err, &list) {
			t.Errorf("%s: %v, want *Errors", name, err)
			continue
		}
		if len(list.List) > maxErrors || len(err.Error()) > 100_000 {
			t.Errorf("%s: %d errors in %d bytes", name, len(list.List), len(err.Error()))
		}
	}
	_, err := Parse("x", []byte("site: s\ngateway: g\nzones:\n"+strings.Repeat("  - {nam: x}\n", 1_000)), stubKnown())
	if !strings.HasSuffix(err.Error(), "\nand 1800 more errors") {
		t.Errorf("2 000 errors end with %q", err.Error()[len(err.Error())-40:])
	}
}

func deepIndent(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestLoadOfAFileThatIsNone(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), Known{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Load("/dev/zero", Known{}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}

// No message may hold a value that could be a secret: the parser's own messages quote the
// lines around an error.
func TestErrorsTellNoSecret(t *testing.T) {
	for _, text := range []string{
		"site: s1\ngateway: gw\nupstreams:\n  - {id: u, driver: mqtt, url: x, token: hunter2\n",
		"site: s1\ngateway: gw\nupstreams:\n  - {id: u, driver: mqtt, url: x, token: \"hunter2${x}\"}\n",
		"site: s1\ngateway: gw\nupstreams:\n  - id: u\n    driver: mqtt\n    token: \"hunter2\n    url: x\n",
		"site: s1\ngateway: gw\nupstreams:\n  - id: u\n    driver: mqtt\n    tokken: hunter2\n",
	} {
		_, err := Parse("x", []byte(text), stubKnown())
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestNearest(t *testing.T) {
	valid := []string{"every", "address", "at_or_above", "above", "zone", "id", "kind", "max", "timeout"}
	for word, want := range map[string]string{
		"evry": "every", "Every": "every", "adress": "address", "atOrAbove": "at_or_above", "at-or-above": "at_or_above",
		"abvoe": "above", "zones": "zone", "ID": "id", "timeout_s": "timeout", "xyzzy": "", "": "", "time": "timeout",
	} {
		if got := nearest(word, valid); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
	for _, d := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := distance(d.a, d.b); got != d.want {
			t.Errorf("distance(%q, %q) = %d, want %d", d.a, d.b, got, d.want)
		}
	}
}

// A large site is nothing special.
func TestAThousandSensors(t *testing.T) {
	var b strings.Builder
	b.WriteString("site: s1\ngateway: gw-01\nzones: [{id: z}]\nsensors:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - id: s%d\n    driver: gpio\n    pin: GPIO%d\n    zone: z\n    every: 10s\n", i, i)
	}
	c := load(t, b.String())
	if len(c.Sensors) != 1000 || len(c.Warnings) != 0 {
		t.Errorf("%d sensors, warnings %v", len(c.Sensors), c.Warnings)
	}
}
