// Package webhook announces alarm transitions by an HTTP POST of JSON.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Settings choose where to post and what.
type Settings struct {
	URL      string            `yaml:"url" doc:"Address to post to; may be or hold a secret: ${credential:NAME}." like:"https://alarms.example/frostline"`
	Headers  map[string]string `yaml:"headers" doc:"Headers of every request, such as Authorization; values may be secrets."`
	Severity agent.Severity    `yaml:"severity" doc:"Least severity that is posted."`
	Timeout  time.Duration     `yaml:"timeout" doc:"How long one attempt may take. Failed attempts are repeated, from 1s to 1m apart."`
	CA       string            `yaml:"ca" doc:"File with the certificates to trust instead of the system's."`
}

// Errors of Validate and open.
var (
	ErrURL     = errors.New("url: want http:// or https:// with a host")
	ErrTimeout = errors.New("timeout: want a time from 1s to 30s")
	ErrCA      = errors.New("holds no certificate")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.URL == "" {
		errs = append(errs, ErrURL)
	}
	if s.Timeout < time.Second || s.Timeout > 30*time.Second {
		errs = append(errs, ErrTimeout)
	}
	return errors.Join(append(errs, announce.CheckSeverity(s.Severity))...)
}

// Driver is the output for the config.
var Driver = announce.Define("webhook", Settings{Severity: agent.SeverityWarning, Timeout: 10 * time.Second}, open)

// Payload is the body of the request: the alarm event as it crosses the wire, with where it
// happened and who says so.
type Payload struct {
	Site     agent.SiteID    `json:"site"`
	Gateway  agent.GatewayID `json:"gateway"`
	T        *int64          `json:"t"`     // UTC milliseconds; null while the gateway's clock is unset
	Event    agent.EventKind `json:"event"` // alarm
	ZoneName string          `json:"zone_name,omitempty"`
	agent.AlarmEvent
}

type output struct {
	client *http.Client
	url    string
	header http.Header
	least  agent.Severity
}

func open(_ context.Context, h announce.Host, s Settings) (announce.Output, error) {
	address, err := h.Secret(s.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, ErrURL // without the text: it may be secret
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"frostline"}}
	for name, value := range s.Headers {
		secret, err := h.Secret(value)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		header.Set(name, secret)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 1, 1
	if s.CA != "" {
		pool, err := certificates(s.CA)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &output{
		client: &http.Client{
			Transport: transport, Timeout: s.Timeout,
			// A redirected POST becomes a GET: better to say that the address is wrong.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url: address, header: header, least: s.Severity,
	}, nil
}

func certificates(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca %s: %w", file, ErrCA)
	}
	return pool, nil
}

// Announce implements announce.Output. Answers from 200 to 299 mean taken; 3xx, and 4xx other than
// 408, 425 and 429, mean never; everything else is tried again.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	if n.Event == nil || !announce.AtLeast(n.Event.Severity, o.least) {
		return nil
	}
	body, err := json.Marshal(payload(n))
	if err != nil {
		return fmt.Errorf("webhook: payload: %w: %w", err, announce.ErrPermanent)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook: request: %w: %w", hide(err), announce.ErrPermanent)
	}
	req.Header = o.header.Clone()
	req.Header.Set("Idempotency-Key", string(n.Event.ID)+"/"+string(n.Event.Transition))
	resp, err := o.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: post: %w", hide(err))
	}
	defer resp.Body.Close()
	// Reading the answer to its end lets the connection be used again; what it says is not needed.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return judge(resp.StatusCode)
}

func judge(code int) error {
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests:
	case code >= 300 && code < 500:
		return fmt.Errorf("webhook: answered %d %s: %w", code, http.StatusText(code), announce.ErrPermanent)
	}
	return fmt.Errorf("webhook: answered %d %s", code, http.StatusText(code))
}

// hide takes the address, which may be secret, out of the error.
func hide(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func payload(n announce.Notice) Payload {
	p := Payload{Site: n.Site, Gateway: n.Gateway, Event: agent.EventAlarm, ZoneName: n.ZoneName, AlarmEvent: *n.Event}
	if !n.At.Wall.IsZero() {
		t := n.At.Wall.UnixMilli()
		p.T = &t
	}
	return p
}

// Close implements announce.Output.
func (o *output) Close() error {
	o.client.CloseIdleConnections()
	return nil
}
