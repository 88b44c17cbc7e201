package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/receive"
	"github.com/frostline/frostline/sync/wire"
)

// gateway is who the rig's agent is.
var gateway = wire.Gateway{Site: "s1", Gateway: "gw-01"}

// receiver runs the reference far side at a broker until the test ends, and returns once it listens.
func receiver(t *testing.T, broker mqttconn.Options) *receive.Receiver {
	t.Helper()
	dir := t.TempDir()
	broker.ClientID = "receiver"
	recv, err := receive.New(receive.Options{
		Dir: dir, Broker: broker, Clock: clock.NewFake(morning), Log: slog.New(slog.DiscardHandler),
		Sink: func(add func(*wire.Batch)) (receive.Sink, error) { return receive.OpenLines(dir, add) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- recv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("receiver: %v", err)
		}
	})
	eventually(t, "the receiver listens", recv.Connected)
	return recv
}

// account is the gateway's page in the receiver's ledger.
func account(recv *receive.Receiver) receive.Account {
	for _, a := range recv.Ledger().Accounts() {
		if a.Site == gateway.Site && a.Gateway == gateway.Gateway {
			return a
		}
	}
	return receive.Account{}
}

// allArrive waits until everything that is committed now is at the receiver, and fails if
// the ledger does not close.
func (r *rig) allArrive(recv *receive.Receiver) {
	r.t.Helper()
	committed := r.records()
	var first agent.Position
	defer func() {
		if r.t.Failed() {
			r.t.Logf("first absent: %v of %v; upstreams %+v; ledger %+v", first, committed[len(committed)-1].Position, r.status().Upstreams, account(recv))
		}
	}()
	eventually(r.t, fmt.Sprintf("all %d committed records arrive", len(committed)), func() bool {
		for i := range committed {
			if p := committed[i].Position; !recv.Ledger().Has(gateway, p) {
				first = p
				return false
			}
		}
		return true
	})
	if a := account(recv); a.Missing != 0 || a.Doubled != 0 {
		r.t.Errorf("ledger: %+v, first absent %v", a, first)
	}
}

// measuresOn checks that measuring goes on: n more readings, in about the time they take.
func (r *rig) measuresOn(n int64, limit time.Duration) {
	r.t.Helper()
	before, _ := r.agent.Counts()
	within(r.t, limit, fmt.Sprintf("%d more readings", n), func() bool {
		now, _ := r.agent.Counts()
		return now >= before+n
	})
}
