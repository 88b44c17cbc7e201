package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/health"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with testdata/golden/name.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs (write it anew with -update):\n%s", path, text)
	}
}

func value(v float64) *agent.Value {
	x, err := agent.ValueOf(v)
	if err != nil {
		panic(err)
	}
	return &x
}

// fixture is the status of a gateway on a bad morning.
func fixture() *control.Status {
	at := func(clock string) time.Time {
		t, err := time.Parse(time.DateTime, "2026-11-21 "+clock)
		if err != nil {
			panic(err)
		}
		return t
	}
	gauge := func(point string, q agent.Quantity, v, trend float64) control.Point {
		return control.Point{Point: agent.PointID(point), Quantity: q, Unit: q.Unit(), V: value(v), Trend: value(trend), T: at("23:13:30")}
	}
	return &control.Status{
		Site: "shanghai-dc1", Gateway: "gw-01", Version: "1.2.3", Now: at("23:13:36"), Timezone: "Asia/Shanghai",
		Clock: new(agent.ClockSynced), UptimeS: new(int64(3725)),
		Zones: []control.Zone{
			{ID: "cold-room-1", Name: "疫苗冷库 Vaccine cold room", Points: []control.Point{
				gauge("cr1-air/temperature", agent.Temperature, 10.52, 31.7),
				gauge("cr1-air/humidity", agent.Humidity, 94.73, -1.9),
				{Point: "cr1-product/temperature", Quantity: agent.Temperature, Unit: "°C", Fault: "absent", T: at("23:13:30")},
				{Point: "cr1-door/door", Quantity: agent.Door, V: value(1), T: at("23:13:02")},
			}},
			{ID: "freezer-1", Points: []control.Point{
				gauge("fr1-air/temperature", agent.Temperature, -21.125, -5.3),
				{Point: "fr1-product/temperature", Quantity: agent.Temperature, Unit: "°C"},
			}},
			{ID: "office", Points: []control.Point{}},
			{Points: []control.Point{
				{Point: "mains/power_ok", Quantity: agent.PowerOK, V: value(0), T: at("23:13:02")},
				{Point: "dock/pressure", Quantity: agent.Pressure, Unit: "hPa", V: value(1012.34), Marks: []string{"flatline"}, T: at("23:13:30")},
			}},
		},
		Alarms: []control.Alarm{
			{ID: "cr1-door-open:cr1-door/door:5b0e1c9a:6", Alarm: "cr1-door-open", Severity: agent.SeverityWarning, Zone: "cold-room-1", State: agent.StateRtnUnack,
				Raised: at("23:05:02"), Message: "Vaccine cold room door closed, open for 3 min"},
			{ID: "cr1-warm:cr1-air/temperature:5b0e1c9a:7", Alarm: "cr1-warm", Severity: agent.SeverityCritical, Zone: "cold-room-1", State: agent.StateUnack, Raised: at("23:09:02"),
				Message: "Vaccine cold room temperature 10.52 °C, above 8 °C for 5 min; goods there: Vaccine A, Insulin B. Close the door. If it stays warm, call the refrigeration service and move the vaccine."},
			{ID: "below-minimum:insulin-b:5b0e1c9a:8", Alarm: "below-minimum", Severity: agent.SeverityWarning, State: agent.StateAck, Raised: at("23:12:33"),
				Message: "Insulin B: 1 left, minimum 2", By: "Li Wei", Comment: "ordered"},
		},
		Stock: []control.StockLine{
			{Item: "vaccine-a", Name: "Vaccine A", Zone: "cold-room-1", Balance: 3, Known: true, Total: 3, Minimum: 2},
			{Item: "insulin-b", Name: "Insulin B", Zone: "cold-room-1", Balance: 1, Known: true, Total: 1, Minimum: 2},
			{Item: "ice", Zone: "freezer-1", Minimum: 1},
		},
		Store: control.Store{Epoch: 0x3f9c1d2e4b5a6978, Last: 4711, Records: 4711, Bytes: 1536 << 10, InMemory: 12, SetAside: []string{"frostline.db.damaged-20261121T230102Z"}},
		Upstreams: []control.Upstream{
			{ID: "hq-mqtt", Driver: "mqtt", State: "retrying", Waiting: 215, Taken: 4496, Bytes: 3 << 20, Limit: 50 << 20, Error: "connect: connection refused"},
			{ID: "hq-influx", Driver: "influx", State: "idle", Taken: 4711, Bytes: 900},
		},
		Conditions: []health.Active{
			{Code: "store-full", Subject: "store", Severity: agent.SeverityCritical, Title: "The disk is full: records stay in memory.", Remedy: "Free space.", Detail: "no space left on device"},
			{Code: "upstream-unreachable", Subject: "upstream/hq-mqtt", Severity: agent.SeverityWarning, Title: "An upstream cannot be reached.", Remedy: "Check the network and the url."},
		},
	}
}
