package sms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// refusal is a modem's ERROR, +CME ERROR or +CMS ERROR.
type refusal struct {
	kind string // CME, CMS, or empty
	code int    // -1 where the modem gave none
}

// Error says what the code means, where that helps.
func (r *refusal) Error() string {
	if r.kind == "" {
		return "ERROR"
	}
	text := ""
	if meaning := meanings[r.kind][r.code]; meaning != "" {
		text = " (" + meaning + ")"
	}
	return fmt.Sprintf("+%s ERROR: %d%s", r.kind, r.code, text)
}

// meanings are the codes that people meet: TS 27.005 3.2.5 with TS 24.011 E.2, and TS 27.007 9.2.
var meanings = map[string]map[int]string{
	"CMS": {
		1: "unassigned number", 8: "barred by the operator", 10: "call barred", 21: "message rejected",
		27: "destination out of order", 28: "unidentified subscriber", 29: "facility rejected", 30: "unknown subscriber",
		38: "network out of order", 41: "temporary failure", 42: "congestion", 47: "resources unavailable",
		50: "facility not subscribed", 69: "facility unknown", 96: "invalid information", 111: "protocol error",
		300: "modem failure", 302: "operation not allowed", 304: "invalid PDU", 305: "invalid text", 310: "no SIM",
		311: "SIM PIN required", 313: "SIM failure", 314: "SIM busy", 316: "SIM PUK required", 322: "memory full",
		330: "service center unknown", 331: "no network", 332: "network timeout", 500: "unknown",
	},
	"CME": {
		3: "operation not allowed", 10: "no SIM", 11: "SIM PIN required", 12: "SIM PUK required", 13: "SIM failure",
		14: "SIM busy", 15: "SIM wrong", 30: "no network", 31: "network timeout",
	},
}

// finals are the CMS codes after which the same message never goes to the same number.
var finals = map[int]bool{1: true, 8: true, 10: true, 28: true, 29: true, 30: true, 50: true, 69: true, 304: true, 305: true}

// final reports whether the network refused a message for ever.
func final(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.kind == "CMS" && finals[r.code]
}

func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

func (m *modem) write(ctx context.Context, s string) error {
	if err := m.line.Write(ctx, []byte(s)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// command sends one command and returns the lines before its OK. Everything that arrived before
// it is forgotten.
func (m *modem) command(ctx context.Context, command string, within time.Duration) ([]string, error) {
	m.rest = nil
	if err := m.write(ctx, command+"\r"); err != nil {
		return nil, err
	}
	lines, err := m.result(ctx, within)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return lines, nil
}

// result collects lines up to OK or an error. Lines that nobody asked for, such as RING, are
// among them.
func (m *modem) result(ctx context.Context, within time.Duration) ([]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, ErrSilent)
	defer cancel()
	var lines []string
	for {
		l, err := m.readLine(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case l == "OK":
			return lines, nil
		case l == "ERROR":
			return nil, &refusal{code: -1}
		case strings.HasPrefix(l, "+CMS ERROR:"), strings.HasPrefix(l, "+CME ERROR:"):
			return nil, parseRefusal(l)
		case l != "":
			lines = append(lines, l)
		}
	}
}

func parseRefusal(l string) error {
	r := &refusal{kind: l[1:4], code: -1}
	// A code that is a text is kept out: errors are asked for as numbers.
	if _, err := fmt.Sscanf(l[len("+CMS ERROR:"):], "%d", &r.code); err != nil {
		return fmt.Errorf("%w: %q", r, l)
	}
	return r
}

// prompt waits for "> ", or the refusal in its place.
func (m *modem) prompt(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, quick, ErrSilent)
	defer cancel()
	for {
		for {
			l, ok := m.cutLine()
			if !ok {
				break
			}
			switch {
			case l == "ERROR":
				return &refusal{code: -1}
			case strings.HasPrefix(l, "+CMS ERROR:"), strings.HasPrefix(l, "+CME ERROR:"):
				return parseRefusal(l)
			}
		}
		if bytes.HasPrefix(bytes.TrimLeft(m.rest, "\r\n"), []byte(">")) {
			m.rest = nil
			return nil
		}
		if err := m.more(ctx); err != nil {
			return err
		}
	}
}

// readLine is the next line, without its end.
func (m *modem) readLine(ctx context.Context) (string, error) {
	for {
		if l, ok := m.cutLine(); ok {
			return l, nil
		}
		if err := m.more(ctx); err != nil {
			return "", err
		}
	}
}

// cutLine takes a whole line from what has arrived.
func (m *modem) cutLine() (string, bool) {
	i := bytes.IndexAny(m.rest, "\r\n")
	if i < 0 {
		return "", false
	}
	l := strings.TrimSpace(string(m.rest[:i]))
	m.rest = m.rest[i+1:]
	return l, true
}

// more reads what arrives next.
func (m *modem) more(ctx context.Context) error {
	if len(m.rest) > mostLine {
		m.rest = nil // no modem: nothing here ends a line
	}
	buf := make([]byte, 256)
	n, err := m.line.Read(ctx, buf)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("read: %w", err)
	}
	m.rest = append(m.rest, buf[:n]...)
	return nil
}

// abandon takes the modem out of a message that was not finished.
func (m *modem) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	// The next command finds out whether it helped.
	_ = m.line.Write(ctx, []byte("\x1b"))
	_, _ = m.command(ctx, "AT", goodbye)
}
