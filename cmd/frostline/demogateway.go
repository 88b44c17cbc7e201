package main

import (
	"embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/configs"
	"github.com/frostline/frostline/sensors/emulated"
	"github.com/frostline/frostline/sync/mqtt"
)

//go:embed gateways/*.yaml
var gatewayFiles embed.FS

// gateways are the configs that the demo knows, richest first.
func gateways() ([]*config.Config, error) {
	texts := map[string][]byte{"configs/demo.yaml": configs.Demo}
	names := []string{"configs/demo.yaml", "gateways/truck.yaml", "gateways/cold-room.yaml", "gateways/dock-winter.yaml"}
	var all []*config.Config
	for _, name := range names {
		text, ok := texts[name]
		if !ok {
			var err error
			if text, err = gatewayFiles.ReadFile(name); err != nil {
				return nil, err
			}
		}
		cfg, err := config.Parse(name, text, daemon.Known())
		if err != nil {
			return nil, err
		}
		all = append(all, cfg)
	}
	return all, nil
}

// gatewayFor is the first gateway all of whose buses the scenario has.
func gatewayFor(s emulated.Scenario) (*config.Config, error) {
	all, err := gateways()
	if err != nil {
		return nil, err
	}
	has := s.Buses()
	var wants []string
	for _, cfg := range all {
		missing := slices.DeleteFunc(slices.Sorted(maps.Keys(cfg.Buses)), func(name string) bool { return slices.Contains(has, name) })
		if len(missing) == 0 {
			return cfg, nil
		}
		wants = append(wants, "  "+strings.Join(slices.Sorted(maps.Keys(cfg.Buses)), " ")+"   ("+strings.Join(missing, " ")+" missing)")
	}
	return nil, usagef("scenario %s has the buses\n  %s\nand the demo's gateways want those of warehouse-morning, truck, cold-room or dock-winter:\n%s",
		s.Name, strings.Join(has, " "), strings.Join(wants, "\n"))
}

// leastReal is how often at most the demo's sensors are read, by the watch of who looks on:
// reading takes its time however fast the morning passes.
const leastReal = 80 * time.Millisecond

// config is the gateway of the scenario with this run's store, link, scenario and seed. At
// high speeds sensors are read less often.
func (d *demo) config(s emulated.Scenario, dir, broker string) (*config.Config, error) {
	cfg, err := gatewayFor(s)
	if err != nil {
		return nil, err
	}
	cfg.Store.Dir = filepath.Join(dir, "store")
	cfg.Web.Listen = config.WebOff
	for name, b := range cfg.Buses {
		b.Scenario, b.Seed = d.scenario, d.seed
		cfg.Buses[name] = b
	}
	least := time.Duration(d.speed * float64(leastReal)).Round(time.Second)
	for i := range cfg.Sensors {
		cfg.Sensors[i].Every = max(cfg.Sensors[i].Every, least)
	}
	for i := range cfg.Alarms { // and what is late by then is not what is late at other times
		if p, ok := cfg.Alarms[i].Settings.(*alarm.Patience); ok {
			p.After = max(p.After, alarm.HoldIntervals*least)
		}
	}
	for i := range cfg.Upstreams {
		m, ok := cfg.Upstreams[i].Settings.(*mqtt.Config)
		if !ok {
			return nil, fmt.Errorf("upstream %s of the demo is no MQTT", cfg.Upstreams[i].ID)
		}
		m.URL = "mqtt://" + broker
	}
	return cfg, nil
}
