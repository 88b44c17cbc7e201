package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/sample"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/emulated"
)

// device timeouts: how long one reading or opening may take where the config does not say.
const (
	mostTimeout  = 5 * time.Second
	leastTimeout = time.Second
)

// definitions are what the config's points are now, sensors first, in the config's order.
func definitions(cfg *config.Config) []agent.Definition {
	var defs []agent.Definition
	for i := range cfg.Sensors {
		for _, p := range pointsOf(&cfg.Sensors[i]) {
			defs = append(defs, p.Def)
		}
	}
	return defs
}

// pointsOf are the points of one sensor with their present definitions.
func pointsOf(s *config.Sensor) []sample.Point {
	points := make([]sample.Point, len(s.Points))
	for i, p := range s.Points {
		points[i] = sample.Point{Name: p.Name, Def: agent.Definition{
			Point: s.ID.Point(p.Name), Quantity: p.Quantity, Zone: s.Zone, Role: s.Role, Driver: s.Driver,
			Serial: s.Serial, Certificate: s.Certificate,
			Calibration: agent.Calibration{Offset: s.Calibration[p.Name].Offset},
		}.Identified()}
	}
	return points
}

// newHost opens the machine's buses, with emulated ones in the place of those that the
// config names. The worlds behind them must be run.
func newHost(cfg *config.Config, clk clock.Clock) (*bus.Host, []*emulated.World, error) {
	type key struct {
		scenario string
		seed     int64
	}
	built := map[key]*emulated.World{}
	var worlds []*emulated.World
	stand := map[string]any{}
	for name, b := range cfg.Buses {
		k := key{b.Scenario, b.Seed}
		w := built[k]
		if w == nil {
			scenario, err := emulated.Load(b.Scenario)
			if err != nil {
				return nil, nil, fmt.Errorf("daemon: bus %s: %w", name, err)
			}
			w = emulated.NewWorld(scenario, b.Seed, clk.Now)
			built[k] = w
			worlds = append(worlds, w)
		}
		made, ok := w.Buses()[name]
		if !ok {
			return nil, nil, fmt.Errorf("daemon: bus %s: the scenario %s has no bus of that name", name, b.Scenario)
		}
		stand[name] = made
	}
	return bus.NewHost(bus.Options{Now: clock.Elapsed, Emulated: stand}), worlds, nil
}

// newLanes makes a lane for every sensor of the config.
func (a *Agent) newLanes(host sensors.Host, base time.Duration) []*sample.Lane {
	lanes := make([]*sample.Lane, len(a.cfg.Sensors))
	for i := range a.cfg.Sensors {
		s := &a.cfg.Sensors[i]
		driver := a.drivers.sensors[s.Driver]
		device := &instrument{Sink: a.recorder, points: pointsOf(s), define: a.store.Define}
		lanes[i] = sample.NewLane(sample.LaneOptions{
			ID: s.ID,
			Open: func(ctx context.Context) (sensors.Sensor, error) {
				opened, err := driver.Open(ctx, host, s.Settings)
				if err == nil {
					device.opened(opened)
				}
				return opened, err
			},
			Points: device.points, Every: s.Every, Timeout: timeoutOf(s), Base: base, Clock: a.clock,
			Sink: device, Conditions: a.health.For("sensor/" + string(s.ID)), Log: a.log,
		})
	}
	return lanes
}

// newScanners makes a runner for every scanner of the config.
func (a *Agent) newScanners(host sensors.Host) []*sample.Scanner {
	scanners := make([]*sample.Scanner, len(a.cfg.Scanners))
	for i := range a.cfg.Scanners {
		s := &a.cfg.Scanners[i]
		driver := a.drivers.scanners[s.Driver]
		scanners[i] = sample.NewScanner(sample.ScannerOptions{
			ID: s.ID, Zone: s.Zone, Timeout: mostTimeout, Clock: a.clock, Sink: a.recorder,
			Open:       func(ctx context.Context) (sensors.Scanner, error) { return driver.Open(ctx, host, s.Settings) },
			Conditions: a.health.For("scanner/" + string(s.ID)), Log: a.log,
		})
	}
	return scanners
}

// timeoutOf is the sensor's own timeout, or else its interval within reasonable bounds.
func timeoutOf(s *config.Sensor) time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return min(max(s.Every, leastTimeout), mostTimeout)
}

// lookAtBuses is how often stuck buses are looked for.
const lookAtBuses = time.Second

// watchBuses declares buses that hang until they do not any more. It returns nil.
func (a *Agent) watchBuses(ctx context.Context) error {
	ticker := time.NewTicker(lookAtBuses)
	defer ticker.Stop()
	declared := map[string]bool{}
	for {
		stuck := map[string]bool{}
		for _, s := range a.host.Stuck() {
			stuck[s.Bus] = true
			declared[s.Bus] = true
			a.health.Raise("bus-stuck", "bus/"+s.Bus, s.Error())
		}
		for bus := range declared {
			if !stuck[bus] {
				a.health.Clear("bus-stuck", "bus/"+bus)
				delete(declared, bus)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
