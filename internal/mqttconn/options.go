package mqttconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/frostline/frostline/internal/farside"
)

// Options say where to connect and as whom. The zero value of everything but URL and
// ClientID will do.
type Options struct {
	URL        string // mqtt://host[:1883] or mqtts://host[:8883]; tcp:// and ssl://, tls:// are the same two
	ClientID   string
	User       string
	Password   string
	CA         string        // PEM file of the authorities to trust; empty: the system's
	Cert, Key  string        // PEM files of our certificate, read anew at each handshake
	ServerName string        // name in the broker's certificate; empty: the host of URL
	KeepAlive  time.Duration // whole seconds, at most 65 535; 0: 30 s
	Timeout    time.Duration // for connecting with all its handshakes, and for the far side to take bytes; 0: 30 s
	Will       *Will         // published by the broker if the connection is lost
	Meter      farside.Meter // counts every byte on the socket; may be nil

	// KeepSession asks the broker to keep subscriptions and what arrives for them while we are
	// away. Without it each connection begins clean.
	KeepSession bool
	// OnMessage takes what arrives, one message at a time and in order. It may block: what
	// comes meanwhile waits in memory, and is acknowledged to the broker by Message.Ack only.
	OnMessage func(Message)
	// MaxPacket is the largest packet accepted from the broker, in bytes; 0: 16 MiB.
	MaxPacket int
}

// Will is a retained message, QoS 1, that the broker publishes when it loses us.
type Will struct {
	Topic   string
	Payload []byte
}

const (
	defaultKeepAlive = 30 * time.Second
	defaultTimeout   = 30 * time.Second
	defaultMaxPacket = 16 << 20
)

// Check reports what is wrong with the options as far as it can be told without a network: it wraps ErrOptions.
func (o Options) Check() error {
	_, _, err := o.address()
	if err != nil {
		return err
	}
	switch {
	case (o.Cert == "") != (o.Key == ""):
		return fmt.Errorf("mqttconn: %w: cert and key belong together", ErrOptions)
	case o.KeepAlive < 0 || o.KeepAlive > 65535*time.Second || o.KeepAlive%time.Second != 0:
		return fmt.Errorf("mqttconn: %w: keepalive %v: want whole seconds, at most 65535", ErrOptions, o.KeepAlive)
	case o.Timeout < 0:
		return fmt.Errorf("mqttconn: %w: timeout %v is negative", ErrOptions, o.Timeout)
	case o.ClientID == "":
		return fmt.Errorf("mqttconn: %w: no client id", ErrOptions)
	case o.Password != "" && o.User == "":
		return fmt.Errorf("mqttconn: %w: a password needs a user", ErrOptions)
	}
	return nil
}

// address is the host and port to dial, and whether TLS is spoken there.
func (o Options) address() (hostport string, secure bool, err error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		// The error of url.Parse repeats the url, which may hold a password.
		return "", false, fmt.Errorf("mqttconn: %w: url is not a url", ErrOptions)
	}
	port := ""
	switch u.Scheme {
	case "mqtt", "tcp":
		port = "1883"
	case "mqtts", "ssl", "tls":
		port, secure = "8883", true
	default:
		return "", false, fmt.Errorf("mqttconn: %w: url scheme %q: want mqtt or mqtts", ErrOptions, u.Scheme)
	}
	switch {
	case u.Hostname() == "":
		return "", false, fmt.Errorf("mqttconn: %w: url has no host", ErrOptions)
	case u.User != nil:
		return "", false, fmt.Errorf("mqttconn: %w: url holds a user: use user and password", ErrOptions)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return "", false, fmt.Errorf("mqttconn: %w: url has more than a host and a port", ErrOptions)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port), secure, nil
}

func (o Options) withDefaults() Options {
	if o.KeepAlive == 0 {
		o.KeepAlive = defaultKeepAlive
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxPacket == 0 {
		o.MaxPacket = defaultMaxPacket
	}
	return o
}

// silence is after how long without a byte from the broker the connection is over: paho
// sends a ping when nothing came for KeepAlive, and looks for that every quarter of it or
// every 5 s; the answer may take Timeout.
func (o Options) silence() time.Duration {
	look := 5 * time.Second
	if o.KeepAlive <= 10*time.Second {
		look = o.KeepAlive / 4
	}
	return o.KeepAlive + look + o.Timeout
}

// open makes the connection up to, and with, the TLS handshake.
func (o Options) open(ctx context.Context) (net.Conn, error) {
	hostport, secure, err := o.address()
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, fmt.Errorf("mqttconn: %w: %w", ErrOptions, err)
	}
	var config *tls.Config
	if secure {
		config, err = farside.TLS{CA: o.CA, Cert: o.Cert, Key: o.Key, ServerName: o.ServerName}.Config()
		if err != nil {
			return nil, fmt.Errorf("mqttconn: connect to %s: %w: %w", hostport, ErrTLS, err)
		}
		if config.ServerName == "" {
			config.ServerName = host
		}
	}
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", hostport)
	if err != nil {
		return nil, fmt.Errorf("mqttconn: connect to %s: %w: %w", hostport, ErrUnreachable, cause(ctx, err))
	}
	conn := farside.Metered(raw, o.Meter)
	if !secure {
		return conn, nil
	}
	t := tls.Client(conn, config)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error is the one to tell
		kind := ErrUnreachable
		if farside.IsTLS(err) {
			kind = ErrTLS
		}
		return nil, fmt.Errorf("mqttconn: connect to %s: %w: tls handshake: %w", hostport, kind, cause(ctx, err))
	}
	return t, nil
}

// cause prefers the context's own cause to what a call made of it.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}
