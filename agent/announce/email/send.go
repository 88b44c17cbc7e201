package email

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/internal/farside"
)

// send brings the notice to every recipient who is not done. An error means that some of them
// are to be tried again.
func (o *output) send(ctx context.Context, n announce.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, o.set.Timeout)
	defer cancel()
	var to []announce.Recipient
	var letters []*gomail.Msg
	for _, r := range n.Recipients(o.set.To, o.host.Voice) {
		if o.done[r.Address] {
			continue
		}
		letter, err := o.letter(n, r)
		if err != nil {
			return fmt.Errorf("write: %w: %w", err, announce.ErrPermanent)
		}
		to, letters = append(to, r), append(letters, letter)
	}
	if len(to) == 0 {
		return nil
	}
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close() // the library leaves it open where the login fails; a second Close does no harm
		}
	}()
	client, err := o.client(func(c net.Conn) { conn = c })
	if err != nil {
		return fmt.Errorf("%s: %w", o.set.Host, err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("%s: connect: %w", o.set.Host, cause(ctx, err))
	}
	// The library looks at ctx only while it dials.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var again []error
	var left []announce.Recipient
	for i, letter := range letters {
		err := client.SendWithSMTPClient(session, letter)
		switch {
		case letter.IsDelivered(): // whatever went wrong after that
			o.done[to[i].Address] = true
		case final(err):
			o.done[to[i].Address] = true
			o.lost = append(o.lost, fmt.Errorf("to %s: %w", to[i].Address, err))
		default:
			left = append(left, to[i])
			again = append(again, fmt.Errorf("to %s: %w", to[i].Address, cause(ctx, err)))
		}
	}
	_ = client.CloseWithSMTPClient(session) // a server that does not say goodbye has the mails all the same
	if len(n.To) > 0 && len(left) > 0 {
		return &announce.Remaining{To: left, Err: errors.Join(append(again, o.lost...)...)}
	}
	return errors.Join(again...)
}

// cause prefers the context's own error to what a closed connection made of it.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// final reports whether a server refused a mail for ever.
func final(err error) bool {
	var refused *gomail.SendError
	return errors.As(err, &refused) && refused.ErrorCode() >= 500 && refused.ErrorCode() < 600
}

// client is set up anew for each attempt: certificates may have been renewed.
func (o *output) client(opened func(net.Conn)) (*gomail.Client, error) {
	config, err := farside.TLS{CA: o.set.CA, ServerName: o.set.Host}.Config()
	if err != nil {
		return nil, err
	}
	port := o.set.Port
	if port == 0 {
		port = ports[o.set.TLS]
	}
	options := []gomail.Option{
		gomail.WithPort(port), gomail.WithTimeout(o.set.Timeout), gomail.WithTLSConfig(config),
		gomail.WithDialContextFunc(o.dial(config, opened)),
	}
	switch o.set.TLS {
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case Implicit: // dial makes it; the library then finds out for itself
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case NoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if o.set.User != "" {
		options = append(options, gomail.WithUsername(o.set.User), gomail.WithPassword(o.password), o.login())
	}
	return gomail.NewClient(o.set.Host, options...)
}

func (o *output) login() gomail.Option {
	switch o.set.Auth {
	case Plain:
		return gomail.WithSMTPAuth(gomail.SMTPAuthPlain)
	case Login:
		return gomail.WithSMTPAuth(gomail.SMTPAuthLogin)
	}
	return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin)
}

func (o *output) dial(config *tls.Config, opened func(net.Conn)) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		raw, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		opened(raw)
		if o.set.TLS != Implicit {
			return raw, nil
		}
		t := tls.Client(raw, config)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("tls handshake: %w", err)
		}
		return t, nil
	}
}

// letter is the mail for one recipient.
func (o *output) letter(n announce.Notice, to announce.Recipient) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.From(o.set.From); err != nil {
		return nil, err
	}
	if err := m.To(to.Address); err != nil {
		return nil, err
	}
	m.Subject(fmt.Sprintf("[%s/%s] %s", n.Site, n.Gateway, n.Title(to.Voice)))
	m.SetDateWithValue(o.date(n))
	m.SetMessageIDWithValue(messageID(n, to.Address))
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetUserAgent("frostline")
	if n.Severity() == agent.SeverityCritical {
		m.SetImportance(gomail.ImportanceHigh)
	}
	m.SetBodyString(gomail.TypeTextPlain, n.Letter(to.Voice, o.host.Zone)+"\n")
	return m, nil
}

// date is that of the transition; of now, where it is not known.
func (o *output) date(n announce.Notice) time.Time {
	at := n.At.Wall
	if at.IsZero() {
		at = o.host.Now().Wall
	}
	if o.host.Zone != nil {
		at = at.In(o.host.Zone)
	}
	return at
}

// messageID is the same whenever this notice is sent to this recipient.
func messageID(n announce.Notice, to string) string {
	sum := sha256.Sum256([]byte(string(n.Site) + "\n" + string(n.Gateway) + "\n" + n.Key() + "\n" + to))
	return hex.EncodeToString(sum[:16]) + "@" + string(n.Gateway) + ".frostline.invalid"
}
