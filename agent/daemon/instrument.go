package daemon

import (
	"sync/atomic"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/sample"
	"github.com/frostline/frostline/sensors"
)

// instrument stands between a lane and the recorder. Where the config gives its sensor no
// serial number, the one that the device tells goes into the readings' definitions: another
// device in the same place is another instrument. Until a device was opened, and after one
// that tells nothing, the definitions are the config's.
type instrument struct {
	sample.Sink
	points []sample.Point
	define func([]agent.Definition)
	told   atomic.Pointer[map[agent.DefID]agent.DefID] // from the config's definitions; nil: none
}

// opened takes the device's serial number; the readings that follow are that device's.
func (i *instrument) opened(s sensors.Sensor) {
	device, ok := s.(sensors.Numbered)
	if !ok || device.Serial() == "" {
		i.told.Store(nil)
		return
	}
	told := map[agent.DefID]agent.DefID{}
	var defs []agent.Definition
	for _, p := range i.points {
		if p.Def.Serial != "" {
			return
		}
		d := p.Def
		d.Serial = device.Serial()
		d = d.Identified()
		told[p.Def.ID] = d.ID
		defs = append(defs, d)
	}
	i.define(defs)
	i.told.Store(&told)
}

// Readings implements sample.Sink.
func (i *instrument) Readings(rs []agent.Reading) {
	if told := i.told.Load(); told != nil {
		for n := range rs {
			if id, ok := (*told)[rs[n].Def]; ok {
				rs[n].Def = id
			}
		}
	}
	i.Sink.Readings(rs)
}
