// Package mqttconn is one MQTT 3.1.1 connection: made, used, and gone for good once it is
// lost. It never reconnects and never resends; its user does, who knows what must be sent.
//
// It is the only importer of paho. paho keeps publish tokens over a reconnect and resends
// them itself, out of our sight; so each connection is a client object of its own, with
// AutoReconnect, ConnectRetry and ResumeSubs off.
package mqttconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/frostline/frostline/internal/farside"
)

// handover is how long paho may take to hand a packet to its own writing goroutine, which
// takes microseconds: stream never makes it wait.
const handover = 5 * time.Second

// forever is longer than any connection lasts.
const forever = 100 * 365 * 24 * time.Hour

// MaxPayload is the largest payload of a publish: MQTT's limit of 268 435 455 bytes after
// the fixed header, less the longest topic and the packet's id.
const MaxPayload = 268_435_455 - 65_535 - 4

// Conn is a connection to a broker. All methods are safe for use by several goroutines.
// Close or Drop must be called, also after it was lost; not from within OnMessage.
type Conn struct {
	client mqtt.Client
	stream *stream
	once   sync.Once

	subscribing sync.Mutex // one SUBSCRIBE at a time, so that its answer can be checked

	inbox    inbox
	dispatch sync.WaitGroup
}

// Dial connects and logs in. It waits for the broker's CONNACK, at most o.Timeout, and
// honors ctx. The error wraps one of this package's.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	o = o.withDefaults()
	if err := o.Check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("no answer within %v", o.Timeout))
	defer cancel()
	socket, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	c := &Conn{stream: newStream(socket, o.Timeout, o.silence(), o.MaxPacket)}
	c.inbox.wake = make(chan struct{}, 1)
	c.client = mqtt.NewClient(c.options(o))
	if err := c.login(ctx); err != nil {
		c.end()
		return nil, err
	}
	c.dispatch.Add(1)
	go c.deliver(o.OnMessage)
	return c, nil
}

func (c *Conn) options(o Options) *mqtt.ClientOptions {
	p := mqtt.NewClientOptions().
		AddBroker("tcp://dialed-already").
		SetCustomOpenConnectionFn(func(_ *url.URL, _ mqtt.ClientOptions) (net.Conn, error) { return c.stream, nil }).
		SetClientID(o.ClientID).
		SetUsername(o.User).
		SetPassword(o.Password).
		SetProtocolVersion(4).
		SetCleanSession(!o.KeepSession).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetResumeSubs(false).
		SetOrderMatters(true).
		SetAutoAckDisabled(true).
		SetWriteTimeout(handover).
		SetConnectTimeout(forever). // ctx ends it
		SetKeepAlive(o.KeepAlive).
		SetPingTimeout(forever). // stream watches for silence
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { c.inbox.put(m) })
	if o.Will != nil {
		p.SetBinaryWill(o.Will.Topic, o.Will.Payload, 1, true)
	}
	return p
}

// login sends CONNECT and waits for CONNACK.
func (c *Conn) login(ctx context.Context) error {
	token := c.client.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		c.stream.fail(context.Cause(ctx))
		<-token.Done() // the socket is closed: at once
	}
	err := token.Error()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("mqttconn: log in: %w: %w", ErrUnreachable, context.Cause(ctx))
	}
	if c.Err() != nil {
		err = c.stream.reason // paho does not know it
	}
	switch code := token.(*mqtt.ConnectToken).ReturnCode(); {
	case code == 4 || code == 5:
		return fmt.Errorf("mqttconn: log in: %w: %w", ErrLogin, err)
	case code == 3:
		return fmt.Errorf("mqttconn: log in: %w: %w", ErrUnavailable, err)
	case code < 128:
		return fmt.Errorf("mqttconn: log in: %w: %w", ErrOptions, err)
	case farside.IsTLS(err):
		// TLS 1.3 tells of a refused client certificate only after the handshake.
		return fmt.Errorf("mqttconn: log in: %w: %w", ErrTLS, err)
	}
	return fmt.Errorf("mqttconn: log in: %w: %w", ErrUnreachable, err)
}

// Publish sends a message with QoS 1 and returns nil once the broker has acknowledged it.
// On any error it may have arrived or not. The payload must not change until Publish has
// returned nil, or else until the connection is closed.
func (c *Conn) Publish(ctx context.Context, topic string, payload []byte, retained bool) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("mqttconn: publish: %w: %d bytes are more than MQTT carries", ErrOptions, len(payload))
	}
	_, err := c.do(ctx, func() mqtt.Token { return c.client.Publish(topic, 1, retained, payload) })
	if err != nil {
		return fmt.Errorf("mqttconn: publish: %w", err)
	}
	return nil
}

// Subscribe asks for QoS 1 of what matches the filters, and returns nil once the broker has
// granted all of them. A denied one is ErrDenied, by name.
func (c *Conn) Subscribe(ctx context.Context, filters ...string) error {
	c.subscribing.Lock()
	defer c.subscribing.Unlock()
	wanted := make(map[string]byte, len(filters))
	for _, f := range filters {
		wanted[f] = 1
	}
	c.stream.in.subs.Store(int32(len(wanted)))
	token, err := c.do(ctx, func() mqtt.Token { return c.client.SubscribeMultiple(wanted, nil) })
	if err != nil {
		return fmt.Errorf("mqttconn: subscribe: %w", err)
	}
	granted := token.(*mqtt.SubscribeToken).Result()
	var denied []string
	for _, f := range filters {
		if code, ok := granted[f]; !ok || code > 2 {
			denied = append(denied, f)
		}
	}
	if denied != nil {
		return fmt.Errorf("mqttconn: subscribe: %w: %s", ErrDenied, strings.Join(denied, ", "))
	}
	return nil
}

// Unsubscribe undoes Subscribe and returns nil once the broker has confirmed.
func (c *Conn) Unsubscribe(ctx context.Context, filters ...string) error {
	_, err := c.do(ctx, func() mqtt.Token { return c.client.Unsubscribe(filters...) })
	if err != nil {
		return fmt.Errorf("mqttconn: unsubscribe: %w", err)
	}
	return nil
}

// Lost is closed once the connection is over, for whatever reason.
func (c *Conn) Lost() <-chan struct{} { return c.stream.dead }

// Err is nil while the connection stands, and then why it ended; it wraps ErrLost.
func (c *Conn) Err() error {
	select {
	case <-c.stream.dead:
	default:
		return nil
	}
	if errors.Is(c.stream.reason, ErrLost) {
		return c.stream.reason
	}
	return fmt.Errorf("%w: %w", ErrLost, c.stream.reason)
}

// Close says goodbye with DISCONNECT, upon which the broker forgets the will, and returns
// when everything that belongs to the connection has ended.
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.refuse()
		c.client.Disconnect(uint(farewell / time.Millisecond))
		c.end()
	})
	return nil
}

// Drop ends the connection without a goodbye, as a lost network does: the broker
// publishes the will. It returns when everything that belongs to it has ended.
func (c *Conn) Drop() {
	c.once.Do(func() {
		c.refuse()
		c.end()
	})
}

// refuse lets nothing more be handed to paho, and returns when nothing is being handed.
func (c *Conn) refuse() {
	c.stream.asked.Store(true)
	c.stream.handing.Lock()
	defer c.stream.handing.Unlock()
}

// end closes the socket and waits for all goroutines.
func (c *Conn) end() {
	c.stream.fail(errClosedBySelf)
	// Disconnect waits for what a loss, or the first Disconnect, has begun.
	c.client.Disconnect(uint(2 * handover / time.Millisecond))
	<-c.stream.ended
	c.dispatch.Wait()
}

// do hands a packet to paho and waits for the broker's answer, the end of ctx or the end of the connection.
func (c *Conn) do(ctx context.Context, hand func() mqtt.Token) (mqtt.Token, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c.stream.handing.RLock()
	err := c.Err()
	if err == nil && c.stream.asked.Load() {
		err = fmt.Errorf("%w: %w", ErrLost, errClosedBySelf)
	}
	if err != nil {
		c.stream.handing.RUnlock()
		return nil, err
	}
	token := hand()
	c.stream.handing.RUnlock()
	return token, c.wait(ctx, token)
}

// wait returns when the broker has answered, ctx is done, or the connection is lost.
func (c *Conn) wait(ctx context.Context, token mqtt.Token) error {
	select {
	case <-token.Done():
	case <-ctx.Done():
	case <-c.stream.dead:
	}
	select {
	case <-token.Done():
		switch err := token.Error(); {
		case err == nil:
			return nil // an answer counts, whatever came after it
		case c.Err() == nil && ctx.Err() == nil:
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
	default:
	}
	if err := c.Err(); err != nil {
		return err
	}
	return context.Cause(ctx)
}
