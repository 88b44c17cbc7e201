package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/farside"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// infoEvery is how long a retained info is trusted to be still at the broker across
// connections: on a link that comes and goes it is by far the largest message.
const infoEvery = time.Hour

// session is one connection.
type session struct {
	conn   *mqttconn.Conn
	number uint64

	mu     sync.Mutex
	why    error         // why we ended it ourselves
	every  time.Duration // the newest status's promise of the next
	saidAt time.Duration // elapsed time of the newest status
}

// said notes a status that was published at now and promised the next within every.
func (s *session) said(now, every time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every, s.saidAt = every, now
}

// sufficient reports whether the newest status promised no more than every and still holds at now.
func (s *session) sufficient(now, every time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.every >= every && now-s.saidAt < every
}

// end notes why we end the connection ourselves.
func (s *session) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		s.why = why
	}
}

// drop ends the connection so that the broker publishes the will; the next Deliver connects anew.
func (s *session) drop(why error) {
	s.end(why)
	s.conn.Drop()
}

// dropped is why we ended the connection ourselves, or nil.
func (s *session) dropped() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

func (s *session) close() {
	_ = s.conn.Close() // never fails
}

// connected returns the session, made anew where there is none that works.
func (u *Upstream) connected(ctx context.Context) (*session, error) {
	select {
	case u.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("mqtt: wait for the connection: %w", context.Cause(ctx))
	}
	defer func() { <-u.gate }()
	if u.closed {
		return nil, errors.New("mqtt: closed")
	}
	if u.session != nil && u.session.conn.Err() == nil {
		return u.session, nil
	}
	if u.session != nil {
		u.session.close()
		u.session = nil
	}
	u.tried.Store(int64(u.elapsed()))
	s, err := u.connect(ctx)
	if err != nil {
		return nil, err
	}
	u.session = s
	return s, nil
}

// connect makes a session: log in, say online, and see that what we publish is passed on.
func (u *Upstream) connect(ctx context.Context) (*session, error) {
	s := &session{number: u.nextNumber()}
	seen := newEchoes()
	o, err := u.connectOptions(s.number)
	if err != nil {
		return nil, err
	}
	o.OnMessage = seen.take
	done := u.troubles.Expect(conditionUnreachable, "no answer")
	s.conn, err = mqttconn.Dial(ctx, o)
	done()
	if err != nil {
		return nil, refusal(err)
	}
	if err := u.setUp(ctx, s, seen); err != nil {
		s.conn.Drop()
		return nil, err
	}
	u.h.Log.InfoContext(ctx, "connected", slog.String("upstream", string(u.h.ID)), slog.Uint64("conn", s.number))
	return s, nil
}

// nextNumber is the connection's number. It must rise over all connections of a boot, also
// over restarts of the agent: so it is the milliseconds since the boot.
func (u *Upstream) nextNumber() uint64 {
	u.number = max(u.number+1, uint64(u.status().Now.Mono.Milliseconds()))
	return u.number
}

func (u *Upstream) connectOptions(number uint64) (mqttconn.Options, error) {
	password := u.c.Password
	if password != "" && u.h.Secret != nil {
		var err error
		if password, err = u.h.Secret(password); err != nil {
			return mqttconn.Options{}, &upstream.Refused{Code: conditionLogin, Err: fmt.Errorf("mqtt: password: %w", err)}
		}
	}
	o := u.c.options(u.clientID, password)
	if u.h.Meter != nil {
		o.Meter = u.h.Meter
	}
	o.Will = &mqttconn.Will{Topic: u.own("status"), Payload: u.statusMessage(wire.Offline, number)}
	return o, nil
}

// setUp does what a new connection needs before it may carry records.
func (u *Upstream) setUp(ctx context.Context, s *session, seen *echoes) error {
	if err := u.publishStatus(ctx, s, wire.Online); err != nil {
		return fmt.Errorf("mqtt: say online: %w", bare(err))
	}
	if err := u.publishInfo(ctx, s, true); err != nil {
		return fmt.Errorf("mqtt: say what is measured: %w", bare(err))
	}
	if u.c.Echo == EchoOff {
		return nil
	}
	return u.seeEchoes(ctx, s, seen)
}

// bare is the cause of a lost connection: only under a batch is that the batch's affair.
func bare(err error) error {
	var lost *upstream.Lost
	if errors.As(err, &lost) {
		return lost.Err
	}
	return err
}

// seeEchoes sends one empty batch to each topic and returns nil once all came back.
func (u *Upstream) seeEchoes(ctx context.Context, s *session, seen *echoes) error {
	ctx, cancel := context.WithTimeout(ctx, u.c.Timeout)
	defer cancel()
	done := u.troubles.Expect(conditionNotSeen, "no echo")
	defer done()
	sent := map[string][]byte{}
	for _, k := range u.kinds() {
		empty, err := u.encode(nil, upstream.Batch{Kind: k, Epoch: u.status().Last.Epoch})
		if err != nil {
			return fmt.Errorf("mqtt: empty batch: %w", err)
		}
		sent[u.topic(k)] = empty
	}
	topics := slices.Sorted(maps.Keys(sent))
	seen.expect(sent)
	switch err := s.conn.Subscribe(ctx, topics...); {
	case errors.Is(err, mqttconn.ErrDenied):
		return &upstream.Refused{Code: conditionNotSeen, Err: fmt.Errorf("mqtt: %w", err)}
	case err != nil:
		return fmt.Errorf("mqtt: subscribe to own topics: %w", err)
	}
	for _, topic := range topics {
		if err := u.publish(ctx, s, topic, sent[topic], false); err != nil {
			return fmt.Errorf("mqtt: send an empty batch: %w", bare(err))
		}
	}
	select {
	case <-seen.all:
	case <-s.conn.Lost():
		return fmt.Errorf("mqtt: wait for the echo: %w", s.conn.Err())
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return fmt.Errorf("mqtt: wait for the echo: %w", ctx.Err())
		}
		return &upstream.Refused{Code: conditionNotSeen, Err: fmt.Errorf(
			"mqtt: accepted but not seen: %s", strings.Join(seen.missing(), ", "))}
	}
	if err := s.conn.Unsubscribe(ctx, topics...); err != nil {
		return fmt.Errorf("mqtt: unsubscribe from own topics: %w", err)
	}
	return nil
}

// kinds are those that this upstream selects.
func (u *Upstream) kinds() []agent.Kind {
	if u.h.Info != nil {
		if kinds := u.h.Info().Kinds; len(kinds) > 0 {
			return kinds
		}
	}
	return agent.Kinds()
}

// echoes are the empty batches that must come back.
type echoes struct {
	all chan struct{} // closed once nothing is missing

	mu   sync.Mutex
	sent map[string][]byte
}

func newEchoes() *echoes { return &echoes{all: make(chan struct{})} }

func (e *echoes) expect(sent map[string][]byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent = maps.Clone(sent)
}

// take is the connection's OnMessage.
func (e *echoes) take(m mqttconn.Message) {
	defer m.Ack()
	e.mu.Lock()
	defer e.mu.Unlock()
	want, ok := e.sent[m.Topic]
	if !ok || m.Retained || !bytes.Equal(want, m.Payload) {
		return
	}
	delete(e.sent, m.Topic)
	if len(e.sent) == 0 {
		close(e.all)
	}
}

// missing are the topics that have not come back.
func (e *echoes) missing() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.sent))
}

// refusal turns a connection's error into what the pump understands.
func refusal(err error) error {
	wrapped := fmt.Errorf("mqtt: %w", err)
	switch {
	case errors.Is(err, mqttconn.ErrLogin):
		return &upstream.Refused{Code: conditionLogin, Err: wrapped}
	case errors.Is(err, mqttconn.ErrTLS):
		return &upstream.Refused{Code: conditionTLS, Err: wrapped}
	case errors.Is(err, mqttconn.ErrOptions):
		return &upstream.Refused{Code: conditionConfig, Err: wrapped}
	case errors.Is(err, mqttconn.ErrUnavailable):
		return &upstream.Later{Err: wrapped}
	case errors.Is(err, mqttconn.ErrUnreachable):
		return &farside.Unreachable{Err: wrapped}
	}
	return wrapped
}
