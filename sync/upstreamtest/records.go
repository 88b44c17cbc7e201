package upstreamtest

import (
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// Epoch is the epoch of the records that this package makes.
const Epoch = agent.Epoch(0x3f9c1d2e4b5a6978)

// Began is the time of the first record that this package makes.
var Began = time.UnixMilli(1763751600000).UTC()

// Definitions is a set of definitions; it implements upstream.Definitions.
type Definitions map[agent.DefID]agent.Definition

// Definition finds a definition.
func (d Definitions) Definition(id agent.DefID) (agent.Definition, bool) {
	def, ok := d[id]
	return def, ok
}

// Points are four definitions of two zones.
func Points() Definitions {
	d := Definitions{}
	for i := range 4 {
		def := agent.Definition{
			Point: agent.SensorID(fmt.Sprintf("probe-%d", i)).Point("temperature"), Quantity: agent.Temperature,
			Zone: agent.ZoneID(fmt.Sprintf("room-%d", i%2)), Role: agent.RoleAir, Driver: "synthetic",
		}.Identified()
		d[def.ID] = def
	}
	return d
}

// ids lists the definitions in a fixed order.
func (d Definitions) ids() []agent.DefID {
	ids := make([]agent.DefID, len(d))
	for id, def := range d {
		ids[def.Point[len("probe-")]-'0'] = id
	}
	return ids
}

// Record makes the record of the seq, of the given kind, dated seq seconds after Began.
func (d Definitions) Record(kind agent.Kind, seq agent.Seq) agent.Record {
	at := agent.Instant{Wall: Began.Add(time.Duration(seq) * time.Second), Mono: time.Duration(seq) * time.Second, Trust: agent.ClockSynced}
	zone := agent.ZoneID(fmt.Sprintf("room-%d", seq%2))
	var r agent.Record
	switch kind {
	case agent.KindReadings:
		v := agent.Value(seq%1000) * 10_000
		reading := agent.Reading{Def: d.ids()[seq%4], At: at, Value: v, Raw: v}
		if seq%17 == 0 {
			reading = agent.Reading{Def: d.ids()[seq%4], At: at, Fault: agent.FaultCRC}
		}
		r = agent.OfReading(reading)
	case agent.KindScans:
		r = agent.OfScan(agent.Scan{
			Reader: "dock-a", Zone: zone, At: at, Code: fmt.Sprintf("]C1\x1d%d", seq), Symbology: agent.SymbologyUnknown,
		})
	case agent.KindStock:
		r = agent.OfEvent(agent.Event{At: at, Kind: agent.EventStock, Stock: &agent.Movement{
			Item: "milk", Zone: zone, Direction: agent.DirectionIn, Quantity: 1, Balance: int64(seq), Code: "4006381333931",
		}})
	case agent.KindAlarms:
		v := agent.Value(seq) * 1000
		r = agent.OfEvent(agent.Event{At: at, Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
			ID: agent.AlarmEventID(fmt.Sprintf("high:probe-0/temperature:00000001:%d", seq)), Alarm: "high", Kind: "limit",
			Severity: agent.SeverityCritical, Zone: zone, Transition: agent.Raised, State: agent.StateUnack, Value: &v,
		}})
	default:
		r = agent.OfEvent(agent.Event{At: at, Kind: agent.EventChange, Change: &agent.StateChange{
			Subject: "sensor/probe-0", State: "lost", Detail: fmt.Sprintf("change %d", seq),
		}})
	}
	r.Position = agent.Position{Epoch: Epoch, Seq: seq}
	return r
}

// Batch makes a batch of n records of the kind, first being the seq of the first.
func (d Definitions) Batch(kind agent.Kind, first agent.Seq, n int) upstream.Batch {
	b := upstream.Batch{Lane: upstream.Main, Kind: kind, Epoch: Epoch, Prev: first - 1}
	if kind == agent.KindAlarms {
		b.Lane = upstream.Urgent
	}
	for i := range n {
		b.Records = append(b.Records, d.Record(kind, first+agent.Seq(i)))
	}
	return b
}
