// Package mqtt brings records to an MQTT 3.1.1 broker.
//
// A broker of that version acknowledges a publish that its ACL drops. So at each connect
// the upstream subscribes to its own topics, sends one empty batch to each and waits for
// the echo: nothing leaves the outbox before it was seen there. Then it unsubscribes, so that the
// link carries each batch once only. What it cannot see is a broker that drops by size
// (Mosquitto's message_size_limit): keep the broker's limit above batch.bytes.
//
// Both lanes share one connection. It is made by the first Deliver, and kept up by the
// heartbeat, which says every so often in the retained status that the gateway lives and
// how much waits; a gateway that hangs with its connection open is noticed by its silence.
package mqtt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/upstream"
)

// Driver is `driver: mqtt`.
var Driver = upstream.Define("mqtt", Config{
	KeepAlive: 30 * time.Second,
	Encoding:  EncodingPlain,
	Echo:      EchoOn,
	Heartbeat: 30 * time.Second,
	Timeout:   20 * time.Second,
}, open)

// Config is what an operator can set.
type Config struct {
	URL        string        `yaml:"url,required" doc:"The broker: mqtt://HOST[:1883], or mqtts://HOST[:8883] for TLS." example:"mqtts://broker.example:8883"`
	User       string        `yaml:"user" doc:"User name."`
	Password   string        `yaml:"password" doc:"Password; a reference to a secret." like:"${credential:mqtt-password}"`
	CA         string        `yaml:"ca" doc:"PEM file of the authorities that may have signed the broker's certificate. Without it, the system's."`
	Cert       string        `yaml:"cert" doc:"PEM file of this gateway's certificate. It is read at each connect, so a renewed one needs no restart."`
	Key        string        `yaml:"key" doc:"PEM file of the certificate's key."`
	ServerName string        `yaml:"server_name" doc:"The name in the broker's certificate, where it is not the url's host."`
	ClientID   string        `yaml:"client_id" doc:"MQTT client id. Without it, frostline-SITE-GATEWAY-UPSTREAM. Two connections with one id throw each other out."`
	KeepAlive  time.Duration `yaml:"keepalive" doc:"How long the connection may be quiet before it is tried with a ping. Whole seconds."`
	Encoding   string        `yaml:"encoding" doc:"plain: JSON that every consumer can read. compact: for metered links; the topics then end in .c." enum:"plain,compact"`
	Echo       string        `yaml:"echo" doc:"on: nothing leaves the outbox before the broker was seen to pass on what this gateway publishes. off: for brokers that forbid a gateway to read its own topics." enum:"on,off"`
	Heartbeat  time.Duration `yaml:"heartbeat" doc:"How often the retained status is renewed. About 350 bytes each time."`
	Timeout    time.Duration `yaml:"timeout" doc:"How long the broker may take to connect, and to acknowledge."`
}

// The words of Config.Encoding and Config.Echo.
const (
	EncodingPlain   = "plain"
	EncodingCompact = "compact"
	EchoOn          = "on"
	EchoOff         = "off"
)

// Validate reports everything that is wrong with the settings.
func (c *Config) Validate() error {
	var errs []error
	if err := c.options("check", c.Password).Check(); err != nil {
		// Without the prefix the sentence begins with the key that is wrong, and check points there.
		errs = append(errs, errors.New(strings.TrimPrefix(err.Error(), "mqttconn: "+mqttconn.ErrOptions.Error()+": ")))
	}
	if c.Encoding != EncodingPlain && c.Encoding != EncodingCompact {
		errs = append(errs, fmt.Errorf("encoding %q: want plain or compact", c.Encoding))
	}
	if c.Echo != EchoOn && c.Echo != EchoOff {
		errs = append(errs, fmt.Errorf("echo %q: want on or off", c.Echo))
	}
	if c.Heartbeat < time.Second {
		errs = append(errs, fmt.Errorf("heartbeat %v: want at least 1s", c.Heartbeat))
	}
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout %v: want more than 0", c.Timeout))
	}
	return errors.Join(errs...)
}

// options are the connection's, but for what is resolved at each connect.
func (c *Config) options(clientID, password string) mqttconn.Options {
	return mqttconn.Options{
		URL: c.URL, ClientID: clientID, User: c.User, Password: password,
		CA: c.CA, Cert: c.Cert, Key: c.Key, ServerName: c.ServerName,
		KeepAlive: c.KeepAlive, Timeout: c.Timeout,
	}
}

func open(_ context.Context, h upstream.Host, c Config) (upstream.Upstream, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return newUpstream(h, c), nil
}
