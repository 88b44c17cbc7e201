// Package mqtt announces alarm transitions on an MQTT 3.1.1 broker: for what listens on the
// spot, such as a building's own automation. It is not an upstream: nothing is kept for it, and
// it sees alarms only.
//
// A message is the JSON of announce.Payload, or announce.FloodPayload, with QoS 1. A connection
// lasts as long as a message takes.
package mqtt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/internal/mqttconn"
)

// Settings choose the broker and the topic.
type Settings struct {
	URL        string `yaml:"url,required" doc:"The broker: mqtt://HOST[:1883], or mqtts://HOST[:8883] for TLS." example:"mqtt://127.0.0.1:1883"`
	Topic      string `yaml:"topic,required" doc:"What messages are published to. Topics below frostline/v1/ are the upstreams'." example:"building/coldroom/alarms"`
	Retain     Retain `yaml:"retain" doc:"on: the broker keeps the newest message for who comes later." enum:"on,off"`
	User       string `yaml:"user" doc:"User name."`
	Password   string `yaml:"password" doc:"Password; a reference to a secret." like:"${credential:mqtt-password}"`
	CA         string `yaml:"ca" doc:"PEM file of the authorities that may have signed the broker's certificate. Without it, the system's."`
	Cert       string `yaml:"cert" doc:"PEM file of this gateway's certificate."`
	Key        string `yaml:"key" doc:"PEM file of the certificate's key."`
	ServerName string `yaml:"server_name" doc:"The name in the broker's certificate, where it is not the url's host."`
	ClientID   string `yaml:"client_id" doc:"MQTT client id. Without it, frostline-SITE-GATEWAY-OUTPUT-announce."`

	announce.Audience
	Timeout time.Duration `yaml:"timeout" doc:"How long the broker may take to connect, and to acknowledge."`
}

// Retain is whether the broker keeps the newest message.
type Retain string

// The choices.
const (
	RetainOn  Retain = "on"
	RetainOff Retain = "off"
)

// Errors of Validate.
var (
	ErrTopic   = errors.New("topic: want a topic without wildcards, outside of $ and frostline/v1/")
	ErrRetain  = errors.New("retain: want on or off")
	ErrTimeout = errors.New("timeout: want a time from 1s to 30s")
)

// mostTopic is MQTT's limit for a topic, in bytes.
const mostTopic = 65535

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	errs := []error{s.Check()}
	if err := s.options("check", s.Password).Check(); err != nil {
		// Without the prefix the sentence begins with the key that is wrong, and check points there.
		errs = append(errs, errors.New(strings.TrimPrefix(err.Error(), "mqttconn: "+mqttconn.ErrOptions.Error()+": ")))
	}
	if s.Topic == "" || len(s.Topic) > mostTopic || strings.ContainsAny(s.Topic, "+#\x00") ||
		strings.HasPrefix(s.Topic, "$") || strings.HasPrefix(s.Topic, "frostline/v1/") {
		errs = append(errs, ErrTopic)
	}
	if s.Retain != RetainOn && s.Retain != RetainOff {
		errs = append(errs, ErrRetain)
	}
	if s.Timeout < time.Second || s.Timeout > 30*time.Second {
		errs = append(errs, ErrTimeout)
	}
	return errors.Join(errs...)
}

func (s *Settings) options(clientID, password string) mqttconn.Options {
	return mqttconn.Options{
		URL: s.URL, ClientID: clientID, User: s.User, Password: password,
		CA: s.CA, Cert: s.Cert, Key: s.Key, ServerName: s.ServerName, Timeout: s.Timeout,
	}
}

// Driver is the output for the config.
var Driver = announce.Define("mqtt", Settings{
	Retain: RetainOff, Timeout: 20 * time.Second,
	Audience: announce.Audience{Severity: agent.SeverityInfo, Flood: announce.DefaultFlood()},
}, open)

func open(_ context.Context, h announce.Host, s Settings) (announce.Output, error) {
	password, err := h.Secret(s.Password)
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	id := cmp.Or(s.ClientID, fmt.Sprintf("frostline-%s-%s-%s-announce", h.Site, h.Gateway, h.ID))
	return &output{set: s, voice: h.Voice, options: s.options(id, password)}, nil
}

type output struct {
	set     Settings
	voice   agent.Voice
	options mqttconn.Options
}

// Announce implements announce.Output: nil once the broker has acknowledged the message.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	if !o.set.Concerns(n) {
		return nil
	}
	body, err := n.JSON(o.voice)
	if err != nil {
		return fmt.Errorf("mqtt: payload: %w: %w", err, announce.ErrPermanent)
	}
	ctx, cancel := context.WithTimeout(ctx, o.set.Timeout)
	defer cancel()
	conn, err := mqttconn.Dial(ctx, o.options)
	if err != nil {
		return fmt.Errorf("mqtt: %w", err)
	}
	if err := conn.Publish(ctx, o.set.Topic, body, o.set.Retain == RetainOn); err != nil {
		conn.Drop()
		return fmt.Errorf("mqtt: %w", err)
	}
	conn.Close()
	return nil
}

// Close implements announce.Output: no connection outlives a message.
func (o *output) Close() error { return nil }
