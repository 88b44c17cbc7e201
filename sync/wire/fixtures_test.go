package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

type defMap map[agent.DefID]agent.Definition

func (m defMap) Definition(id agent.DefID) (agent.Definition, bool) {
	d, ok := m[id]
	return d, ok
}

// add identifies the definition and returns its id.
func (m defMap) add(d agent.Definition) agent.DefID {
	d = d.Identified()
	m[d.ID] = d
	return d.ID
}

var (
	testGateway = Gateway{"s1", "gw-01"}
	testEpoch   = agent.Epoch(0x3f9c1d2e4b5a6978)
	testTime    = time.UnixMilli(1763751600000).UTC()
)

func synced(ms int64) agent.Instant {
	return agent.Instant{Wall: testTime.Add(time.Duration(ms) * time.Millisecond), Trust: agent.ClockSynced}
}

// series is ticks readings of each of points temperatures that wander in steps of a
// hundredth, or of the codes of a 16-bit sensor.
func series(points, ticks int, every time.Duration, sensor16bit bool) (upstream.Batch, defMap) {
	rng := rand.New(rand.NewPCG(1, 2))
	defs := defMap{}
	ids := make([]agent.DefID, points)
	for i := range ids {
		ids[i] = defs.add(agent.Definition{
			Point: agent.SensorID(fmt.Sprintf("sensor-%03d", i)).Point("temperature"), Zone: agent.ZoneID(fmt.Sprintf("zone-%d", i/10)),
			Quantity: agent.Temperature, Role: agent.RoleAir, Driver: "synthetic",
		})
	}
	b := upstream.Batch{Kind: agent.KindReadings, Epoch: testEpoch, Prev: 100}
	seq := agent.Seq(100)
	for t := range ticks {
		at := synced(int64(t) * every.Milliseconds())
		for i, id := range ids {
			seq++
			c := 4 + float64(i%7) + math.Sin(float64(t)/50+float64(i)) + rng.NormFloat64()*0.01
			v := agent.Value(math.Round(c*100)) * 10_000
			if sensor16bit {
				v = agent.Value(math.Round((-45 + 175*math.Round((c+45)/175*65535)/65535) * 1e6))
			}
			r := agent.OfReading(agent.Reading{Def: id, At: at, Value: v, Raw: v})
			r.Position = agent.Position{Epoch: testEpoch, Seq: seq}
			b.Records = append(b.Records, r)
		}
	}
	return b, defs
}

// definitionsOf are n empty definitions with ids, as a compact header names them.
func definitionsOf(n int) []agent.Definition {
	defs := make([]agent.Definition, n)
	for i := range defs {
		defs[i].ID = agent.DefID(i + 1)
	}
	return defs
}
