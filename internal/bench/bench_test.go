package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/mqttconn"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	cases := []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{hundred, 99, 99}, {hundred, 50, 50}, {hundred, 100, 100}, {hundred, 0, 1}, {hundred[:10], 99, 100},
		{[]time.Duration{7}, 99, 7}, {[]time.Duration{3, 1, 2}, 50, 2}, {nil, 99, 0},
	}
	for _, c := range cases {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("p%v of %d values is %d, want %d", c.p, len(c.values), got, c.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("percentile changed the order of its argument")
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{5}, 5}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

func TestAFigureSaysWhetherItIsMissed(t *testing.T) {
	for _, c := range []struct {
		f    figure
		want string
	}{
		{atMost("x", 150, "B", 150, ""), "OK"},
		{atMost("x", 150.5, "B", 150, ""), "MISSED"},
		{atLeast("x", 149_999, "records/s", 150_000, ""), "MISSED"},
		{atLeast("x", 150_000, "records/s", 150_000, ""), "≥ 150000 records/s"},
		{aside("x", 1, "B", "of %d", 3), "(of 3)"},
	} {
		var text bytes.Buffer
		if err := show(&text, &c.f, false); err != nil || !strings.Contains(text.String(), c.want) {
			t.Errorf("%q, %v: want %q in it", text.String(), err, c.want)
		}
		text.Reset()
		var back figure
		if err := show(&text, &c.f, true); err != nil || json.Unmarshal(text.Bytes(), &back) != nil || back != c.f {
			t.Errorf("JSON %q, %v", text.String(), err)
		}
	}
}

func TestOnly(t *testing.T) {
	if got, err := choose("wire,disk"); err != nil || len(got) != 2 || got[0].name != "wire" {
		t.Errorf("chose %v, %v", got, err)
	}
	if got, err := choose(""); err != nil || len(got) != len(items) {
		t.Errorf("chose %d, %v", len(got), err)
	}
	if _, err := choose("wire,speed"); err == nil {
		t.Error("an unknown name chooses something")
	}
}

// load reads a setup's config with the agent's own rules.
func load(t *testing.T, s setup) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "frostline.yaml")
	if err := os.WriteFile(path, []byte(s.config(t.TempDir())), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, daemon.Known())
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	return cfg
}

func TestEverySetupIsAConfig(t *testing.T) {
	for _, s := range []setup{
		{points: 100, every: "1s"},
		{points: 200, every: "100ms", broker: "127.0.0.1:1883", encoding: "compact"},
		{points: 100, every: "100ms", limit: "5.0", webhook: "http://127.0.0.1:8080/alarm"},
		{points: 100, every: "1s", quick: 20, limit: "4.0", broker: "127.0.0.1:1883"},
	} {
		load(t, s)
	}
}

func TestAGeneratedStoreIsTheGatewaysOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if err := fill(t.Context(), dir, 500); err != nil {
		t.Fatal(err)
	}
	report, err := store.Check(t.Context(), dir)
	if err != nil || !report.OK || report.Records[agent.KindReadings] != 500 {
		t.Errorf("%+v, %v", report, err)
	}
	s := load(t, setup{points: seriesInBacklog, every: "1s"}).Sensors[0]
	if defs := definitions(); len(defs) != len(s.Points) {
		t.Errorf("%d definitions, the config has %d points", len(defs), len(s.Points))
	}
	for i, d := range definitions() {
		want := agent.Definition{Point: s.ID.Point(s.Points[i].Name), Quantity: s.Points[i].Quantity, Zone: s.Zone, Role: s.Role, Driver: s.Driver}
		if d != want.Identified() {
			t.Fatalf("definition %+v, the config means %+v", d, want)
		}
	}
}

func TestLagsAreOfTheTimeThatCounts(t *testing.T) {
	now := time.Now().Truncate(time.Millisecond)
	ms := func(ago time.Duration) string {
		text, err := json.Marshal(now.Add(-ago).UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	l := &listener{seen: map[string]bool{}}
	l.between(now.Add(-10*time.Second), now.Add(-2*time.Second))
	payload := `{"records":[{"seq":1,"t":` + ms(time.Hour) + `},{"seq":2,"t":` + ms(5*time.Second) + `},{"seq":3,"t":` + ms(4*time.Second) +
		`},{"seq":4,"t":null},{"seq":5,"t":` + ms(time.Second) + `}]}`
	l.take(mqttconn.Message{Topic: "frostline/v1/lab/bench/readings", Payload: []byte(payload)})
	l.take(mqttconn.Message{Topic: "frostline/v1/lab/bench/alarms", Payload: []byte(`{"records":[{"seq":6,"t":` + ms(3*time.Second) + `}]}`)})
	got := l.heard()
	if len(got.readings) != 2 || len(got.alarms) != 1 || got.readings[0] < 4*time.Second || got.readings[1] > 6*time.Second {
		t.Errorf("%+v", got)
	}
}

func TestAStopWithoutAStoreIsAnError(t *testing.T) {
	if _, err := firstReading(t.Context(), t.TempDir(), time.Now()); err == nil {
		t.Error("found a reading where there is no store")
	}
}
