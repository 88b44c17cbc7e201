package sms_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// modem answers as a modem does, and hands what it took to a telephone that joins parts.
type modem struct {
	t *testing.T

	mu       sync.Mutex
	out      []byte
	wake     chan struct{}
	in       string
	body     bool // between the prompt and the end of the message
	echo     bool
	textMode bool
	pending  string // the CMGS command
	closed   bool

	answers  map[string]string // of a command, in place of the usual one; "-" for silence
	send     func(to string, n int) string
	taken    int
	commands []string
	messages []message
}

// message is one SMS as the network has it.
type message struct {
	to, text string
	wide     bool
	ref      byte
	total    byte
	index    byte
	units    int // septets or octets of the user data
}

func newModem(t *testing.T) *modem {
	return &modem{t: t, wake: make(chan struct{}, 1), echo: true, answers: map[string]string{}}
}

func (m *modem) Read(ctx context.Context, p []byte) (int, error) {
	for {
		m.mu.Lock()
		n := copy(p, m.out)
		m.out = m.out[n:]
		closed := m.closed
		m.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case closed:
			return 0, io.EOF
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-m.wake:
		}
	}
}

func (m *modem) Write(_ context.Context, p []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("closed")
	}
	for _, c := range p {
		m.take(c)
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return nil
}

func (m *modem) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *modem) say(s string) { m.out = append(m.out, s...) }

func (m *modem) take(c byte) {
	switch {
	case c == 0x1b:
		m.body, m.in = false, ""
	case m.body && c == 0x1a:
		m.body = false
		m.finish(m.in)
		m.in = ""
	case m.body:
		m.in += string(rune(c))
	case c == '\r':
		command := m.in
		m.in = ""
		if command != "" {
			m.commands = append(m.commands, command)
			m.command(command)
		}
	case c != '\n':
		m.in += string(rune(c))
	}
}

func (m *modem) command(c string) {
	if m.echo {
		m.say(c + "\r")
	}
	if a, ok := m.answers[c]; ok {
		if a != "-" {
			m.say("\r\n" + a + "\r\n")
		}
		return
	}
	switch {
	case c == "ATE0":
		m.echo = false
	case c == "AT+CPIN?":
		m.say("\r\n+CPIN: READY\r\n")
	case c == "AT+CREG?":
		m.say("\r\n+CREG: 0,1\r\n")
	case c == "AT+CMGF=0", c == "AT+CMGF=1":
		m.textMode = strings.HasSuffix(c, "1")
	case strings.HasPrefix(c, "AT+CMGS="):
		m.pending, m.body = strings.TrimPrefix(c, "AT+CMGS="), true
		m.say("\r\nRING\r\n\r\n> ") // somebody calls just now
		return
	}
	m.say("\r\nOK\r\n")
}

func (m *modem) finish(body string) {
	var got message
	if m.textMode {
		to, err := strconv.Unquote(m.pending)
		if err != nil {
			m.t.Errorf("number %s: %v", m.pending, err)
		}
		got = message{to: to, text: body, units: len(body)}
	} else {
		got = m.decode(body)
	}
	m.taken++
	if m.send != nil {
		if no := m.send(got.to, m.taken); no != "" {
			m.say("\r\n" + no + "\r\n")
			return
		}
	}
	m.messages = append(m.messages, got)
	m.say(fmt.Sprintf("\r\n+CMTI: \"SM\",3\r\n\r\n+CMGS: %d\r\n\r\nOK\r\n", m.taken))
}

// decode reads an SMS-SUBMIT, on its own account.
func (m *modem) decode(text string) message {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) < 8 || text != strings.ToUpper(text) {
		m.t.Fatalf("pdu %q: %v", text, err)
	}
	if n, err := strconv.Atoi(m.pending); err != nil || n != len(b)-1 || b[0] != 0 {
		m.t.Fatalf("pdu %q for AT+CMGS=%s", text, m.pending)
	}
	first, digits, kind := b[1], int(b[3]), b[4]
	if first&^0x40 != 0x01 || b[2] != 0 || kind != 0x91 {
		m.t.Fatalf("pdu %q", text)
	}
	var got message
	got.to = "+"
	rest := b[5:]
	for i := range digits {
		half := rest[i/2]
		if i%2 == 1 {
			half >>= 4
		}
		got.to += string(rune('0' + half&0xf))
	}
	rest = rest[(digits+1)/2:]
	pid, coding, length, data := rest[0], rest[1], int(rest[2]), rest[3:]
	if pid != 0 || coding != 0 && coding != 8 {
		m.t.Fatalf("pdu %q", text)
	}
	got.wide, got.units = coding == 8, len(data)
	header := 0
	if first&0x40 != 0 {
		header = 1 + int(data[0])
		if !slices.Equal(data[:3], []byte{5, 0, 3}) {
			m.t.Fatalf("header % x", data[:6])
		}
		got.ref, got.total, got.index = data[3], data[4], data[5]
	}
	if got.wide {
		if length != len(data) || len(data) > 140 {
			m.t.Fatalf("length %d of %d", length, len(data))
		}
		var units []uint16
		for i := header; i < len(data); i += 2 {
			units = append(units, uint16(data[i])<<8|uint16(data[i+1]))
		}
		got.text = string(utf16.Decode(units))
		return got
	}
	if (length*7+7)/8 != len(data) || length > 160 {
		m.t.Fatalf("length %d of %d octets", length, len(data))
	}
	got.units = length
	got.text = unpack(data, (header*8+6)/7, length)
	return got
}

// table is the GSM alphabet, TS 23.038, as far as these tests use it.
func letter(code int, escaped bool) string {
	if escaped {
		return map[int]string{0x14: "^", 0x28: "{", 0x29: "}", 0x2f: "\\", 0x3c: "[", 0x3d: "~", 0x3e: "]", 0x40: "|", 0x65: "€"}[code]
	}
	if special := map[int]string{0: "@", 1: "£", 2: "$", 4: "è", 5: "é", 0x0a: "\n", 0x11: "_", 0x10: "Δ", 0x1e: "ß", 0x5b: "Ä", 0x5e: "Ü", 0x7b: "ä", 0x7c: "ö", 0x7e: "ü", 0x7f: "à", 0x5f: "§", 0x24: "¤"}[code]; special != "" {
		return special
	}
	return string(rune(code))
}

// unpack reads septets bit by bit.
func unpack(data []byte, from, to int) string {
	var b strings.Builder
	escaped := false
	for s := from; s < to; s++ {
		code := 0
		for bit := range 7 {
			at := s*7 + bit
			code |= int(data[at/8]>>(at%8)&1) << bit
		}
		if code == 0x1b {
			escaped = true
			continue
		}
		b.WriteString(letter(code, escaped))
		escaped = false
	}
	return b.String()
}

// inbox is what the telephone with that number shows: parts joined.
func (m *modem) inbox(to string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var texts []string
	parts := map[byte]map[byte]string{}
	for _, g := range m.messages {
		if g.to != to {
			continue
		}
		if g.total == 0 {
			texts = append(texts, g.text)
			continue
		}
		if parts[g.ref] == nil {
			parts[g.ref] = map[byte]string{}
		}
		parts[g.ref][g.index] = g.text
		if len(parts[g.ref]) == int(g.total) {
			whole := ""
			for i := range g.total {
				whole += parts[g.ref][i+1]
			}
			texts = append(texts, whole)
			delete(parts, g.ref)
		}
	}
	return texts
}
