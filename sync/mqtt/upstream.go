package mqtt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/internal/farside"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// Conditions that this upstream raises or refuses with.
const (
	conditionUnreachable    = "upstream-unreachable"
	conditionUnacknowledged = "upstream-unacknowledged"
	conditionNotSeen        = "upstream-not-seen"
	conditionLogin          = "upstream-login"
	conditionTLS            = "upstream-tls"
	conditionConfig         = "upstream-config"
	conditionBusy           = "upstream-busy"
)

// goodbyeWithin is how long Close waits for the broker to take the last status.
const goodbyeWithin = 3 * time.Second

// Upstream is one broker. Deliver may be called by two goroutines, one per lane.
type Upstream struct {
	h        upstream.Host
	c        Config
	from     wire.Gateway
	clientID string
	elapsed  func() time.Duration

	gate     chan struct{} // holds one token for who may make, replace or close the session
	session  *session      // nil: none; owned by the token's holder
	closed   bool          // owned by the token's holder
	number   uint64        // of the newest connection; owned by the token's holder
	tried    atomic.Int64  // elapsed time of the newest attempt to connect
	payloads [2][]byte     // one buffer per lane, each owned by its lane's goroutine

	informing sync.Mutex // held while info is published; taken after the token
	info      sentInfo   // guarded by informing

	troubles farside.Troubles

	stop  context.CancelFunc
	beats sync.WaitGroup
	once  sync.Once
}

func newUpstream(h upstream.Host, c Config) *Upstream {
	u := &Upstream{
		h: h, c: c, from: wire.Gateway{Site: h.Site, Gateway: h.Gateway}, clientID: c.ClientID,
		elapsed: clock.Elapsed, gate: make(chan struct{}, 1), troubles: farside.Troubles{To: h.Conditions},
	}
	if u.clientID == "" {
		u.clientID = fmt.Sprintf("frostline-%s-%s-%s", h.Site, h.Gateway, h.ID)
	}
	ctx, stop := context.WithCancel(context.Background())
	u.stop = stop
	u.tried.Store(int64(u.elapsed()))
	u.beats.Go(func() { u.heartbeat(ctx) })
	return u
}

// Deliver implements upstream.Upstream: it connects if there is no connection, publishes
// the batch with QoS 1 and returns nil after the broker's PUBACK. A batch without records
// connects and no more. A record that cannot be encoded is a *wire.RecordError, and nothing was sent.
func (u *Upstream) Deliver(ctx context.Context, b upstream.Batch) error {
	s, err := u.connected(ctx)
	if err != nil || len(b.Records) == 0 {
		return err
	}
	lane := &u.payloads[0]
	if b.Lane == upstream.Urgent {
		lane = &u.payloads[1]
	}
	payload, err := u.encode((*lane)[:0], b)
	switch {
	case errors.Is(err, wire.ErrTooMany):
		return &upstream.TooLarge{Err: fmt.Errorf("mqtt: %w", err)}
	case err != nil:
		return fmt.Errorf("mqtt: %w", err)
	case len(payload) > mqttconn.MaxPayload:
		return &upstream.TooLarge{Err: fmt.Errorf("mqtt: %d bytes are more than MQTT carries", len(payload))}
	}
	*lane = nil // until it is acknowledged, the connection may still read it
	if err := u.publish(ctx, s, u.topic(b.Kind), payload, false); err != nil {
		return err
	}
	*lane = payload
	u.troubles.Clear()
	return nil
}

// publish sends one message and waits for its PUBACK. If none comes in time, the connection is
// ended: a broker that takes and does not acknowledge must be asked anew.
func (u *Upstream) publish(ctx context.Context, s *session, topic string, payload []byte, retained bool) error {
	ctx, cancel := context.WithTimeout(ctx, u.c.Timeout)
	defer cancel()
	done := u.troubles.Expect(conditionUnacknowledged, "no PUBACK on "+topic)
	defer done()
	err := s.conn.Publish(ctx, topic, payload, retained)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		u.troubles.Raise(conditionUnacknowledged, "no PUBACK on "+topic)
		s.drop(err)
		return fmt.Errorf("mqtt: not acknowledged: %w", err)
	case s.dropped() != nil: // for the sake of another message
		return fmt.Errorf("mqtt: %w: %w", err, s.dropped())
	case errors.Is(err, mqttconn.ErrLost) && !errors.Is(err, mqttconn.ErrUnanswered):
		return &upstream.Lost{Err: fmt.Errorf("mqtt: %w", err)}
	}
	return fmt.Errorf("mqtt: %w", err)
}

func (u *Upstream) encode(dst []byte, b upstream.Batch) ([]byte, error) {
	if u.c.Encoding == EncodingCompact {
		return wire.AppendCompact(dst, u.from, b, u.h.Definitions)
	}
	return wire.AppendBatch(dst, u.from, b, u.h.Definitions)
}

// topic is where batches of a kind go.
func (u *Upstream) topic(k agent.Kind) string {
	last := string(k)
	if u.c.Encoding == EncodingCompact {
		last += wire.CompactSuffix
	}
	return upstream.Topic(u.from.Site, u.from.Gateway, last)
}

// Close implements upstream.Upstream: the retained status says offline, then DISCONNECT.
// It takes a few seconds at most.
func (u *Upstream) Close() error {
	u.once.Do(func() {
		u.stop()
		u.beats.Wait()
		u.gate <- struct{}{}
		defer func() { <-u.gate }()
		u.closed = true
		s := u.session
		u.session = nil
		if s == nil {
			return
		}
		u.goodbye(s)
	})
	return nil
}
