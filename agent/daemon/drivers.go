package daemon

import (
	"github.com/frostline/frostline/agent/alarm"
	alarmall "github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/announce"
	announceall "github.com/frostline/frostline/agent/announce/all"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/profile"
	"github.com/frostline/frostline/configs"
	"github.com/frostline/frostline/sensors"
	sensorsall "github.com/frostline/frostline/sensors/all"
	"github.com/frostline/frostline/sensors/emulated"
	syncall "github.com/frostline/frostline/sync/all"
	"github.com/frostline/frostline/sync/upstream"
)

// drivers are everything that a config can name, by that name.
type drivers struct {
	sensors   map[string]sensors.Driver
	scanners  map[string]sensors.ScannerDriver
	upstreams map[string]upstream.Driver
	outputs   map[string]announce.Driver
}

// builtIn are the drivers that the generated lists hold.
func builtIn() drivers {
	d := drivers{
		map[string]sensors.Driver{}, map[string]sensors.ScannerDriver{},
		map[string]upstream.Driver{}, map[string]announce.Driver{},
	}
	for _, s := range sensorsall.Sensors() {
		d.sensors[s.Name] = s
	}
	for _, s := range sensorsall.Scanners() {
		d.scanners[s.Name] = s
	}
	for _, u := range syncall.Upstreams() {
		d.upstreams[u.Name] = u
	}
	for _, o := range announceall.Outputs() {
		d.outputs[o.Name] = o
	}
	return d
}

// Known is what config.Load must be told about the built-in drivers.
func Known() config.Known { return builtIn().known() }

func (d drivers) known() config.Known {
	k := config.Known{
		Sensors: map[string]config.Device{}, Scanners: map[string]config.Device{},
		Upstreams: map[string]func() any{}, Outputs: map[string]func() any{},
		Alarms:    map[string]config.AlarmKind{},
		Scenarios: emulated.Names(), Buses: busesOf,
	}
	for name, s := range d.sensors {
		k.Sensors[name] = config.Device{Config: s.Config, Points: func(c any) []config.Point { return points(s.Points(c)) }}
	}
	for name, s := range d.scanners {
		k.Scanners[name] = config.Device{Config: s.Config, Points: func(c any) []config.Point { return points(s.Points(c)) }}
	}
	for name, u := range d.upstreams {
		k.Upstreams[name] = u.Config
	}
	for name, o := range d.outputs {
		k.Outputs[name] = o.Config
	}
	watched := map[alarm.Scope]config.Watched{
		alarm.PerPoint: config.Points, alarm.PerSensor: config.Points, alarm.PerItem: config.Items, alarm.PerReader: config.Readers,
		alarm.PerZone: config.Points, alarm.PerGateway: config.Gateway,
	}
	for _, kind := range alarmall.Kinds() {
		k.Alarms[kind.Name] = config.AlarmKind{Config: kind.Config, Of: watched[kind.Scope], Limit: kind.Excursion, Takes: kind.Takes, Needs: kind.Needs()}
	}
	k.Profiles = profile.NewLibrary(configs.Profiles(), k)
	return k
}

// busesOf lists the buses of a scenario.
func busesOf(scenario string) ([]string, error) {
	s, err := emulated.Load(scenario)
	if err != nil {
		return nil, err
	}
	return s.Buses(), nil
}

func points(specs []sensors.PointSpec) []config.Point {
	out := make([]config.Point, len(specs))
	for i, s := range specs {
		out[i] = config.Point{Name: s.Name, Quantity: s.Quantity}
	}
	return out
}
