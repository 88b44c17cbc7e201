package main

import (
	"context"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/daemon"
)

// measureEngine steps the agent's own rules, without the agent around them: 100 points with
// two rules each that somebody wrote, and the two defaults.
func measureEngine(ctx context.Context, b *bench) ([]figure, error) {
	const points, text = 100, `site: lab
gateway: bench
zones: [{id: hall}]
sensors: [{id: syn, driver: synthetic, points: 100, every: 10s, zone: hall, role: air}]
alarms:
  - {id: high, zone: hall, quantity: temperature, above: 8, for: 5m, deadband: 0.5}
  - {id: long, zone: hall, quantity: temperature, above: 8, total: 1h, within: day}
`
	cfg, err := config.Parse("bench.yaml", []byte(text), daemon.Known())
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	rules, err := daemon.Rehearsal(cfg)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defs := daemon.Definitions(cfg)
	at := agent.Instant{Wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Mono: time.Minute, Boot: agent.BootID{1}, Trust: agent.ClockSynced}
	rules.Alarms.Step(alarm.Input{At: at, Start: true})
	n, began := 0, time.Now()
	for lasts := pick(b, 3*time.Second, time.Second); time.Since(began) < lasts && ctx.Err() == nil; {
		at = at.Add(10 * time.Second)
		value := 5 * agent.Unit
		if n/points%20 < 2 { // one value of ten is outside, and returns soon
			value = 9 * agent.Unit
		}
		for i := range defs {
			rules.Alarms.Step(alarm.Input{At: at, Reading: &agent.Reading{Def: defs[i].ID, At: at, Value: value, Raw: value}, Definition: &defs[i]})
			n++
		}
	}
	each := time.Since(began).Seconds() * 1e6 / float64(max(n, 1))
	return []figure{aside("alarm engine per reading, 200 rules on 100 points", each, "µs", "%d readings; with the defaults it is 400 rules", n)}, nil
}
