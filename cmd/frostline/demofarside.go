package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/receive"
	"github.com/frostline/frostline/sync/wire"
)

// farSide is a broker, the reference receiver, and the link between them and the gateway.
type farSide struct {
	broker   *mochi.Server
	link     *link
	receiver *receive.Receiver
	cancel   context.CancelFunc
	done     chan error
}

func newFarSide(dir string, log *slog.Logger) (*farSide, error) {
	f := &farSide{broker: mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)}), done: make(chan error, 1)}
	if err := f.broker.AddHook(new(auth.AllowHook), nil); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if err := f.broker.AddListener(listeners.NewNet("tcp", l)); err != nil {
		return nil, err
	}
	if err := f.broker.Serve(); err != nil {
		return nil, err
	}
	if f.link, err = newLink(l.Addr().String()); err != nil {
		return nil, err
	}
	f.receiver, err = receive.New(receive.Options{
		Dir: dir, Broker: mqttconn.Options{URL: "mqtt://" + l.Addr().String(), ClientID: "demo-receiver"},
		Clock: clock.NewSystem(buildDate()), Log: log, Digests: 1 << 20,
		Sink: func(add func(*wire.Batch)) (receive.Sink, error) { return receive.OpenLines(dir, add) },
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	go func() { f.done <- f.receiver.Run(ctx) }()
	return f, nil
}

func (f *farSide) stop() {
	f.cancel()
	<-f.done
	_, _ = f.link.close(), f.broker.Close()
}

// counted is what store and far side hold.
type counted struct{ stored, delivered, waiting, lost, doubled int64 }

// count compares, record by record, what was committed with what the upstream took and
// what the far side holds.
func count(ctx context.Context, cfg *config.Config, far *farSide) (counted, error) {
	c, err := countStore(ctx, cfg, far)
	for _, a := range far.receiver.Ledger().Accounts() { // after the store: nothing taken is counted too early
		c.delivered += a.Received
		c.doubled += a.Doubled
	}
	return c, err
}

func countStore(ctx context.Context, cfg *config.Config, far *farSide) (counted, error) {
	var c counted
	r, err := store.OpenReadOnly(ctx, cfg.Store.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer r.Close()
	taken, err := r.Taken(ctx, cfg.Upstreams[0].ID)
	if err != nil {
		return c, err
	}
	g := wire.Gateway{Site: cfg.Site, Gateway: cfg.Gateway}
	for p := (agent.Position{}); ; {
		records, err := r.After(ctx, p, 4096)
		if err != nil || len(records) == 0 {
			return c, err
		}
		for i := range records {
			p = records[i].Position
			c.stored++
			switch {
			case !taken(&records[i]):
				c.waiting++
			case !far.receiver.Ledger().Has(g, p):
				c.lost++
			}
		}
	}
}

// settled counts once the receiver has written what the broker still holds for it. What it
// has not got 5 s after the upstream took it is lost.
func settled(ctx context.Context, cfg *config.Config, far *farSide) (counted, error) {
	const often = 50 * time.Millisecond
	for range int(5 * time.Second / often) {
		if c, err := count(ctx, cfg, far); err != nil || c.lost == 0 {
			return c, err
		}
		<-time.After(often)
	}
	return count(ctx, cfg, far)
}
