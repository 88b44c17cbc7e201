package config_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/all"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/emulated"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The sensors and scanners of the demo and the truck answer on the emulated hardware that
// they are written for: buses, addresses and pins in config and scenario agree.
func TestConfigsFitTheirScenarios(t *testing.T) {
	for file, scenario := range map[string]string{"demo.yaml": "warehouse-morning", "truck.yaml": "truck"} {
		t.Run(file, func(t *testing.T) {
			c, err := config.Load(configs+file, known())
			if err != nil {
				t.Fatal(err)
			}
			s, err := emulated.Load(scenario)
			if err != nil {
				t.Fatal(err)
			}
			// Fast, so that a thermometer's conversion takes a moment only.
			clk := clock.NewScaled(time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC), 50)
			w := emulated.NewWorld(s, 1, clk.Now)
			host := bus.NewHost(bus.Options{Now: clock.Elapsed, Emulated: w.Buses()})
			defer func() {
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				if err := host.Close(); err != nil {
					t.Error(err)
				}
			}()
			for i := range c.Sensors {
				readOnce(t, host, clk, &c.Sensors[i])
			}
			for i := range c.Scanners {
				device, err := scannerDriver(c.Scanners[i].Driver).Open(t.Context(), host, c.Scanners[i].Settings)
				if err != nil {
					t.Errorf("%s: %v", c.Scanners[i].ID, err)
					continue
				}
				if err := device.Close(); err != nil {
					t.Errorf("%s: %v", c.Scanners[i].ID, err)
				}
			}
		})
	}
}

func readOnce(t *testing.T, host sensors.Host, clk clock.Clock, s *config.Sensor) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	device, err := sensorDriver(s.Driver).Open(ctx, host, s.Settings)
	if err != nil {
		t.Errorf("%s: %v", s.ID, err)
		return
	}
	defer func() {
		if err := device.Close(); err != nil {
			t.Errorf("%s: %v", s.ID, err)
		}
	}()
	if starter, ok := device.(sensors.Starter); ok {
		ready, err := starter.Start(ctx)
		if err != nil {
			t.Errorf("%s: %v", s.ID, err)
			return
		}
		if err := clock.Wait(ctx, clk, clk.Now().Mono+ready); err != nil {
			t.Fatal(err)
		}
	}
	got, err := device.Read(ctx, nil)
	if err != nil || len(got) != len(s.Points) {
		t.Errorf("%s: %v, %v; want %d points", s.ID, got, err, len(s.Points))
	}
	for _, sample := range got {
		if sample.Fault != agent.FaultNone {
			t.Errorf("%s/%s: %v", s.ID, sample.Point, sample.Fault)
		}
	}
}

func sensorDriver(name string) sensors.Driver {
	list := all.Sensors()
	return list[slices.IndexFunc(list, func(d sensors.Driver) bool { return d.Name == name })]
}

func scannerDriver(name string) sensors.ScannerDriver {
	list := all.Scanners()
	return list[slices.IndexFunc(list, func(d sensors.ScannerDriver) bool { return d.Name == name })]
}
