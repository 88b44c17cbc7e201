// Package email announces alarm transitions by mail, through an SMTP server.
//
// Every recipient gets a mail of his own, so that one refused address keeps no other person from
// hearing of an alarm. A recipient who has a notice does not get it again while it is tried for
// the others. What a server refuses for the moment (4xx, such as greylisting) is tried again, as
// is a login that failed; what it refuses for ever (5xx) is given up for that recipient, and the
// output is shown as failing. The Message-ID is made from the notice and the recipient, so that
// servers and readers know a mail that comes twice.
//
// The text is plain, in UTF-8, and says Auto-Submitted: auto-generated (RFC 3834).
package email

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// TLS is how the connection is protected.
type TLS string

// The ways.
const (
	StartTLS TLS = "starttls" // required: a server that does not offer it gets nothing
	Implicit TLS = "tls"
	NoTLS    TLS = "none"
)

var ports = map[TLS]int{StartTLS: 587, Implicit: 465, NoTLS: 25}

// Auth is how the login is made.
type Auth string

// The ways.
const (
	Auto  Auth = "auto" // PLAIN, or LOGIN where the server offers no other
	Plain Auth = "plain"
	Login Auth = "login"
)

// Settings choose the server and the recipients.
type Settings struct {
	Host     string   `yaml:"host,required" doc:"Name of the SMTP server." example:"smtp.example"`
	Port     int      `yaml:"port" doc:"Its port. 0: 587 for starttls, 465 for tls, 25 for none."`
	TLS      TLS      `yaml:"tls" doc:"starttls, tls (from the first byte) or none, for a relay on this machine or its network." enum:"starttls,tls,none"`
	CA       string   `yaml:"ca" doc:"File with the certificates to trust instead of the system's."`
	User     string   `yaml:"user" doc:"User name of the login. Empty: no login."`
	Password string   `yaml:"password" doc:"Its password; a reference to a secret." like:"${credential:smtp-password}"`
	Auth     Auth     `yaml:"auth" doc:"How to log in: auto takes the strongest way that the server offers." enum:"auto,plain,login"`
	From     string   `yaml:"from,required" doc:"Address of the sender." example:"frostline@cold.example"`
	To       []string `yaml:"to" doc:"Addresses of those who get every alarm; each gets a mail of his own. People are told by the levels of escalation." like:"[keeper@cold.example, quality@cold.example]"`

	announce.Audience
	Timeout time.Duration `yaml:"timeout" doc:"How long one attempt may take. Failed attempts are repeated, from 1s to 1m apart."`
}

// Errors of Validate.
var (
	ErrHost     = errors.New("host: want a name or an address")
	ErrPort     = errors.New("port: want 0 to 65535")
	ErrTLS      = errors.New("tls: want starttls, tls or none")
	ErrAuth     = errors.New("auth: want auto, plain or login")
	ErrLogin    = errors.New("user: user and password belong together")
	ErrOpen     = errors.New("user: without TLS the password would cross the network in the open")
	ErrFrom     = errors.New("from: not an address")
	ErrTimeout  = errors.New("timeout: want a time from 1s to 30s")
	errNobody   = errors.New("no address")
	errInjected = errors.New("a line break")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	errs := []error{s.Check()}
	if s.Host == "" || strings.ContainsAny(s.Host, "/ @\r\n") {
		errs = append(errs, ErrHost)
	}
	if s.Port < 0 || s.Port > 65535 {
		errs = append(errs, ErrPort)
	}
	if ports[s.TLS] == 0 {
		errs = append(errs, ErrTLS)
	}
	if s.Auth != Auto && s.Auth != Plain && s.Auth != Login {
		errs = append(errs, ErrAuth)
	}
	if (s.User == "") != (s.Password == "") {
		errs = append(errs, ErrLogin)
	}
	if s.User != "" && s.TLS == NoTLS {
		errs = append(errs, ErrOpen)
	}
	if err := address(s.From); err != nil {
		errs = append(errs, fmt.Errorf("%w: %q: %s", ErrFrom, s.From, err))
	}
	for _, to := range s.To {
		if err := address(to); err != nil {
			errs = append(errs, fmt.Errorf("to: %q: %w", to, err))
		}
	}
	if s.Timeout < time.Second || s.Timeout > 30*time.Second {
		errs = append(errs, ErrTimeout)
	}
	return errors.Join(errs...)
}

// Addresses says what the output needs to know of a person.
func (*Settings) Addresses() string { return "email" }

func address(s string) error {
	if strings.ContainsAny(s, "\r\n") {
		return errInjected
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return err
	}
	if a.Address == "" {
		return errNobody
	}
	return nil
}

// Driver is the output for the config.
var Driver = announce.Define("email", Settings{
	TLS: StartTLS, Auth: Auto, Timeout: 30 * time.Second,
	Audience: announce.Audience{
		Severity: agent.SeverityWarning, Flood: announce.DefaultFlood(),
		Tell: []agent.Transition{agent.Raised, agent.ReAlarmed, agent.Cleared},
	},
}, open)

func open(_ context.Context, h announce.Host, s Settings) (announce.Output, error) {
	password, err := h.Secret(s.Password)
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	return &output{host: h, set: s, password: password}, nil
}

type output struct {
	host     announce.Host
	set      Settings
	password string

	key  string          // of the notice that is under way
	done map[string]bool // recipients who have it, or never will
	lost []error         // why some never will
}

// Announce implements announce.Output.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	if !o.set.Concerns(n) {
		return nil
	}
	if n.Key() != o.key {
		o.key, o.done, o.lost = n.Key(), map[string]bool{}, nil
	}
	if err := o.send(ctx, n); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	lost := errors.Join(o.lost...)
	o.key, o.done, o.lost = "", nil, nil
	if lost != nil {
		return fmt.Errorf("email: %w: %w", lost, announce.ErrPermanent)
	}
	return nil
}

// Close implements announce.Output: no connection outlives a mail.
func (o *output) Close() error { return nil }
