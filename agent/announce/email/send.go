package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"strconv"

	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/internal/farside"
)

// mostReplies is how many bytes of a server's replies are read on one connection. Replies for
// hundreds of recipients and the certificates fit; a server that never ends a line fills no memory.
const mostReplies = 1 << 20

// send brings the notice to every recipient who is not done. An error means that some of them
// are to be tried again.
func (o *output) send(ctx context.Context, n announce.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, o.set.Timeout)
	defer cancel()
	letters := o.letters(n)
	if len(letters) == 0 {
		return nil
	}
	// Anew for each attempt: certificates may have been renewed.
	config, err := farside.TLS{CA: o.set.CA, ServerName: o.set.Host}.Config()
	if err != nil {
		return fmt.Errorf("%s: %w", o.set.Host, err)
	}
	conn, err := o.dial(ctx)
	if err != nil {
		return fmt.Errorf("%s: connect: %w", o.set.Host, cause(ctx, err))
	}
	defer func() { _ = conn.Close() }()
	// net/smtp knows no context: what waits for the server ends with the connection.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	session, err := o.greet(ctx, conn, config)
	if err != nil {
		return fmt.Errorf("%s: connect: %w", o.set.Host, cause(ctx, err))
	}
	left, again := o.hand(ctx, session, letters)
	_ = session.Quit() // a server that does not say goodbye has the mails all the same
	if len(n.To) > 0 && len(left) > 0 {
		return &announce.Remaining{To: left, Err: errors.Join(append(again, o.lost...)...)}
	}
	return errors.Join(again...)
}

// letters are the mails for the recipients who are not done. Whom no mail can be written to is
// given up.
func (o *output) letters(n announce.Notice) []letter {
	var all []letter
	for _, r := range n.Recipients(o.set.To, o.host.Voice) {
		if o.done[r.Address] {
			continue
		}
		l, err := o.letter(n, r)
		if err != nil {
			o.giveUp(r, err)
			continue
		}
		all = append(all, l)
	}
	return all
}

// hand gives the letters to the server one after the other. It returns who is to be tried again,
// and why.
func (o *output) hand(ctx context.Context, session *smtp.Client, letters []letter) (left []announce.Recipient, again []error) {
	var broken error // what the session cannot go on after
	for _, l := range letters {
		err := broken
		if err == nil {
			err = l.deliver(session)
		}
		switch {
		case err == nil:
			o.done[l.to.Address] = true
			continue
		case broken == nil && final(err):
			o.giveUp(l.to, err)
		default:
			left = append(left, l.to)
			again = append(again, fmt.Errorf("to %s: %w", l.to.Address, cause(ctx, err)))
		}
		if broken == nil {
			// Without it the server might refuse the next mail for the place it comes at.
			if err := session.Reset(); err != nil {
				broken = fmt.Errorf("after a mail that was refused: %w", err)
			}
		}
	}
	return left, again
}

// giveUp notes that a recipient will never have the notice.
func (o *output) giveUp(r announce.Recipient, why error) {
	o.done[r.Address] = true
	o.lost = append(o.lost, fmt.Errorf("to %s: %w", r.Address, why))
}

// deliver returns nil once the server has taken the letter.
func (l letter) deliver(session *smtp.Client) error {
	if err := session.Mail(l.sender); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := session.Rcpt(l.receiver); err != nil {
		return fmt.Errorf("rcpt: %w", err)
	}
	w, err := session.Data()
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	// It doubles the dots that begin a line. Close would end the mail: half a letter is none.
	if _, err := w.Write(l.text); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("end of data: %w", err)
	}
	return nil
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
	var refused *textproto.Error
	return errors.As(err, &refused) && refused.Code >= 500 && refused.Code < 600
}

func (o *output) dial(ctx context.Context) (net.Conn, error) {
	port := o.set.Port
	if port == 0 {
		port = ports[o.set.TLS]
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(o.set.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return &bounded{Conn: conn, replies: io.LimitReader(conn, mostReplies)}, nil
}

// bounded is a connection that ends after so many bytes from the far side.
type bounded struct {
	net.Conn
	replies io.Reader
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) { return b.replies.Read(p) }

// greet begins the session: protected as the settings want it, and logged in.
func (o *output) greet(ctx context.Context, conn net.Conn, config *tls.Config) (*smtp.Client, error) {
	if o.set.TLS == Implicit {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("tls handshake: %w", err)
		}
		conn = secure
	}
	session, err := smtp.NewClient(conn, o.set.Host)
	if err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "localhost"
	}
	if err := session.Hello(name); err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	if o.set.TLS == StartTLS {
		if offered, _ := session.Extension("STARTTLS"); !offered {
			return nil, errNoTLS
		}
		if err := session.StartTLS(config); err != nil {
			return nil, fmt.Errorf("starttls: %w", err)
		}
	}
	if o.set.User == "" {
		return session, nil
	}
	_, offers := session.Extension("AUTH")
	login, err := o.login(offers)
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	if err := session.Auth(login); err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return session, nil
}
