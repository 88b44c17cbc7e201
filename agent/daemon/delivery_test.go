package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
)

// The byte limit of an upstream is used up: routine records wait, an alarm still goes through, and a
// restart does not begin the count anew. The next period brings the rest.
func TestAByteLimitIsKeptOverARestart(t *testing.T) {
	t.Parallel()
	broker := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r := newRig(t)
	text := "sensors: [{id: many, driver: synthetic, points: 20, every: 10s}, {id: a, driver: dial, name: a, every: 10s}]\n" +
		"alarms: [{id: warm, point: a/temperature, above: 8}]\nupstreams:\n" +
		mqttUpstream("hq", broker.URL(), ", limit: {bytes: 100KiB, per: day}")
	text = strings.Replace(text, "heartbeat: 1s", "heartbeat: 1h", 1)
	r.start(text)
	r.measured(21)
	eventually(t, "upstream-budget in status", func() bool {
		r.tick(10*time.Second, 21)
		r.linger()
		_, over := r.condition("upstream-budget", "upstream/hq")
		return over
	})
	used := r.status().Upstreams[0]
	if used.Limit != 100<<10 || used.Bytes > used.Limit || used.Bytes < used.Limit/2 {
		t.Errorf("status: %d of %d bytes", used.Bytes, used.Limit)
	}
	if used.Waiting == 0 {
		t.Error("nothing waits")
	}
	r.stop()
	r.start(text)
	r.measured(21)
	r.shown("upstream-budget", "upstream/hq")
	if again := r.status().Upstreams[0]; again.Bytes < used.Bytes || again.Bytes > again.Limit {
		t.Errorf("%d bytes were used before the restart, %d are counted after it", used.Bytes, again.Bytes)
	}
	r.dial("a").set(9)
	r.tick(10*time.Second, 21)
	eventually(t, "the alarm arrives within the last tenth", func() bool {
		for _, b := range arrived(t, broker, "alarms") {
			for _, rec := range b.Records {
				if rec.Event.Alarm != nil && rec.Event.Alarm.Alarm == "warm" {
					return true
				}
			}
		}
		return false
	})
	if b := r.status().Upstreams[0]; b.Bytes > b.Limit {
		t.Errorf("%d bytes of %d are used", b.Bytes, b.Limit)
	}
}

const twoZones = `
zones: [{id: cold-room-1}, {id: dock}]
sensors:
  - {id: a, driver: dial, name: a, every: 10s, zone: cold-room-1}
  - {id: b, driver: dial, name: b, every: 10s, zone: dock}
alarms: [{id: warm, quantity: temperature, above: 8}]
upstreams:
`

// points are the distinct points of which readings arrived, and alarms whether an alarm did.
func pointsAt(t *testing.T, b *peers.Embedded) (points map[agent.PointID]int, alarms int) {
	t.Helper()
	points = map[agent.PointID]int{}
	for _, batch := range arrived(t, b, "readings") {
		for _, rec := range batch.Records {
			d, _ := batch.Definition(rec.Reading.Def)
			points[d.Point]++
		}
	}
	for _, batch := range arrived(t, b, "alarms") {
		for _, rec := range batch.Records {
			if rec.Event.Alarm != nil {
				alarms++
			}
		}
	}
	return points, alarms
}

// waiting is how many records no upstream has taken yet.
func (r *rig) waiting() (n int64) {
	r.t.Helper()
	for _, u := range r.status().Upstreams {
		n += u.Waiting
	}
	return n
}

// `only:` selects kinds and zones; what it leaves out is no gap in the ledger.
func TestOnlySelects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, only string
		points     string
		alarms     int
	}{
		{"one zone", ", only: {zones: [cold-room-1]}", "map[a/temperature:6]", 1},
		{"alarms", ", only: {kinds: [alarms]}", "map[]", 2},
		{"readings of one zone", ", only: {kinds: [readings], zones: [dock]}", "map[b/temperature:6]", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			broker := peers.StartEmbedded(t, peers.EmbeddedOptions{})
			recv := receiver(t, mqttconn.Options{URL: broker.URL()})
			r := newRig(t)
			r.start(twoZones + mqttUpstream("hq", broker.URL(), tc.only))
			r.measured(2)
			for i := range 5 {
				if i == 3 {
					r.dial("a").set(9)
					r.dial("b").set(9)
				}
				r.tick(10*time.Second, 2)
			}
			r.linger()
			eventually(t, "nothing waits", func() bool { return r.status().Upstreams[0].Waiting == 0 })
			points, alarms := pointsAt(t, broker)
			if fmt.Sprint(points) != tc.points || alarms != tc.alarms {
				t.Errorf("%v and %d alarms arrived, want %s and %d", points, alarms, tc.points, tc.alarms)
			}
			if a := account(recv); a.Missing != 0 {
				t.Errorf("ledger: %+v", a)
			}
		})
	}
}

// A new upstream begins with the oldest record or from now; one that leaves the config and comes back
// goes on where it was; one that is forgotten begins anew.
func TestWhereAnUpstreamBegins(t *testing.T) {
	t.Parallel()
	old, now := peers.StartEmbedded(t, peers.EmbeddedOptions{}), peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r := newRig(t)
	first := mqttUpstream("old", old.URL(), "")
	r.start(twoZones + first)
	r.measured(2)
	r.tick(10*time.Second, 2)
	r.linger()
	count := func(b *peers.Embedded) int { got, _ := arrivedReadings(t, b); return len(got) }
	eventually(t, "four arrive at the first", func() bool { return count(old) == 4 })
	r.stop()

	second := mqttUpstream("now", now.URL(), ", from: now")
	r.start(twoZones + first + second)
	r.measured(2)
	eventually(t, "the new one has a cursor", func() bool {
		stat, err := r.agent.store.Stat(t.Context())
		return err == nil && slices.ContainsFunc(stat.Cursors, func(c store.CursorStat) bool { return c.Upstream == "now" && c.Lane == "main" })
	})
	r.tick(10*time.Second, 2)
	r.linger()
	eventually(t, "the new one begins from now", func() bool { return count(now) >= 2 && count(old) == 8 && r.waiting() == 0 })
	had := count(now)
	if had > 4 {
		t.Errorf("%d readings at an upstream that begins from now", had)
	}
	r.stop()

	r.start(twoZones + second) // without the first
	r.measured(2)
	r.tick(10*time.Second, 2)
	r.linger()
	eventually(t, "the second takes them", func() bool { return count(now) == had+4 })
	if err := r.client().Post(t.Context(), "store/forget", control.UpstreamRequest{Upstream: "now", By: "li"}, &control.CountReply{}); err == nil {
		t.Error("an upstream of the config is forgotten")
	}
	r.stop()
	before := len(old.Messages())
	r.start(twoZones + first + second)
	r.measured(2)
	r.linger()
	eventually(t, "the first goes on where it was", func() bool { return count(old) == 14 })
	for _, m := range old.Messages()[before:] {
		if strings.HasSuffix(m.Topic, "/readings") && strings.Contains(string(m.Payload), `"first":1,`) {
			t.Error("the first begins anew")
		}
	}
	r.stop()

	r.start(twoZones + second)
	r.measured(2)
	r.durable()
	if err := r.client().Post(t.Context(), "store/forget", control.UpstreamRequest{Upstream: "old", By: "li"}, &control.CountReply{}); err != nil {
		t.Fatalf("forget: %v", err)
	}
	stat, err := r.agent.store.Stat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range stat.Cursors {
		if c.Upstream == "old" {
			t.Errorf("the forgotten upstream has a cursor: %+v", c)
		}
	}
}
