package zz

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/forward"
	"github.com/frostline/frostline/sync/mqtt"
	"github.com/frostline/frostline/sync/upstream"
)

type ps struct{ *store.DB }

func (s ps) CursorAt(ctx context.Context, up agent.UpstreamID, lane upstream.Lane) (agent.Position, []byte, bool, error) {
	c, ok, err := s.DB.CursorAt(ctx, store.Cursor{Upstream: up, Lane: string(lane)})
	return c.Position, c.Note, ok, err
}
func (s ps) Acked(ctx context.Context, up agent.UpstreamID, lane upstream.Lane, p agent.Position, note []byte) error {
	return s.DB.Acked(ctx, store.Cursor{Upstream: up, Lane: string(lane)}, p, note)
}
func (s ps) SaveState(_ context.Context, name string, blob []byte) error {
	s.DB.SaveState(name, blob)
	return nil
}

type cond struct{ t *testing.T }

func (c cond) Raise(code, d string) { c.t.Log("raise", code, d) }
func (c cond) Clear(code string)    {}

func TestDrain(t *testing.T) {
	c := clock.NewScaled(time.Now(), 1)
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	var defs []agent.Definition
	for i := range 100 {
		defs = append(defs, agent.Definition{Point: agent.PointID(fmt.Sprintf("s%03d/temperature", i)), Quantity: agent.Temperature, Zone: "z", Role: "air", Driver: "synthetic"}.Identified())
	}
	db.Define(defs)
	const n = 600_000
	at := c.Now().Add(-time.Hour)
	for k := 0; k < n/1000; k++ {
		var recs []agent.Record
		for i := 0; i < 1000; i++ {
			at := at.Add(time.Duration(k*10+i/100) * 100 * time.Millisecond)
			v := agent.Value(4000000 + (k*7+i*13)%1000*1000)
			recs = append(recs, agent.OfReading(agent.Reading{Def: defs[i%100].ID, At: at, Value: v, Raw: v}))
		}
		if err := db.Append(recs).Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	m := peers.Mosquitto(t, peers.BrokerOptions{})
	meter := new(forward.Meter)
	cfg := mqtt.Driver.Config().(*mqtt.Config)
	cfg.URL = m.URL()
	up, err := mqtt.Driver.Open(ctx, upstream.Host{ID: "hq", Site: "s1", Gateway: "gw-01", Boot: c.Now().Boot, Definitions: db, Meter: meter, Conditions: cond{t},
		Info: func() upstream.Info { return upstream.Info{} }, Status: func() upstream.Status { return upstream.Status{Now: c.Now()} },
		Secret: func(s string) (string, error) { return s, nil }, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := forward.New(forward.Options{ID: "hq", Upstream: up, Meter: meter, Store: ps{db}, Definitions: db, Conditions: cond{t}, Now: c.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	pctx, pcancel := context.WithCancel(ctx)
	pdone := make(chan error, 1)
	runtime.GC()
	began := clock.Elapsed()
	go func() { pdone <- p.Run(pctx) }()
	if err := p.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	d := clock.Elapsed() - began
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	r, w := meter.Bytes()
	t.Logf("%d in %v: %.0f/s; read %d written %d; sys %d MB heap %d MB", n, d, n/d.Seconds(), r, w, ms.Sys>>20, ms.HeapSys>>20)
	pcancel()
	<-pdone
	up.Close()
	cancel()
	<-done
}
