package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/internal/farside"
)

// Settings choose where to post and what.
type Settings struct {
	URL  string `yaml:"url" doc:"Address to post to; may be or hold a secret: ${credential:NAME}." like:"https://alarms.example/frostline"`
	Form Form   `yaml:"form" doc:"What the far side reads. plain: the event as JSON. The others are the webhooks of chat services." enum:"plain,slack,wecom,dingtalk,feishu,ntfy"`
	Key  string `yaml:"key" doc:"Signs each request, for plain, dingtalk and feishu; a reference to a secret." like:"${credential:webhook-key}"`

	announce.Audience
	Headers map[string]string `yaml:"headers" doc:"Headers of every request, such as Authorization; values may be secrets."`
	Timeout time.Duration     `yaml:"timeout" doc:"How long one attempt may take. Failed attempts are repeated, from 1s to 1m apart."`
	CA      string            `yaml:"ca" doc:"File with the certificates to trust instead of the system's."`
}

// Errors of Validate and open.
var (
	ErrURL     = errors.New("url: want http:// or https:// with a host")
	ErrTimeout = errors.New("timeout: want a time from 1s to 30s")
	ErrForm    = errors.New("form: want plain, slack, wecom, dingtalk, feishu or ntfy")
	ErrKey     = errors.New("key: this form has no signature; its address is the secret")
	ErrClock   = errors.New("the clock is not set: a signature needs the time")
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
	form, ok := forms[s.Form]
	if !ok {
		errs = append(errs, ErrForm)
	}
	if ok && s.Key != "" && !form.signed {
		errs = append(errs, ErrKey)
	}
	return errors.Join(append(errs, s.Check())...)
}

// Driver is the output for the config.
var Driver = announce.Define("webhook", Settings{
	Form: Plain, Timeout: 10 * time.Second,
	Audience: announce.Audience{Severity: agent.SeverityWarning, Flood: announce.DefaultFlood()},
}, open)

type output struct {
	client *http.Client
	url    string
	key    string
	header http.Header
	set    Settings
	form   form
	host   announce.Host
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
	key, err := h.Secret(s.Key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	header := http.Header{"User-Agent": {"frostline"}}
	for name, value := range s.Headers {
		secret, err := h.Secret(value)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		header.Set(name, secret)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 1, 1
	if transport.TLSClientConfig, err = trust(s.CA); err != nil {
		return nil, err
	}
	return &output{
		client: &http.Client{
			Transport: transport, Timeout: s.Timeout,
			// A redirected POST becomes a GET: better to say that the address is wrong.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url: address, key: key, header: header, set: s, form: forms[cmp.Or(s.Form, Plain)], host: h,
	}, nil
}

func trust(ca string) (*tls.Config, error) {
	config, err := farside.TLS{CA: ca}.Config()
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return config, nil
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

// Announce implements announce.Output. Answers from 200 to 299 mean taken, unless the form says
// in the body that it was not; 3xx, and 4xx other than 408, 425 and 429, mean never; everything
// else is tried again.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	if !o.set.Concerns(n) {
		return nil
	}
	req, err := o.request(ctx, n)
	if err != nil {
		return err
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: post: %w", hide(err))
	}
	defer resp.Body.Close()
	// Reading the answer to its end lets the connection be used again.
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if code := judge(resp.StatusCode); code != nil {
		return code
	}
	if o.form.judge == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("webhook: read the answer: %w", hide(err))
	}
	return o.form.judge(answer)
}

// request is the notice in its form, signed with the present time.
func (o *output) request(ctx context.Context, n announce.Notice) (*http.Request, error) {
	m := message{n: n, voice: o.host.Voice, letter: n.Letter(o.host.Voice, o.host.Zone), url: o.url, key: o.key, header: o.header.Clone()}
	if o.key != "" {
		if m.now = o.host.Now().Wall; m.now.IsZero() {
			return nil, fmt.Errorf("webhook: %w", ErrClock)
		}
	}
	body, err := o.form.write(&m)
	if err != nil {
		return nil, fmt.Errorf("webhook: body: %w: %w", err, announce.ErrPermanent)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("webhook: request: %w: %w", hide(err), announce.ErrPermanent)
	}
	req.Header = m.header
	req.Header.Set("Idempotency-Key", n.Key())
	return req, nil
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

// Close implements announce.Output.
func (o *output) Close() error {
	o.client.CloseIdleConnections()
	return nil
}
