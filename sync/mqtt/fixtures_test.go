package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
	"github.com/frostline/frostline/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// conditions remembers what holds and what ever held.
type conditions struct {
	mu    sync.Mutex
	now   map[string]string
	every map[string]bool
}

func (c *conditions) Raise(code, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		c.now, c.every = map[string]string{}, map[string]bool{}
	}
	c.now[code] = detail
	c.every[code] = true
}

func (c *conditions) Clear(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.now, code)
}

func (c *conditions) holds(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.now[code]
	return ok
}

// rig is an upstream with a host that the test controls.
type rig struct {
	*Upstream
	defs       upstreamtest.Definitions
	conditions conditions
	read       atomic.Int64
	written    atomic.Int64
	version    atomic.Int64 // changes info
	mono       atomic.Int64
	allowance  atomic.Int32
}

// Allowance implements upstream.Limited.
func (r *rig) Allowance() upstream.Allowance { return upstream.Allowance(r.allowance.Load()) }

// Add implements upstream.Meter.
func (r *rig) Add(read, written int) { r.read.Add(int64(read)); r.written.Add(int64(written)) }

// newRig opens an upstream with the defaults as change leaves them, and closes it at the end.
func newRig(t *testing.T, url string, change func(*Config, *upstream.Host)) *rig {
	t.Helper()
	r := &rig{defs: upstreamtest.Points()}
	h := upstreamtest.Host(r.defs)
	h.Conditions, h.Meter = &r.conditions, r
	h.Status = func() upstream.Status {
		s := upstream.Status{Waiting: 7, Last: agent.Position{Epoch: upstreamtest.Epoch, Seq: 42}}
		s.Now = agent.Instant{Wall: upstreamtest.Began, Mono: time.Duration(r.mono.Load()), Trust: agent.ClockSynced}
		return s
	}
	h.Info = func() upstream.Info { return upstream.Info{Version: fmt.Sprint(r.version.Load())} }
	c := *Driver.Config().(*Config)
	c.URL = url
	if change != nil {
		change(&c, &h)
	}
	up, err := Driver.Open(t.Context(), h, &c)
	if err != nil {
		t.Fatal(err)
	}
	r.Upstream = up.(*Upstream)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// deliver wants the batch taken.
func (r *rig) deliver(t *testing.T, b upstream.Batch) {
	t.Helper()
	if err := r.Deliver(t.Context(), b); err != nil {
		t.Fatalf("deliver %s: %v", b.Kind, err)
	}
}

func (r *rig) readings(first agent.Seq, n int) upstream.Batch {
	return r.defs.Batch(agent.KindReadings, first, n)
}

// refused wants the error to be a refusal with this code.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	var r *upstream.Refused
	if !errors.As(err, &r) || r.Code != code {
		t.Errorf("error %v, want Refused with %s", err, code)
	}
}

// batchTopic reports whether a topic carries batches.
func batchTopic(topic string) bool {
	return !strings.HasSuffix(topic, "/status") && !strings.HasSuffix(topic, "/info")
}

// empty reports whether a payload is an empty batch.
func empty(payload []byte) bool {
	b, err := wire.ParseBatch(payload)
	return err == nil && len(b.Records) == 0
}

// records lists the records in a batch's payload.
func records(t *testing.T, topic string, payload []byte) []upstreamtest.Received {
	t.Helper()
	b, err := wire.ParseBatch(payload)
	if err != nil {
		t.Fatalf("%s: %v", topic, err)
	}
	var out []upstreamtest.Received
	for i := range b.Records {
		line, err := wire.AppendRecord(nil, b.From, &b.Records[i], &b)
		if err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		out = append(out, upstreamtest.Received{Position: b.Records[i].Position, Kind: b.Records[i].Kind(), Content: string(line)})
	}
	return out
}

// statusOf reads a status message.
func statusOf(t *testing.T, payload []byte) wire.Status {
	t.Helper()
	s, err := wire.ParseStatus(payload)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listener sees everything that reaches a broker's subscribers.
type listener struct {
	conn *mqttconn.Conn

	mu  sync.Mutex
	all []mqttconn.Message
}

func listen(t *testing.T, o mqttconn.Options, filters ...string) *listener {
	t.Helper()
	l := &listener{}
	o.ClientID = "listener-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())
	o.OnMessage = func(m mqttconn.Message) {
		l.mu.Lock()
		l.all = append(l.all, m)
		l.mu.Unlock()
		m.Ack()
	}
	var err error
	if l.conn, err = mqttconn.Dial(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.conn.Close() })
	if err := l.conn.Subscribe(t.Context(), filters...); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *listener) on(last string) []mqttconn.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	var some []mqttconn.Message
	for _, m := range l.all {
		if strings.HasSuffix(m.Topic, "/"+last) {
			some = append(some, m)
		}
	}
	return some
}

// TestTheSuite runs the upstream's contract against an in-process broker behind a bad network.
func TestTheSuite(t *testing.T) {
	for _, encoding := range []string{EncodingPlain, EncodingCompact} {
		t.Run(encoding, func(t *testing.T) {
			upstreamtest.Run(t, func(t *testing.T, h upstream.Host) (upstream.Upstream, upstreamtest.Far) {
				var hangUp, batches, delay atomic.Int64
				var deaf atomic.Bool
				b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(_, topic string, payload []byte, _ bool) peers.Verdict {
					if !batchTopic(topic) || empty(payload) {
						return peers.Take
					}
					if k := hangUp.Load(); k > 0 && batches.Add(1)%k == 0 {
						return peers.HangUp
					}
					if deaf.Load() {
						return peers.Ignore
					}
					<-time.After(time.Duration(delay.Load()))
					return peers.Take
				}})
				p := peers.NewProxy(t, b.Addr())
				c := *Driver.Config().(*Config)
				c.URL, c.Encoding, c.Timeout = "mqtt://"+p.Addr(), encoding, 2*time.Second
				up, err := Driver.Open(t.Context(), h, &c)
				if err != nil {
					t.Fatal(err)
				}
				return up, upstreamtest.Far{
					Received: func() []upstreamtest.Received {
						var got []upstreamtest.Received
						for _, m := range b.Messages() {
							if batchTopic(m.Topic) {
								got = append(got, records(t, m.Topic, m.Payload)...)
							}
						}
						return got
					},
					HangUpEvery: func(k int) { hangUp.Store(int64(k)) },
					DelayAck:    func(d time.Duration) { delay.Store(int64(d)) },
					NeverAck:    func(on bool) { deaf.Store(on) },
					Down: func(on bool) {
						if on {
							p.Refuse()
						} else {
							p.Accept()
						}
					},
				}
			}, "rejected records are named")
		})
	}
}

// jsonOf reads a message into a map, as a stranger would.
func jsonOf(t *testing.T, payload []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(payload, &m); err != nil {
		t.Fatalf("%v in %s", err, payload)
	}
	return m
}

// soon is a context for what must fail quickly.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
