package email_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/email"
)

// wire keeps every byte that a client sends to a server, as it sends it.
type wire struct {
	mu   sync.Mutex
	sent bytes.Buffer
}

// tap listens in front of the server for one connection.
func tap(t *testing.T, set *email.Settings) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	server := net.JoinHostPort(set.Host, strconv.Itoa(set.Port))
	var running sync.WaitGroup
	running.Go(func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		far, err := net.Dial("tcp", server)
		if err != nil {
			t.Error(err)
			return
		}
		running.Go(func() {
			defer far.Close()
			_, _ = io.Copy(far, io.TeeReader(client, w))
		})
		_, _ = io.Copy(client, far)
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	set.Port = l.Addr().(*net.TCPAddr).Port
	return w
}

// Write implements io.Writer.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent.Write(p)
}

// lines are the lines that were sent, without their CRLF.
func (w *wire) lines(t *testing.T) []string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.sent.String()
	lines := strings.Split(text, "\r\n")
	if strings.ContainsAny(strings.Join(lines, ""), "\r\n") {
		t.Errorf("a line end that is not CRLF: %q", text)
	}
	return lines
}

// read is what a reader shows of a mail.
func read(t *testing.T, data string) (header mail.Header, subject, body string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatalf("%v: %q", err, data)
	}
	subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Error(err)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Error(err)
	}
	return m.Header, subject, strings.ReplaceAll(string(text), "\r\n", "\n")
}

// TestInjected: no text of a notice and no address makes a field of the header, a command or an end of
// the mail.
func TestInjected(t *testing.T) {
	s := &server{t: t}
	var w *wire
	o := open(t, s, func(set *email.Settings) {
		set.From = "=?utf-8?q?Frost=0D=0ABcc=3A_from=40evil.example?= <gw@cold.example>"
		set.To = []string{`"a> NOTIFY=NEVER <b"@cold.example`}
		w = tap(t, set)
	})
	n := notice("x")
	n.Site, n.Gateway = "s1\r\nBcc: site@evil.example", "gw-01\nBcc: gateway@evil.example"
	n.ZoneName = "cold\r\nBcc: zone@evil.example\r\n\r\nread me"
	n.Event.Message = "door\r\n.\r\nMAIL FROM:<text@evil.example>\r\n..\n.leading"
	n.To = []announce.Recipient{
		{ID: "eve", Address: "eve@cold.example\r\nBcc: to@evil.example"},
		{ID: "ann", Address: "=?utf-8?q?Ann=0A=0Aread_me?= <ann@cold.example>"},
	}
	n.Own = true
	// Nothing can be written to eve. That is said, and keeps nobody else from hearing.
	err := o.Announce(t.Context(), n)
	if !errors.Is(err, announce.ErrPermanent) || !strings.Contains(err.Error(), "eve@cold.example") {
		t.Errorf("%v", err)
	}
	mails := s.taken()
	if len(mails) != 2 || mails[0].to != `RCPT TO:<"a> NOTIFY=NEVER <b"@cold.example>` || mails[1].to != "RCPT TO:<ann@cold.example>" {
		t.Fatalf("%+v", mails)
	}
	names := []string{
		"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Importance", "Message-Id", "Mime-Version",
		"Priority", "Subject", "To", "User-Agent", "X-Priority",
	}
	for _, m := range mails {
		header, subject, body := read(t, m.data)
		var got []string
		for name, values := range header {
			got = append(got, name)
			if len(values) != 1 {
				t.Errorf("%s: %q", name, values)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, names) {
			t.Errorf("fields %q", got)
		}
		if strings.ContainsAny(subject, "\r\n") || !strings.Contains(subject, "Bcc: zone@evil.example") {
			t.Errorf("subject %q", subject)
		}
		from, err := header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "gw@cold.example" || strings.ContainsAny(from[0].Name, "\r\n") {
			t.Errorf("from %v, %v", from, err)
		}
		to, err := header.AddressList("To")
		if err != nil || len(to) != 1 {
			t.Errorf("to %v, %v", to, err)
		}
		if !strings.Contains(body, "\ndoor\n.\nMAIL FROM:<text@evil.example>\n..\n.leading\n") {
			t.Errorf("body %q", body)
		}
	}
	w.lines(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, command := range s.commands {
		if strings.HasPrefix(command, "MAIL") && !strings.HasPrefix(command, "MAIL FROM:<gw@cold.example>") {
			t.Errorf("command %q", command)
		}
	}
}

// TestLongLines: no line is longer than mail allows, and nothing is lost by that.
func TestLongLines(t *testing.T) {
	for name, long := range map[string]string{
		"words":             strings.Repeat("cold room ", 200) + "end",
		"one word":          strings.Repeat("0123456789", 200),
		"Chinese":           strings.Repeat("疫苗冷库", 200),
		"looks encoded":     "=?utf-8?q?cold_room?=",
		"spaces":            "cold" + strings.Repeat(" ", 1500) + "room",
		"four-byte letters": strings.Repeat("🧊", 300) + "x",
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{t: t}
			var w *wire
			o := open(t, s, func(set *email.Settings) {
				set.From = `"` + strings.ReplaceAll(long, "=?", "= ?") + `" <gw@cold.example>`
				w = tap(t, set)
			})
			n := notice("x")
			n.ZoneName, n.Event.Message = long, long
			if err := o.Announce(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			for _, line := range w.lines(t) {
				if len(line) > 78 {
					t.Errorf("%d bytes in a line: %q", len(line), line)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
					t.Errorf("not ASCII: %q", line)
				}
				if line != "" && strings.TrimSpace(line) == "" {
					t.Error("a line of nothing but spaces")
				}
			}
			header, subject, body := read(t, s.taken()[0].data)
			if want := "[s1/gw-01] critical alarm raised: " + long; subject != want {
				t.Errorf("subject %q, want %q", subject, want)
			}
			from, err := header.AddressList("From")
			if err != nil || len(from) != 1 || from[0].Name != strings.ReplaceAll(long, "=?", "= ?") {
				t.Errorf("from %v, %v", from, err)
			}
			if !strings.Contains(body, "\n"+long+"\n") {
				t.Errorf("body %q", body)
			}
		})
	}
}

// TestNoReset: where a server does not go on after a refused mail, the others are tried again and
// none is given up for it.
func TestNoReset(t *testing.T) {
	s := &server{t: t}
	broken := true
	s.refuse = func(command string) string {
		switch {
		case strings.HasPrefix(command, "RCPT TO:<a@"):
			return "550 5.1.1 no such user"
		case broken && command == "RSET":
			return "503 5.5.1 bad sequence"
		}
		return ""
	}
	o := open(t, s, func(set *email.Settings) { set.To = append(set.To, "c@cold.example") })
	err := o.Announce(t.Context(), notice("x"))
	if err == nil || errors.Is(err, announce.ErrPermanent) || !strings.Contains(err.Error(), "c@cold.example") || len(s.taken()) != 0 {
		t.Fatalf("%v, taken %v", err, s.taken())
	}
	s.mu.Lock()
	broken = false
	s.mu.Unlock()
	if err := o.Announce(t.Context(), notice("x")); !errors.Is(err, announce.ErrPermanent) || !strings.Contains(err.Error(), "a@cold.example") {
		t.Errorf("%v", err)
	}
	if mails := s.taken(); len(mails) != 2 || mails[0].to != "RCPT TO:<b@cold.example>" || mails[1].to != "RCPT TO:<c@cold.example>" {
		t.Errorf("%+v", mails)
	}
}

// TestDelivered: who has the mail does not get it again, however the session ends.
func TestDelivered(t *testing.T) {
	s := &server{t: t}
	o := open(t, s, nil)
	failed := false
	s.mu.Lock()
	s.refuse = func(command string) string {
		switch {
		case command == "QUIT":
			return "554 never"
		case strings.HasPrefix(command, "MAIL") && len(s.mails) == 1 && !failed:
			failed = true
			return "421 closing"
		}
		return ""
	}
	s.mu.Unlock()
	for i := range 2 {
		if err := o.Announce(t.Context(), notice("x")); (err == nil) != (i == 1) {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
	if mails := s.taken(); len(mails) != 2 || mails[0].to != "RCPT TO:<a@cold.example>" || mails[1].to != "RCPT TO:<b@cold.example>" {
		t.Errorf("%+v", mails)
	}
}

// TestEndless: a server that never ends its line is left.
func TestEndless(t *testing.T) {
	s := &server{t: t}
	s.refuse = func(command string) string {
		if strings.HasPrefix(command, "EHLO") {
			return "250 " + strings.Repeat("x", 2<<20)
		}
		return ""
	}
	o := open(t, s, nil)
	if err := o.Announce(t.Context(), notice("x")); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, announce.ErrPermanent) {
		t.Errorf("%v", err)
	}
}

// TestUndated: a notice that does not know its time has the clock's.
func TestUndated(t *testing.T) {
	s := &server{t: t}
	o := open(t, s, nil)
	n := notice("x")
	n.At = agent.Instant{}
	if err := o.Announce(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	header, _, _ := read(t, s.taken()[0].data)
	if got := header.Get("Date"); got != "Sat, 22 Nov 2025 03:00:05 +0800" {
		t.Errorf("date %q", got)
	}
}
