package email_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// server is an SMTP server of RFC 5321 that takes mails, and refuses where it is told to.
type server struct {
	t        testing.TB
	listener net.Listener
	tls      *tls.Config // nil: no TLS at all
	implicit bool        // TLS from the first byte
	offers   string      // AUTH mechanisms, offered under TLS only

	mu       sync.Mutex
	refuse   func(command string) string // a reply in place of the usual one; "" for the usual one
	mails    []received
	logins   []string
	commands []string
	clients  sync.WaitGroup
}

// received is a mail that was taken.
type received struct{ from, to, data string }

func (s *server) start() (host string, port int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.listener = l
	s.clients.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.clients.Go(func() { s.serve(c) })
		}
	})
	s.t.Cleanup(func() {
		l.Close()
		s.clients.Wait()
	})
	return "127.0.0.1", l.Addr().(*net.TCPAddr).Port
}

func (s *server) serve(c net.Conn) {
	defer func() { c.Close() }()
	if s.implicit {
		c = tls.Server(c, s.tls)
	}
	secure := s.implicit
	r := bufio.NewReader(c)
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	line := func() (string, bool) {
		text, err := r.ReadString('\n')
		return strings.TrimRight(text, "\r\n"), err == nil
	}
	say("220 mail.test ESMTP")
	var mail received
	for {
		command, ok := line()
		if !ok {
			return
		}
		if no := s.note(command); no != "" {
			say("%s", no)
			continue
		}
		verb := strings.ToUpper(strings.SplitN(command, " ", 2)[0])
		switch verb {
		case "EHLO":
			say("250-mail.test")
			if s.tls != nil && !secure {
				say("250-STARTTLS")
			}
			if secure && s.offers != "" {
				say("250-AUTH %s", s.offers)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			t := tls.Server(c, s.tls)
			if t.Handshake() != nil {
				return
			}
			c, secure = t, true
			r = bufio.NewReader(c)
		case "AUTH":
			s.login(command, secure, say, line)
		case "MAIL":
			mail = received{from: command}
			say("250 ok")
		case "RCPT":
			mail.to = command
			say("250 ok")
		case "DATA":
			say("354 go ahead")
			for {
				text, ok := line()
				if !ok {
					return
				}
				if text == "." {
					break
				}
				mail.data += strings.TrimPrefix(text, ".") + "\n"
			}
			if no := s.note("END of data to " + mail.to); no != "" {
				say("%s", no)
				continue
			}
			s.mu.Lock()
			s.mails = append(s.mails, mail)
			s.mu.Unlock()
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// note keeps the command and says whether it is refused.
func (s *server) note(command string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, command)
	if s.refuse == nil {
		return ""
	}
	return s.refuse(command)
}

func (s *server) login(command string, secure bool, say func(string, ...any), line func() (string, bool)) {
	decode := func(text string) string {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			s.t.Errorf("login %q: %v", text, err)
		}
		return string(b)
	}
	fields := strings.Fields(command)
	got := ""
	switch fields[1] {
	case "PLAIN":
		got = "PLAIN " + strings.ReplaceAll(decode(fields[2]), "\x00", "|")
	case "LOGIN":
		say("334 VXNlcm5hbWU6")
		user, _ := line()
		say("334 UGFzc3dvcmQ6")
		password, _ := line()
		got = "LOGIN |" + decode(user) + "|" + decode(password)
	}
	if !secure {
		got += " in the open"
	}
	s.mu.Lock()
	s.logins = append(s.logins, got)
	s.mu.Unlock()
	if !strings.HasSuffix(got, "|keeper|s3cret") {
		say("535 5.7.8 authentication failed")
		return
	}
	say("235 welcome")
}

func (s *server) taken() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}
