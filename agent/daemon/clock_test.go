package daemon

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/wire"
)

// oneRoom is a config with one thermometer and an MQTT upstream.
func oneRoom(zone agent.ZoneID, url string) string {
	return fmt.Sprintf(`
zones: [{id: dock}, {id: cold-room-1}]
sensors: [{id: a, driver: dial, name: a, every: 10s, zone: %s}]
upstreams: [{id: hq, driver: mqtt, url: %q, heartbeat: 1s, batch: {linger: 20ms}}]
`, zone, url)
}

// arrived are the records that a broker took on a topic of the gateway, as it took them.
func arrived(t *testing.T, b *peers.Embedded, topic string) []wire.Batch {
	t.Helper()
	var all []wire.Batch
	for _, m := range b.Messages() {
		if m.Topic != "frostline/v1/s1/gw-01/"+topic || m.Verdict != peers.Take || len(m.Payload) == 0 {
			continue
		}
		batch, err := wire.ParseBatch(m.Payload)
		if err != nil {
			t.Fatalf("%s: %v", m.Payload, err)
		}
		all = append(all, batch)
	}
	return all
}

// arrivedReadings are the distinct readings that a broker took, in order of arrival, with the zone
// that the wire gives them.
func arrivedReadings(t *testing.T, b *peers.Embedded) (records []agent.Record, zones []agent.ZoneID) {
	t.Helper()
	seen := map[agent.Position]bool{}
	for _, batch := range arrived(t, b, "readings") {
		for _, rec := range batch.Records {
			if seen[rec.Position] {
				continue
			}
			seen[rec.Position] = true
			def, _ := batch.Definition(rec.Reading.Def)
			records, zones = append(records, rec), append(zones, def.Zone)
		}
	}
	return records, zones
}

// A gateway without RTC boots in 1970: it records, and nothing goes upstream before the clock
// is right; then everything arrives with the time at which it was measured.
func TestABootIn1970(t *testing.T) {
	t.Parallel()
	r, broker := newRig(t), peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r.fake.Reboot() // unset
	r.start(oneRoom("dock", broker.URL()))
	r.measured(1)
	for range 4 {
		r.tick(10*time.Second, 1)
	}
	r.shown("clock-unset", "clock")
	r.durable()
	eventually(t, "connected", func() bool { _, ok := broker.Retained("frostline/v1/s1/gw-01/status"); return ok })
	for _, topic := range []string{"readings", "events", "alarms"} {
		for _, b := range arrived(t, broker, topic) {
			if len(b.Records) > 0 {
				t.Errorf("%s: %d records left with a clock that is wrong", topic, len(b.Records))
			}
		}
	}
	if s := r.status(); !s.Now.IsZero() {
		t.Errorf("status tells the time: %v", s.Now)
	}

	r.fake.step(morning, agent.ClockSynced) // 40 s after the first reading
	r.gone("clock-unset", "clock")
	r.tick(10*time.Second, 1)
	r.linger()
	eventually(t, "six readings arrive", func() bool { got, _ := arrivedReadings(t, broker); return len(got) == 6 })
	got, _ := arrivedReadings(t, broker)
	for i, rec := range got {
		if want := morning.Add(time.Duration(i-4) * 10 * time.Second); !rec.At().Wall.Equal(want) {
			t.Errorf("reading %d arrives with %v, want %v", i, rec.At().Wall, want)
		}
	}
	for _, topic := range []string{"events", "alarms"} {
		for _, b := range arrived(t, broker, topic) {
			for _, rec := range b.Records {
				if rec.At().Wall.Before(morning.Add(-time.Minute)) {
					t.Errorf("%s: %+v arrives with %v", topic, rec.Event, rec.At().Wall)
				}
			}
		}
	}
}

// A boot ends before its clock was ever right: its records arrive without a date, and say
// between which times they were taken.
func TestABootThatEndedUndated(t *testing.T) {
	t.Parallel()
	r, broker := newRig(t), peers.StartEmbedded(t, peers.EmbeddedOptions{})
	text := oneRoom("dock", broker.URL())
	r.start(text) // a first boot with a right clock
	r.measured(1)
	r.durable()
	r.stop()
	r.fake.Advance(time.Hour)
	r.fake.Reboot()
	lost := r.fake.Now().Boot
	r.start(text)
	r.measured(1)
	r.tick(10*time.Second, 1)
	r.durable()
	r.stop()

	later := morning.Add(5 * time.Hour)
	r.fake.Reboot()
	r.fake.Step(later, agent.ClockSynced)
	r.start(text)
	r.measured(1)
	r.linger()
	eventually(t, "four readings arrive", func() bool { got, _ := arrivedReadings(t, broker); return len(got) == 4 })
	got, _ := arrivedReadings(t, broker)
	undated := 0
	for _, rec := range got {
		if rec.Undated == nil {
			continue
		}
		undated++
		if rec.At().Boot != lost || !rec.At().Wall.IsZero() {
			t.Errorf("undated record: %+v", rec.At())
		}
		if !rec.Undated.After.Equal(morning) || rec.Undated.Before.Before(rec.Undated.After) || rec.Undated.Before.After(later) {
			t.Errorf("between %v and %v, want from %v to at most %v", rec.Undated.After, rec.Undated.Before, morning, later)
		}
	}
	if undated != 2 {
		t.Errorf("%d undated readings, want 2", undated)
	}
	var texts []string
	for _, m := range broker.Messages() {
		texts = append(texts, string(m.Payload))
	}
	if !strings.Contains(strings.Join(texts, "\n"), `"t":null`) {
		t.Error(`no "t":null crossed the wire`)
	}
}

// An unconfirmed clock: its records go marked, or wait for a confirmation, as the config says.
func TestAClockThatNobodyConfirmed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, head string
		waits      bool
	}{
		{"held goes, marked", "", false},
		{"synced waits", "clock: {trust: synced, wait: 10m}", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, broker := newRig(t), peers.StartEmbedded(t, peers.EmbeddedOptions{})
			r.fake.Step(morning, agent.ClockHeld)
			r.head = tc.head
			r.start(oneRoom("dock", broker.URL()))
			r.measured(1)
			r.shown("clock-held", "clock")
			if tc.waits {
				r.tick(10*time.Second, 1)
				r.durable()
				eventually(t, "connected", func() bool { _, ok := broker.Retained("frostline/v1/s1/gw-01/status"); return ok })
				if got, _ := arrivedReadings(t, broker); len(got) > 0 {
					t.Errorf("%d readings left before the clock was confirmed", len(got))
				}
				for range 60 { // 10 min
					r.tick(10*time.Second, 1)
				}
			}
			r.linger()
			eventually(t, "readings arrive", func() bool { got, _ := arrivedReadings(t, broker); return len(got) > 0 })
			got, _ := arrivedReadings(t, broker)
			if got[0].At().Trust != agent.ClockHeld || !got[0].At().Wall.Equal(morning) {
				t.Errorf("the first arrives with %v, %v", got[0].At().Trust, got[0].At().Wall)
			}
			r.fake.step(r.fake.Now().Wall, agent.ClockSynced)
			r.gone("clock-held", "clock")
		})
	}
}

// The clock steps back by 30 s: the same seconds come twice, and a real InfluxDB still counts
// as many records as the store.
func TestAClockThatStepsBackLosesNothingInInfluxDB(t *testing.T) {
	t.Parallel()
	in := peers.Influxd(t, peers.InfluxOptions{})
	in.CreateBucket("cold")
	r := newRig(t)
	r.start(fmt.Sprintf(`
sensors: [{id: many, driver: synthetic, points: 50, every: 1s}, {id: a, driver: dial, name: a, every: 1s}]
alarms: [{id: warm, point: a/temperature, above: 8}]
upstreams: [{id: influx, driver: influx, url: %q, bucket: cold, batch: {linger: 50ms}}]
`, in.URL()))
	r.measured(51)
	for i := range 40 {
		if i == 20 {
			r.fake.step(r.fake.Now().Wall.Add(-30*time.Second), agent.ClockSynced)
			r.dial("a").set(9)
		}
		r.tick(time.Second, 51)
	}
	r.linger()
	var stored int64
	eventually(t, "everything is taken", func() bool {
		r.durable()
		stat, err := r.agent.store.Stat(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		stored = 0
		for _, n := range stat.Records {
			stored += n
		}
		return r.status().Upstreams[0].Waiting == 0
	})
	var there int64
	for _, m := range in.Measurements("cold") {
		there += int64(in.Count("cold", m, "seq"))
	}
	if there != stored || stored < 41*51 {
		t.Errorf("InfluxDB has %d records, the store %d: %v", there, stored, in.Measurements("cold"))
	}
	var steps int
	for _, rec := range r.records(agent.KindEvents) {
		if c := rec.Event.Clock; c != nil && c.NewOffset-c.OldOffset == -30_000 {
			steps++
		}
	}
	if steps != 1 {
		t.Errorf("%d events tell of the step, want 1", steps)
	}
}

// The machine's clock stands before the newest record, and nobody confirms it: it is known
// to be wrong, so nothing is dated by it.
func TestAClockBeforeTheNewestRecordIsNotBelieved(t *testing.T) {
	r := newRig(t)
	r.fake.Step(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), agent.ClockSynced)
	text := "sensors: [{id: a, driver: dial, name: a, every: 10s}]"
	r.start(text)
	r.measured(1)
	r.durable()
	r.stop()
	machine := clock.NewSystem(morning)
	confirmed := machine.Now().Trust == agent.ClockSynced
	r.clock = machine
	r.start(text)
	r.measured(1)
	_, unset := r.condition("clock-unset", "clock")
	if !confirmed {
		eventually(t, "clock-unset", func() bool { _, unset = r.condition("clock-unset", "clock"); return unset })
		return
	}
	if unset {
		t.Error("a clock that the kernel confirms is not believed")
	}
}

// A sensor is moved to another zone while the link is down: what was measured before arrives
// under the old zone.
func TestASensorMovedWhileTheLinkIsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	nobody := fmt.Sprintf("mqtt://127.0.0.1:%d", peers.FreePort(t))
	r.start(oneRoom("dock", nobody))
	r.measured(1)
	r.tick(10*time.Second, 1)
	r.durable()
	r.shown("upstream-unreachable", "upstream/hq")
	r.stop()
	broker := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r.start(oneRoom("cold-room-1", broker.URL()))
	r.measured(1)
	r.tick(10*time.Second, 1)
	r.linger()
	eventually(t, "four readings arrive", func() bool { got, _ := arrivedReadings(t, broker); return len(got) == 4 })
	_, zones := arrivedReadings(t, broker)
	if fmt.Sprint(zones) != "[dock dock cold-room-1 cold-room-1]" {
		t.Errorf("zones %v", zones)
	}
}

// A config that cannot work stops a start before anything is touched.
func TestAWrongConfigTouchesNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := config.Parse("x.yaml", []byte(fmt.Sprintf("site: s1\ngateway: g\nstore: {dir: %q}\nsensor: []\nalarms: [{id: x, point: a/b, above: 1}]\n", dir+"/store")), Known())
	if err == nil || !strings.Contains(err.Error(), "x.yaml:4") || !strings.Contains(err.Error(), "x.yaml:5") {
		t.Errorf("error: %v", err)
	}
}
