package daemon

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sync/forward"
	"github.com/frostline/frostline/sync/upstream"
)

// delivery is one upstream and its pump.
type delivery struct {
	cfg   *config.Upstream
	up    upstream.Upstream
	pump  *forward.Pump
	since time.Time
}

// newDelivery opens the upstream, which touches no network, and makes its pump.
func (a *Agent) newDelivery(ctx context.Context, c *config.Upstream) (*delivery, error) {
	d := &delivery{cfg: c}
	meter := new(forward.Meter)
	conditions := a.health.For("upstream/" + string(c.ID))
	var pump atomic.Pointer[forward.Pump]
	up, err := a.drivers.upstreams[c.Driver].Open(ctx, upstream.Host{
		ID: c.ID, Site: a.cfg.Site, Gateway: a.cfg.Gateway, Boot: a.clock.Now().Boot,
		Definitions: a.store, Meter: meter, Conditions: conditions, Secret: config.Resolve, Log: a.log,
		Info: func() upstream.Info { return a.info(c) },
		Status: func() upstream.Status {
			s := upstream.Status{Now: a.clock.Now(), Last: a.store.Head()}
			if p := pump.Load(); p != nil { // a disk that hangs must not make the gateway seem silent
				ctx, cancel := context.WithTimeout(context.Background(), statusWithin)
				defer cancel()
				s.Waiting = p.Waiting(ctx)
			}
			return s
		},
	}, c.Settings)
	if err != nil {
		return nil, fmt.Errorf("daemon: upstream %s: %w", c.ID, err)
	}
	d.up = up
	d.pump = forward.New(forward.Options{
		ID: c.ID, Upstream: up, Meter: meter, Store: pumpStore{a.store}, Definitions: a.store,
		Only:  forward.Only{Kinds: c.Only.Kinds, Zones: c.Only.Zones},
		Batch: forward.Batch{Bytes: int(c.Batch.Bytes), Linger: cmp.Or(c.Batch.Linger, a.cfg.Store.CommitWithin)},
		Limit: limitOf(c, a.cfg.Location), From: forward.From(c.From),
		Conditions: conditions, Now: a.clock.Now, Log: a.log,
	})
	pump.Store(d.pump)
	return d, nil
}

func limitOf(c *config.Upstream, site *time.Location) forward.Limit {
	if c.Limit == nil {
		return forward.Limit{}
	}
	return forward.Limit{Bytes: int64(c.Limit.Bytes), Per: forward.Period(c.Limit.Per), Location: site}
}

// Run forwards until ctx is done and then says goodbye to the far side.
func (d *delivery) Run(ctx context.Context) error {
	err := d.pump.Run(ctx)
	if closeErr := d.up.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("daemon: upstream %s: close: %w", d.cfg.ID, closeErr)
	}
	return err
}

// status is the upstream's part of the status.
func (d *delivery) status(ctx context.Context) control.Upstream {
	s := d.pump.Snapshot(ctx)
	u := control.Upstream{
		ID: d.cfg.ID, Driver: d.cfg.Driver, State: string(s.State), Waiting: s.Waiting, Bytes: s.Read + s.Written,
	}
	if s.Limit != nil {
		u.Bytes, u.Limit = s.Limit.Used, s.Limit.Bytes
	}
	for _, l := range s.Lanes {
		u.Taken += int64(l.Taken)
		if u.Error == "" {
			u.Error = l.Error
		}
		if l.LastSuccess.Wall.After(u.LastOK) {
			u.LastOK = l.LastSuccess.Wall
		}
	}
	return u
}

// info is what the gateway tells the far side about itself.
func (a *Agent) info(c *config.Upstream) upstream.Info {
	i := upstream.Info{
		Version: a.version, Timezone: a.cfg.Timezone, AlwaysOn: a.cfg.AlwaysOn,
		Kinds: c.Only.Kinds, OnlyZones: c.Only.Zones,
	}
	for _, z := range a.cfg.Zones {
		i.Zones = append(i.Zones, upstream.InfoZone{ID: z.ID, Name: z.Name})
	}
	for n := range a.cfg.Sensors {
		s := &a.cfg.Sensors[n]
		for _, p := range pointsOf(s) {
			i.Points = append(i.Points, upstream.InfoPoint{
				Definition: p.Def, Unit: p.Def.Quantity.Unit(), Every: s.Every.Milliseconds(),
			})
		}
	}
	for _, s := range a.cfg.Scanners {
		i.Readers = append(i.Readers, upstream.InfoReader{ID: s.ID, Zone: s.Zone, Direction: s.Direction})
	}
	i.Alarms = a.rules.info()
	return i
}

// pumpStore is the store as pumps want it.
type pumpStore struct{ *store.DB }

func (s pumpStore) CursorAt(ctx context.Context, up agent.UpstreamID, lane upstream.Lane) (agent.Position, []byte, bool, error) {
	c, ok, err := s.DB.CursorAt(ctx, store.Cursor{Upstream: up, Lane: string(lane)})
	return c.Position, c.Note, ok, err
}

func (s pumpStore) Acked(ctx context.Context, up agent.UpstreamID, lane upstream.Lane, p agent.Position, note []byte) error {
	return s.DB.Acked(ctx, store.Cursor{Upstream: up, Lane: string(lane)}, p, note)
}

// Waiting implements forward.Counter.
func (s pumpStore) Waiting(ctx context.Context, up agent.UpstreamID, lane upstream.Lane, kinds ...agent.Kind) (int64, error) {
	return s.DB.Waiting(ctx, store.Cursor{Upstream: up, Lane: string(lane)}, kinds...)
}

// Quarantined implements forward.Counter.
func (s pumpStore) Quarantined(ctx context.Context, up agent.UpstreamID) (int64, error) {
	all, err := s.DB.Quarantined(ctx)
	var n int64
	for _, q := range all {
		if q.Upstream == up {
			n++
		}
	}
	return n, err
}

var _ forward.Counter = pumpStore{}

func (s pumpStore) SaveState(_ context.Context, name string, blob []byte) error {
	s.DB.SaveState(name, blob)
	return nil
}
