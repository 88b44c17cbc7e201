package peers

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Embedded is an MQTT broker within the test's process: for tests that are many or that
// need a broker to misbehave.
type Embedded struct {
	addr   string
	server *broker.Server
	hook   *behavior
}

// EmbeddedOptions says how an embedded broker behaves; the zero value is an open one that
// does what a broker should. The functions are called by several goroutines.
type EmbeddedOptions struct {
	Login     func(user, password string) bool                                // nil: anybody
	Subscribe func(client, filter string) bool                                // nil: anything
	Publish   func(client, topic string, payload []byte, retain bool) Verdict // nil: Take
}

// Verdict is what an embedded broker does with a publish.
type Verdict int

// The verdicts.
const (
	Take   Verdict = iota // acknowledge and pass on
	Drop                  // acknowledge, as if all were well, and forget: what an ACL does to MQTT 3.1.1
	Ignore                // not even acknowledge
	HangUp                // close the connection at once, without acknowledging
)

// StartEmbedded starts a broker on a free port of 127.0.0.1 and stops it when the test ends.
func StartEmbedded(t testing.TB, o EmbeddedOptions) *Embedded {
	t.Helper()
	e := &Embedded{hook: &behavior{o: o}}
	e.server = broker.New(&broker.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := e.server.AddHook(e.hook, nil); err != nil {
		t.Fatalf("peers: embedded broker: %v", err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("peers: embedded broker: %v", err)
	}
	door := &door{Listener: tcp}
	l := listeners.NewNet("test", door)
	if err := e.server.AddListener(l); err != nil {
		t.Fatalf("peers: embedded broker: %v", err)
	}
	if err := e.server.Serve(); err != nil {
		t.Fatalf("peers: embedded broker: %v", err)
	}
	e.addr = l.Address()
	t.Cleanup(func() {
		Await(t, "who came to the embedded broker is let in", func() bool { return door.waiting.Load() == 0 })
		if err := e.server.Close(); err != nil {
			t.Errorf("peers: embedded broker: %v", err)
		}
	})
	return e
}

// door counts who was accepted and is not served yet: the broker must not be closed before,
// since it counts its clients only when it begins to serve them.
type door struct {
	net.Listener
	waiting atomic.Int64
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	d.waiting.Add(1)
	return &guest{Conn: c, served: sync.OnceFunc(func() { d.waiting.Add(-1) })}, nil
}

type guest struct {
	net.Conn
	served func()
}

// Read implements net.Conn.
func (g *guest) Read(p []byte) (int, error) {
	g.served()
	return g.Conn.Read(p)
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.served()
	return g.Conn.Close()
}

// Addr is "127.0.0.1:<port>".
func (e *Embedded) Addr() string { return e.addr }

// URL is mqtt:// and the address.
func (e *Embedded) URL() string { return "mqtt://" + e.addr }

// Kick closes every client's connection.
func (e *Embedded) Kick() {
	for _, c := range e.server.Clients.GetAll() {
		c.Stop(packets.ErrServerShuttingDown)
	}
}

// Messages lists everything taken or dropped so far, in order.
func (e *Embedded) Messages() []EmbeddedMessage {
	e.hook.mu.Lock()
	defer e.hook.mu.Unlock()
	return append([]EmbeddedMessage(nil), e.hook.seen...)
}

// Retained is the message that the broker keeps for a topic.
func (e *Embedded) Retained(topic string) (payload []byte, ok bool) {
	pk, ok := e.server.Topics.Retained.Get(topic)
	return pk.Payload, ok
}

// EmbeddedMessage is a publish that reached an embedded broker.
type EmbeddedMessage struct {
	Client  string
	Topic   string
	Payload []byte
	Retain  bool
	Will    bool // the broker published it because the client was lost
	Verdict Verdict
}

// behavior is what the broker asks at each step.
type behavior struct {
	broker.HookBase
	o EmbeddedOptions

	mu   sync.Mutex
	seen []EmbeddedMessage
}

// ID implements broker.Hook.
func (*behavior) ID() string { return "behavior" }

// Provides implements broker.Hook.
func (*behavior) Provides(b byte) bool {
	switch b {
	case broker.OnConnectAuthenticate, broker.OnACLCheck, broker.OnPublish, broker.OnWillSent:
		return true
	}
	return false
}

// OnConnectAuthenticate implements broker.Hook.
func (h *behavior) OnConnectAuthenticate(_ *broker.Client, pk packets.Packet) bool {
	return h.o.Login == nil || h.o.Login(string(pk.Connect.Username), string(pk.Connect.Password))
}

// OnACLCheck implements broker.Hook.
func (h *behavior) OnACLCheck(c *broker.Client, topic string, write bool) bool {
	return write || h.o.Subscribe == nil || h.o.Subscribe(c.ID, topic)
}

// OnPublish implements broker.Hook.
func (h *behavior) OnPublish(c *broker.Client, pk packets.Packet) (packets.Packet, error) {
	v := Take
	if h.o.Publish != nil {
		v = h.o.Publish(c.ID, pk.TopicName, pk.Payload, pk.FixedHeader.Retain)
	}
	switch v {
	case Drop:
		h.record(c.ID, pk, false, v)
		pk.FixedHeader.Retain = false
		pk.Ignore = true
		return pk, packets.CodeSuccessIgnore
	case Ignore:
		return pk, packets.ErrRejectPacket
	case HangUp:
		c.Stop(packets.ErrServerShuttingDown)
		return pk, packets.ErrRejectPacket
	}
	h.record(c.ID, pk, false, v)
	return pk, nil
}

// OnWillSent implements broker.Hook.
func (h *behavior) OnWillSent(c *broker.Client, pk packets.Packet) { h.record(c.ID, pk, true, Take) }

func (h *behavior) record(client string, pk packets.Packet, will bool, v Verdict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, EmbeddedMessage{
		Client: client, Topic: pk.TopicName, Payload: append([]byte(nil), pk.Payload...),
		Retain: pk.FixedHeader.Retain, Will: will, Verdict: v,
	})
}
