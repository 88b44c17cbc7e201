package emulated

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const small = `name: small
zones:
  - {id: room, start: 5, volume: 20, air: 120, walls: 20, door: 300, cooling: {power: 2000, cop: 2, setpoint: 5, band: 1}}
chips:
  - {id: air, chip: sht4x, bus: i2c-1, zone: room}
  - {id: bridge, chip: ds2482, bus: i2c-1}
  - {id: probe, chip: ds18b20, bus: bridge, serial: 0316a2791a01, zone: room}
  - {id: reader, chip: mfrc522, bus: spi0.0}
lines:
  - {pin: GPIO17, of: door, zone: room}
serial:
  - {port: /dev/ttyACM0}
`

func TestParse(t *testing.T) {
	s, err := Parse([]byte(small + "script:\n  - {at: 1m30s, for: 10s, do: door-open, on: room}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Zones[0].Around != outside || s.Chips[0].Address != 0x44 || s.Chips[1].Address != 0x18 || s.Script[0].At != 90*time.Second {
		t.Errorf("%+v", s)
	}
	path := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Load(path); err != nil || s.Name != "small" {
		t.Errorf("%v, %q", err, s.Name)
	}
}

func TestBadScenarios(t *testing.T) {
	script := func(line string) string { return small + "script:\n  - {" + line + "}\n" }
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "empty"},
		"not yaml":        {"{", ""},
		"unknown key":     {small + "colour: blue\n", `unknown field "colour"`},
		"unknown in zone": {strings.Replace(small, "volume: 20", "volume: 20, height: 3", 1), `unknown field "height"`},
		"no name":         {strings.Replace(small, "name: small", "name: ''", 1), "name is missing"},
		"zone twice":      {strings.Replace(small, "chips:", "  - {id: room, volume: 1, air: 100}\nchips:", 1), "given twice"},
		"zone id":         {strings.Replace(small, "id: room", "id: Room!", 1), "not an id"},
		"around unknown":  {strings.Replace(small, "start: 5", "around: moon", 1), "around moon"},
		"no volume":       {strings.Replace(small, "volume: 20", "volume: 0", 1), "volume must be positive"},
		"unstable":        {strings.Replace(small, "air: 120", "air: 1", 1), "too little for its walls"},
		"negative":        {strings.Replace(small, "walls: 20", "walls: -1", 1), "walls is negative"},
		"bad chip":        {strings.Replace(small, "chip: sht4x", "chip: sht99", 1), `no model of "sht99"`},
		"bad place":       {strings.Replace(small, "bus: i2c-1, zone: room", "bus: i2c-1, zone: room, place: roof", 1), `no place "roof"`},
		"bad address":     {strings.Replace(small, "bus: i2c-1, zone: room", "bus: i2c-1, zone: room, address: 0x90", 1), "not 0x08 to 0x77"},
		"address taken":   {strings.Replace(small, "bus: i2c-1, zone: room", "bus: i2c-1, zone: room, address: 0x18", 1), "has address 0x18 on i2c-1 already"},
		"chip nowhere":    {strings.Replace(small, "bus: i2c-1, zone: room", "bus: i2c-1, zone: attic", 1), `zone "attic" is not given`},
		"bad serial":      {strings.Replace(small, "0316a2791a01", "0316", 1), "twelve hexadecimal digits"},
		"bus of two":      {strings.Replace(small, "bus: spi0.0", "bus: i2c-1", 1), "of another kind"},
		"behind a sensor": {strings.Replace(small, "bus: bridge", "bus: air", 1), "bus air is a sht4x"},
		"line of nothing": {strings.Replace(small, "of: door", "of: window", 1), `of "window"`},
		"no duration":     {script("at: 1s, do: door-open, on: room"), "for is missing"},
		"scan lasts":      {script("at: 1s, for: 1s, do: code-scanned, on: /dev/ttyACM0, code: x"), "leave for out"},
		"no zone":         {script("at: 1s, for: 1s, do: door-open, on: attic"), "no zone with a door"},
		"no chip":         {script("at: 1s, for: 1s, do: unplugged, on: attic"), "is no chip"},
		"no bus":          {script("at: 1s, for: 1s, do: bus-stuck, on: i2c-9"), "is no bus"},
		"no line":         {script("at: 1s, for: 1s, do: bus-shorted, on: i2c-1"), "no 1-Wire master"},
		"bad tag":         {script("at: 1s, for: 1s, do: tag-present, on: reader, code: 04A2"), "hexadecimal digits"},
		"no port":         {script("at: 1s, do: code-scanned, on: COM1, code: x"), "no serial port"},
		"link of whom":    {script("at: 1s, for: 1s, do: link-down, on: room"), "leave on out"},
		"unheard of":      {script("at: 1s, for: 1s, do: flood"), "nothing of that name"},
		"bad duration":    {script("at: soon, for: 1s, do: link-down"), ""},
		"bad time":        {strings.Replace(small, "name: small", "name: small\nclock: noon", 1), "not a time of day"},
		"after repeat":    {"repeat: 2s\n" + script("at: 1s, for: 5s, do: link-down"), "after the script repeats"},
		"route backwards": {small + "route:\n  - {at: 2m, lat: 1, lon: 1}\n  - {at: 1m, lat: 1, lon: 1}\n", "not after the waypoint before"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestAllErrorsComeAtOnce(t *testing.T) {
	_, err := Parse([]byte(small + "script:\n  - {at: 1s, for: 1s, do: flood}\n  - {at: 1s, for: 1s, do: unplugged, on: attic}\n"))
	if err == nil || !strings.Contains(err.Error(), "flood") || !strings.Contains(err.Error(), "attic") {
		t.Errorf("%v", err)
	}
}

func TestScriptIntervals(t *testing.T) {
	s := script{lines: []Happening{
		{At: 10 * time.Second, For: 5 * time.Second, Do: LinkDown},
		{At: 15 * time.Second, For: 5 * time.Second, Do: LinkDown},
		{At: 12 * time.Second, Do: CodeScanned, On: "p", Code: "1"},
	}}
	for at, want := range map[time.Duration]bool{
		9999 * time.Millisecond: false, 10 * time.Second: true, 14 * time.Second: true,
		15 * time.Second: true, 20 * time.Second: false,
	} {
		if got := s.active(LinkDown, "", at); got != want {
			t.Errorf("at %s: %v", at, got)
		}
	}
	var got []string
	for _, e := range s.between(0, time.Minute) {
		got = append(got, e.At.String()+map[bool]string{true: "+", false: "-"}[e.Begin]+string(e.Do))
	}
	want := "10s+link-down 12s+code-scanned 15s-link-down 15s+link-down 20s-link-down"
	if strings.Join(got, " ") != want {
		t.Errorf("%v\nwant %s", got, want)
	}
	if n := len(s.between(10*time.Second, 10*time.Second)); n != 0 {
		t.Errorf("%d events in no time", n)
	}
	if at, ok := s.next(12 * time.Second); !ok || at != 15*time.Second {
		t.Errorf("next after 12 s: %s, %v", at, ok)
	}
	if _, ok := s.next(20 * time.Second); ok {
		t.Error("something happens after the end")
	}
}

func TestScriptRepeats(t *testing.T) {
	s := script{repeat: time.Minute, lines: []Happening{{At: 0, For: time.Second, Do: LinkDown}, {At: 50 * time.Second, For: time.Second, Do: LinkDown}}}
	if !s.active(LinkDown, "", 61*time.Minute+50*time.Second) || s.active(LinkDown, "", 61*time.Minute+52*time.Second) {
		t.Error("the hour after is not like the first minute")
	}
	if at, ok := s.next(51 * time.Second); !ok || at != time.Minute {
		t.Errorf("next after 51 s: %s", at)
	}
	if at, ok := s.next(3*time.Minute + 2*time.Second); !ok || at != 3*time.Minute+50*time.Second {
		t.Errorf("next after 3m2s: %s", at)
	}
	if n := len(s.between(51*time.Second, 2*time.Minute)); n != 5 {
		t.Errorf("%d events in a minute and nine seconds: %v", n, s.between(51*time.Second, 2*time.Minute))
	}
	if n := len(s.between(0, 1000*time.Hour)); n > 12 {
		t.Errorf("a long sleep is told in %d events", n)
	}
}
