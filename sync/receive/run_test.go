package receive

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/wire"
)

// running is a receiver that runs against a broker, on a monotonic time that a test moves.
type running struct {
	*Receiver
	elapsed atomic.Int64
	alarms  chan Alarm
	stop    func()
}

func start(t *testing.T, dir, url string) *running {
	t.Helper()
	r := &running{alarms: make(chan Alarm, 100)}
	r.elapsed.Store(int64(time.Hour))
	var err error
	r.Receiver, err = New(Options{
		Dir: dir, Broker: mqttconn.Options{URL: url, ClientID: "receiver"},
		Clock: clock.NewFake(time.Unix(1_760_000_000, 0)), Log: slog.New(slog.DiscardHandler),
		Sink:    func(add func(*wire.Batch)) (Sink, error) { return OpenLines(dir, add) },
		OnAlarm: func(a Alarm) { r.alarms <- a },
		Elapsed: func() time.Duration { return time.Duration(r.elapsed.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		r.stop = func() {}
	}
	t.Cleanup(func() { r.stop() })
	peers.Await(t, "the receiver to have its broker", r.Connected)
	return r
}

func (r *running) pass(d time.Duration) { r.elapsed.Add(int64(d)) }

func (r *running) alarm(t *testing.T) Alarm {
	t.Helper()
	select {
	case a := <-r.alarms:
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("no alarm in 10 s")
		panic("unreachable")
	}
}

func (r *running) received(t *testing.T, n int64) {
	t.Helper()
	peers.Await(t, "records to be received", func() bool {
		for _, a := range r.Ledger().Accounts() {
			if a.Received == n {
				return true
			}
		}
		return false
	})
}

func gatewayConn(t *testing.T, url string) *mqttconn.Conn {
	t.Helper()
	will := wire.Status{Site: gw.Site, Gateway: gw.Gateway, State: wire.Offline, Boot: agent.BootID{1}, Conn: 5}
	c, err := mqttconn.Dial(t.Context(), mqttconn.Options{
		URL: url, ClientID: "gateway", Will: &mqttconn.Will{Topic: statusTopic, Payload: will.Append(nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Drop)
	return c
}

const statusTopic = "frostline/v1/s1/gw-01/status"

func publish(t *testing.T, c *mqttconn.Conn, topic string, payload []byte) {
	t.Helper()
	if err := c.Publish(t.Context(), topic, payload, topic == statusTopic); err != nil {
		t.Fatal(err)
	}
}

func online() []byte {
	return wire.Status{
		Site: gw.Site, Gateway: gw.Gateway, State: wire.Online, Boot: agent.BootID{1}, Conn: 5, Epoch: 7, Last: 10, EveryS: 30,
	}.Append(nil)
}

// What gateways deliver while the receiver is away, or its broker restarts, waits in the
// receiver's session and arrives once.
func TestNothingIsLostWhileTheReceiverIsAway(t *testing.T) {
	broker := peers.Mosquitto(t, peers.BrokerOptions{Extra: []string{"persistence true", "persistence_location " + t.TempDir() + "/", "max_queued_messages 0"}})
	dir := t.TempDir()
	r := start(t, dir, broker.URL())
	c := gatewayConn(t, broker.URL())
	publish(t, c, readings, message(t, 1, 100))
	r.received(t, 100)
	r.stop()
	publish(t, c, readings, message(t, 101, 200))
	publish(t, c, readings, message(t, 101, 200)) // the gateway did not see the acknowledgement
	r = start(t, dir, broker.URL())
	r.received(t, 200)

	broker.Stop()
	broker.Start()
	peers.Await(t, "the receiver to find the broker again", r.Connected)
	c = gatewayConn(t, broker.URL())
	publish(t, c, readings, message(t, 201, 300))
	r.received(t, 300)
	r.stop()
	if p := page(t, r.Ledger()); p.Missing != 0 || p.Doubled != 0 || p.Expected != 300 {
		t.Fatalf("%+v", p)
	}
	for seq, n := range written(t, dir) {
		if n != 1 {
			t.Fatalf("position %d was written %d times", seq, n)
		}
	}
}

func TestAGatewayThatIsKilledCutOffOrHangsIsAnAlarm(t *testing.T) {
	cases := []struct {
		name   string
		happen func(c *mqttconn.Conn)
		after  time.Duration // until the alarm may be there, and then has to be
		state  string        // in the ledger with the alarm
	}{
		{"killed or cut off: its will comes", func(c *mqttconn.Conn) { c.Drop() }, offlineGrace, wire.Offline},
		{"hung with its connection open: nothing comes", func(*mqttconn.Conn) {}, silentAfter, silentState},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			broker := peers.Mosquitto(t, peers.BrokerOptions{})
			r := start(t, t.TempDir(), broker.URL())
			c := gatewayConn(t, broker.URL())
			publish(t, c, statusTopic, online())
			peers.Await(t, "the gateway to be known", func() bool { return state(r) == wire.Online })
			tc.happen(c)
			if tc.after == offlineGrace {
				peers.Await(t, "the will", func() bool { return state(r) == wire.Offline })
			}
			r.pass(tc.after)
			a := r.alarm(t)
			if a.Alarm != "gateway-silent" || a.Transition != agent.Raised || a.Gateway != "gw-01" {
				t.Fatalf("%+v", a)
			}
			peers.Await(t, "the ledger's file to say so", func() bool { return onDisk(t, r.o.Dir) == tc.state && state(r) == tc.state })
			publish(t, gatewayConn(t, broker.URL()), statusTopic, online())
			if a := r.alarm(t); a.Transition != agent.Cleared {
				t.Fatalf("%+v", a)
			}
			peers.Await(t, "the ledger's file to take it back", func() bool { return onDisk(t, r.o.Dir) == wire.Online })
		})
	}
}

func state(r *running) string {
	for _, a := range r.Ledger().Accounts() {
		return a.State
	}
	return ""
}

// onDisk is the state that `frostline receive --ledger` says beside a running receiver.
func onDisk(t *testing.T, dir string) string {
	t.Helper()
	pages, err := ReadLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range pages {
		return a.State
	}
	return ""
}

// A receiver that starts while a gateway has long been dead learns of it from what the
// broker retains, and calls it silent all the same.
func TestARetainedStatusIsNoSignOfLife(t *testing.T) {
	broker := peers.Mosquitto(t, peers.BrokerOptions{})
	c := gatewayConn(t, broker.URL())
	publish(t, c, statusTopic, online())
	r := start(t, t.TempDir(), broker.URL())
	peers.Await(t, "the gateway to be known", func() bool { return state(r) == wire.Online })
	r.pass(silentAfter)
	if a := r.alarm(t); a.Transition != agent.Raised {
		t.Fatalf("%+v", a)
	}
}

// The broker's own outage calls nobody silent.
func TestTheBrokersOutageIsNoGatewaysSilence(t *testing.T) {
	broker := peers.Mosquitto(t, peers.BrokerOptions{})
	r := start(t, t.TempDir(), broker.URL())
	publish(t, gatewayConn(t, broker.URL()), statusTopic, online())
	peers.Await(t, "the gateway to be known", func() bool { return state(r) == wire.Online })
	broker.Stop()
	peers.Await(t, "the receiver to notice", func() bool { return !r.Connected() })
	r.pass(time.Hour)
	broker.Start()
	peers.Await(t, "the receiver to be back", r.Connected)
	c := gatewayConn(t, broker.URL())
	publish(t, c, statusTopic, online())
	publish(t, c, readings, message(t, 1, 1))
	r.received(t, 1)
	r.pass(silentAfter - time.Second)
	publish(t, c, readings, message(t, 2, 2))
	r.received(t, 2)
	select {
	case a := <-r.alarms:
		t.Fatalf("a false alarm: %+v", a)
	case <-time.After(1500 * time.Millisecond): // a whole round of the watch
	}
}
