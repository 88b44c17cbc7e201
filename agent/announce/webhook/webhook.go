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
	"slices"
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

// Addresses says what the output needs to know of a person.
func (*Settings) Addresses() string { return "webhook" }

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
	if err := checkURL(address); err != nil {
		return nil, err
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

// checkURL says whether an address can be posted to, without repeating it: it may be secret.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ErrURL
	}
	return nil
}

// address is a person's URL.
func (o *output) address(ref string) (string, error) {
	address, err := o.host.Secret(ref)
	if err != nil {
		return "", err
	}
	return address, checkURL(address)
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
	if len(n.To) == 0 {
		return o.post(ctx, n, announce.Recipient{Voice: o.host.Voice})
	}
	return o.persons(ctx, n)
}

// persons posts to each person's address, or once to the output's own for those who have none.
func (o *output) persons(ctx context.Context, n announce.Notice) error {
	var left []announce.Recipient
	var again, lost []error
	for _, group := range o.groups(n) {
		one := n
		one.To, one.Own = group, false
		to := group[0]
		if to.ID == "" {
			one.To = nil
		}
		err := o.post(ctx, one, to)
		switch {
		case err == nil:
		case errors.Is(err, announce.ErrPermanent):
			lost = append(lost, err)
		default:
			again, left = append(again, err), append(left, group...)
		}
	}
	if len(left) > 0 {
		return &announce.Remaining{To: left, Err: errors.Join(append(again, lost...)...)}
	}
	return errors.Join(lost...)
}

// groups are the persons who are told by one request.
func (o *output) groups(n announce.Notice) [][]announce.Recipient {
	var groups [][]announce.Recipient
	for _, r := range n.Recipients([]string{""}, o.host.Voice) {
		i := slices.IndexFunc(groups, func(g []announce.Recipient) bool {
			return g[0].Address == r.Address && g[0].Voice == r.Voice && (g[0].ID == "") == (r.ID == "")
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// post makes one request to an address, or to the output's own.
func (o *output) post(ctx context.Context, n announce.Notice, to announce.Recipient) error {
	req, err := o.request(ctx, n, to)
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
func (o *output) request(ctx context.Context, n announce.Notice, to announce.Recipient) (*http.Request, error) {
	m := message{n: n, voice: to.Voice, letter: n.Letter(to.Voice, o.host.Zone), url: o.url, key: o.key, header: o.header.Clone()}
	if to.Address != "" {
		var err error
		if m.url, err = o.address(to.Address); err != nil {
			return nil, fmt.Errorf("webhook: address of %s: %w", to.Name, err)
		}
	}
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
	key := n.Key()
	if len(n.To) > 0 {
		key += "/" + to.ID
	}
	req.Header.Set("Idempotency-Key", key)
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
