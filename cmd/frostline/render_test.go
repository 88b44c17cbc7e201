package main

import (
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

func TestStatusText(t *testing.T) {
	for _, c := range []struct {
		name   string
		status *control.Status
		live   bool
		style  style
	}{
		{"status.txt", fixture(), true, plain},
		{"status-color.txt", fixture(), true, terminal},
		{"status-offline.txt", fixture(), false, plain},
		{"status-empty.txt", &control.Status{Site: "s", Gateway: "g", Now: fixture().Now, Clock: new(agent.ClockHeld), UptimeS: new(int64(0)), Timezone: "UTC"}, true, plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := render(&b, c.status, c.live, c.style); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name, b.String())
		})
	}
}

func TestValueText(t *testing.T) {
	for _, c := range []struct {
		q    agent.Quantity
		v    float64
		want string
	}{
		{agent.Temperature, -21.126, "-21.13 °C"},
		{agent.Temperature, 0, "0.00 °C"},
		{agent.Humidity, 55, "55.0 %RH"},
		{agent.Door, 0, "closed"},
		{agent.Door, 1, "open"},
		{agent.Contact, 1, "closed"},
		{agent.PowerOK, 0, "power lost"},
		{agent.Count, 7, "7"},
		{agent.Latitude, 31.23, "31.23000 °"},
	} {
		if got := valueText(c.q, *value(c.v)); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.q, c.v, got, c.want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 10: "1.5 MiB", 8 << 30: "8.0 GiB", 5 << 40: "5.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestTimesAreTheSites(t *testing.T) {
	at := time.Date(2026, 11, 21, 23, 13, 36, 0, time.UTC)
	if got := timeIn(at, siteOf(&control.Status{Timezone: "Asia/Shanghai"})); got != "2026-11-22 07:13:36" {
		t.Error(got)
	}
	if got := timeIn(time.Time{}, time.UTC); got != "time unknown" {
		t.Error(got)
	}
}

func TestTextInColumns(t *testing.T) {
	if n := columns("疫苗 °C"); n != 7 {
		t.Errorf("columns: %d", n)
	}
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"Freezer", 7, "Freezer"}, {"Freezer", 6, "Freez…"}, {"Freezer", 1, "…"}, {"Freezer", 0, ""},
		{"疫苗冷库", 8, "疫苗冷库"}, {"疫苗冷库", 7, "疫苗冷…"}, {"疫苗冷库", 6, "疫苗…"},
	} {
		if got := clip(c.text, c.n); got != c.want {
			t.Errorf("clip %q to %d: %q, want %q", c.text, c.n, got, c.want)
		}
	}
	if got := strings.Join(wrap("Close the door. Call the service.", 16), "|"); got != "Close the door.|Call the|service." {
		t.Error(got)
	}
}
