package email_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/email"
	"github.com/frostline/frostline/internal/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var host = announce.Host{
	ID: "mail", Log: slog.New(slog.DiscardHandler), Zone: time.FixedZone("", 8*3600),
	Now: func() agent.Instant { return agent.Instant{Wall: time.UnixMilli(1763751605123).UTC()} },
	Secret: func(ref string) (string, error) {
		if ref == "${credential:smtp}" {
			return "s3cret", nil
		}
		return ref, nil
	},
}

func notice(id string) announce.Notice {
	return announce.Notice{
		Site: "s1", Gateway: "gw-01", ZoneName: "疫苗冷库",
		At: agent.Instant{Wall: time.UnixMilli(1763751600000).UTC()},
		Event: &agent.AlarmEvent{
			ID: agent.AlarmEventID(id), Alarm: "cr1-high", Severity: agent.SeverityCritical, Zone: "cold-room-1",
			Transition: agent.Raised, State: agent.StateUnack, Message: "疫苗冷库 temperature 8.4 °C, above 8 °C for 5 min",
		},
	}
}

// open makes an output for the server.
func open(t *testing.T, s *server, change func(*email.Settings)) announce.Output {
	t.Helper()
	set := email.Driver.Config().(*email.Settings)
	set.Host, set.Port = s.start()
	set.From, set.To, set.TLS = "Frostline <gw@cold.example>", []string{"a@cold.example", "Li Wei <b@cold.example>"}, email.NoTLS
	if change != nil {
		change(set)
	}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := email.Driver.Open(t.Context(), host, set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return o
}

// TestMail: each recipient gets a mail that any reader understands.
func TestMail(t *testing.T) {
	s := &server{t: t}
	o := open(t, s, nil)
	if err := o.Announce(t.Context(), notice("x")); err != nil {
		t.Fatal(err)
	}
	mails := s.taken()
	if len(mails) != 2 || mails[0].to != "RCPT TO:<a@cold.example>" || mails[1].to != "RCPT TO:<b@cold.example>" ||
		!strings.HasPrefix(mails[0].from, "MAIL FROM:<gw@cold.example>") {
		t.Fatalf("%+v", mails)
	}
	m, err := mail.ReadMessage(strings.NewReader(mails[0].data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "[s1/gw-01] critical alarm raised: 疫苗冷库" {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Date": "Sat, 22 Nov 2025 03:00:00 +0800", "From": `"Frostline" <gw@cold.example>`, "To": "<a@cold.example>",
		"Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "quoted-printable", "MIME-Version": "1.0",
		"Auto-Submitted": "auto-generated", "Importance": "high",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for i := range len(mails[0].data) {
		if mails[0].data[i] > 126 {
			t.Fatal("a byte that is not ASCII crosses the wire")
		}
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	want := "critical alarm raised: 疫苗冷库\n疫苗冷库 temperature 8.4 °C, above 8 °C for 5 min\ns1 / gw-01, 2025-11-22 03:00:00 +08:00"
	if err != nil || strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")) != want {
		t.Errorf("body %q, %v", body, err)
	}
	other, err := mail.ReadMessage(strings.NewReader(mails[1].data))
	if err != nil || other.Header.Get("Message-Id") == m.Header.Get("Message-Id") {
		t.Errorf("two mails have one Message-ID, %v", err)
	}
	// Again: it is the same mail.
	if err := o.Announce(t.Context(), notice("x")); err != nil {
		t.Fatal(err)
	}
	same, err := mail.ReadMessage(strings.NewReader(s.taken()[2].data))
	if err != nil || same.Header.Get("Message-Id") != m.Header.Get("Message-Id") {
		t.Errorf("one mail has two Message-IDs, %v", err)
	}
}

// TestProtected: the login crosses the wire under TLS only, and only to a server whose certificate
// is trusted.
func TestProtected(t *testing.T) {
	certs := peers.NewCerts(t, t.TempDir())
	pair, err := tls.LoadX509KeyPair(certs.ServerCert, certs.ServerKey)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	for _, c := range []struct {
		name     string
		way      email.TLS
		offers   string
		auth     email.Auth
		password string
		ca       bool
		plain    bool // the server has no TLS
		want     string
	}{
		{"starttls", email.StartTLS, "PLAIN LOGIN", email.Auto, "${credential:smtp}", true, false, "PLAIN |keeper|s3cret"},
		{"implicit", email.Implicit, "PLAIN LOGIN", email.Auto, "${credential:smtp}", true, false, "PLAIN |keeper|s3cret"},
		{"plain", email.StartTLS, "LOGIN PLAIN", email.Plain, "${credential:smtp}", true, false, "PLAIN |keeper|s3cret"},
		{"login only", email.Implicit, "LOGIN", email.Auto, "${credential:smtp}", true, false, "LOGIN |keeper|s3cret"},
		{"login", email.StartTLS, "PLAIN LOGIN", email.Login, "${credential:smtp}", true, false, "LOGIN |keeper|s3cret"},
		{"wrong password", email.StartTLS, "PLAIN", email.Auto, "guess", true, false, "refused PLAIN |keeper|guess"},
		{"nothing offered", email.StartTLS, "", email.Auto, "${credential:smtp}", true, false, "refused "},
		{"unknown certificate", email.StartTLS, "PLAIN", email.Auto, "${credential:smtp}", false, false, "refused "},
		{"unknown certificate, implicit", email.Implicit, "PLAIN", email.Auto, "${credential:smtp}", false, false, "refused "},
		{"stripped", email.StartTLS, "PLAIN", email.Auto, "${credential:smtp}", true, true, "refused "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &server{t: t, tls: config, implicit: c.way == email.Implicit, offers: c.offers}
			if c.plain {
				s.tls = nil
			}
			o := open(t, s, func(set *email.Settings) {
				set.TLS, set.Auth, set.User, set.Password = c.way, c.auth, "keeper", c.password
				if c.ca {
					set.CA = certs.CA
				}
			})
			err := o.Announce(t.Context(), notice("x"))
			if errors.Is(err, announce.ErrPermanent) {
				t.Errorf("a login that an operator can mend was given up: %v", err)
			}
			s.mu.Lock()
			got := strings.Join(s.logins, ", ")
			s.mu.Unlock()
			if err != nil {
				got = "refused " + got
			}
			if got != c.want || err == nil && len(s.taken()) != 2 {
				t.Errorf("got %q, want %q: %v", got, c.want, err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// TestRefused: what one recipient's server says delays nobody else; 4xx comes again and 5xx does not.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name      string
		at, reply string // which command is refused, once or always
		always    bool
		permanent bool
	}{
		{"greylisted", "RCPT TO:<a@", "451 4.7.1 greylisted, come again", false, false},
		{"unknown recipient", "RCPT TO:<a@", "550 5.1.1 no such user", true, true},
		{"mailbox full", "RCPT TO:<a@", "452 4.2.2 mailbox full", false, false},
		{"content refused", "END of data to RCPT TO:<a@", "554 5.7.1 spam", true, true},
		{"busy", "END of data to RCPT TO:<a@", "421 4.3.2 busy", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &server{t: t}
			hits := 0
			s.refuse = func(command string) string {
				if !strings.HasPrefix(command, c.at) || hits > 0 && !c.always {
					return ""
				}
				hits++
				return c.reply
			}
			o := open(t, s, nil)
			err := o.Announce(t.Context(), notice("x"))
			if err == nil || errors.Is(err, announce.ErrPermanent) != c.permanent || !strings.Contains(err.Error(), c.reply[4:]) {
				t.Fatalf("%v", err)
			}
			if !c.permanent {
				if err := o.Announce(t.Context(), notice("x")); err != nil {
					t.Fatal(err)
				}
			}
			got := map[string]int{}
			for _, m := range s.taken() {
				got[m.to]++
			}
			wantA := 1
			if c.permanent {
				wantA = 0
			}
			if got["RCPT TO:<b@cold.example>"] != 1 || got["RCPT TO:<a@cold.example>"] != wantA {
				t.Errorf("taken %v", got)
			}
		})
	}
}

// TestHangs: a server that never answers ends with the attempt.
func TestHangs(t *testing.T) {
	s := &server{t: t}
	o := open(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hang := make(chan struct{})
	s.refuse = func(command string) string {
		if strings.HasPrefix(command, "MAIL") {
			cancel()
			<-hang
		}
		return ""
	}
	if err := o.Announce(ctx, notice("x")); !errors.Is(err, context.Canceled) || errors.Is(err, announce.ErrPermanent) {
		t.Errorf("%v", err)
	}
	close(hang)
}

func TestConcernsNobody(t *testing.T) {
	s := &server{t: t}
	o := open(t, s, nil)
	acked := notice("x")
	acked.Event.Transition = agent.Acknowledged
	info := notice("y")
	info.Event.Severity = agent.SeverityInfo
	for _, n := range []announce.Notice{{}, acked, info} {
		if err := o.Announce(t.Context(), n); err != nil {
			t.Error(err)
		}
	}
	if len(s.taken()) != 0 {
		t.Error("a mail that nobody asked for")
	}
}

func TestBadSettings(t *testing.T) {
	bad := &email.Settings{From: "nobody", To: []string{"x@example\r\nBcc: y@example"}, Port: 70000, User: "u", TLS: email.NoTLS}
	err := bad.Validate()
	for _, want := range []error{
		email.ErrHost, email.ErrPort, email.ErrAuth, email.ErrLogin, email.ErrOpen, email.ErrFrom, email.ErrTimeout, announce.ErrSeverity,
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
	if err := (&email.Settings{}).Validate(); !errors.Is(err, email.ErrTLS) {
		t.Errorf("%v", err)
	}
}

// Persons of a level get mails in their language beside nobody else; who refuses for the moment
// is tried again alone.
func TestPersons(t *testing.T) {
	s := &server{t: t}
	o := open(t, s, func(set *email.Settings) { set.To = nil })
	if err := o.Announce(t.Context(), notice("x")); err != nil || len(s.taken()) != 0 {
		t.Errorf("a mail to nobody: %v", err)
	}
	n := notice("x")
	n.Level = 2
	n.Event.Texts = map[string]string{"zh": "疫苗冷库温度 8.4 °C"}
	n.To = []announce.Recipient{
		{ID: "li", Name: "Li", Address: "li@cold.example", Voice: agent.Voice{Language: agent.Chinese}}, {ID: "ann", Name: "Ann", Address: "ann@cold.example"},
	}
	s.mu.Lock()
	s.refuse = func(command string) string {
		if strings.Contains(command, "ann@") {
			return "451 later"
		}
		return ""
	}
	s.mu.Unlock()
	var left *announce.Remaining
	if err := o.Announce(t.Context(), n); !errors.As(err, &left) || len(left.To) != 1 || left.To[0].ID != "ann" {
		t.Fatalf("%v", err)
	}
	s.mu.Lock()
	s.refuse = nil
	s.mu.Unlock()
	n.To = left.To
	if err := o.Announce(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	mails := s.taken()
	if len(mails) != 2 || !strings.Contains(mails[0].to, "li@") || !strings.Contains(mails[1].to, "ann@") {
		t.Fatalf("%+v", mails)
	}
	m, err := mail.ReadMessage(strings.NewReader(mails[0].data))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || !strings.Contains(string(body), "疫苗冷库温度 8.4 °C") {
		t.Errorf("%s, %v", body, err)
	}
}
