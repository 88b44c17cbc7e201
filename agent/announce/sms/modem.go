package sms

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent/announce"
)

// How long the modem may take.
const (
	quick   = 2 * time.Second  // for what it knows itself
	network = 25 * time.Second // for what the network has to say
	tries   = 3                // of the first command: a modem may be asleep, or in the middle of another
)

// mostLine bounds one line of the modem.
const mostLine = 4096

// Errors of a modem, for errors.Is.
var (
	ErrSilent     = errors.New("the modem does not answer")
	ErrSIM        = errors.New("no SIM, or one that cannot be read")
	ErrPIN        = errors.New("the SIM asks for its PIN: switch that off, with any telephone")
	ErrLocked     = errors.New("the SIM is locked and asks for its PUK")
	ErrRegistered = errors.New("not registered in a network")
)

// modem is a dialogue on an open line.
type modem struct {
	line announce.Serial
	text bool   // it is in text mode
	rest []byte // what arrived and was not looked at
}

// prepare makes sure that messages can be sent, and says plainly why not.
func (m *modem) prepare(ctx context.Context, mode Mode) error {
	if err := m.wake(ctx); err != nil {
		return err
	}
	// ATE0: no echo. CMEE: errors as numbers; a modem that does not know it says ERROR, and fine.
	if _, err := m.command(ctx, "ATE0", quick); err != nil {
		return err
	}
	if _, err := m.command(ctx, "AT+CMEE=1", quick); err != nil && !isRefusal(err) {
		return err
	}
	if err := m.unlocked(ctx); err != nil {
		return err
	}
	if err := m.registered(ctx); err != nil {
		return err
	}
	format := "AT+CMGF=0"
	if m.text = mode == Text; m.text {
		format = "AT+CMGF=1"
	}
	if _, err := m.command(ctx, format, quick); err != nil {
		return err
	}
	if m.text {
		if _, err := m.command(ctx, `AT+CSCS="GSM"`, quick); err != nil {
			return err
		}
	}
	return nil
}

// wake gets the modem's attention, also out of a message that was never finished.
func (m *modem) wake(ctx context.Context) error {
	for range tries {
		if err := m.line.Write(ctx, []byte("\x1b\r")); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		_, err := m.command(ctx, "AT", quick)
		if err == nil || ctx.Err() != nil || !errors.Is(err, ErrSilent) && !isRefusal(err) {
			return err
		}
	}
	return ErrSilent
}

// unlocked asks the SIM, TS 27.007 8.3.
func (m *modem) unlocked(ctx context.Context) error {
	lines, err := m.command(ctx, "AT+CPIN?", quick)
	if err != nil {
		if isRefusal(err) {
			return fmt.Errorf("%w: %w", ErrSIM, err)
		}
		return err
	}
	state := answer(lines, "+CPIN:")
	switch {
	case state == "READY":
		return nil
	case strings.Contains(state, "PUK"):
		return ErrLocked
	case strings.Contains(state, "PIN"):
		return ErrPIN
	}
	return fmt.Errorf("%w: %q", ErrSIM, state)
}

// registrations are the words for the states of TS 27.007 7.2, 10.1.20 and 10.1.22.
var registrations = map[string]string{
	"0": "not searching", "2": "searching", "3": "denied by the network", "4": "unknown", "8": "emergency calls only",
}

// usable are home, roaming, and both for short messages only.
var usable = []string{"1", "5", "6", "7"}

// registered asks for the circuit-switched network, and where that has no answer for GPRS and LTE.
func (m *modem) registered(ctx context.Context) error {
	state := ""
	for _, command := range []string{"CREG", "CEREG", "CGREG"} {
		lines, err := m.command(ctx, "AT+"+command+"?", quick)
		if isRefusal(err) {
			continue // a modem without such a network
		}
		if err != nil {
			return err
		}
		fields := strings.Split(answer(lines, "+"+command+":"), ",")
		if len(fields) < 2 {
			continue
		}
		got := strings.TrimSpace(fields[1])
		if slices.Contains(usable, got) {
			return nil
		}
		if state == "" || state == "not searching" {
			state = registrations[got]
		}
	}
	if state == "" {
		return ErrRegistered
	}
	return fmt.Errorf("%w: %s", ErrRegistered, state)
}

// answer is what follows the prefix in the lines that have it.
func answer(lines []string, prefix string) string {
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// send hands over one message and waits until the network has it.
func (m *modem) send(ctx context.Context, to string, p part) error {
	command, body := "", []byte(nil)
	if m.text {
		command, body = fmt.Sprintf("AT+CMGS=%q", to), p.body
	} else {
		pdu := submit(to, p)
		// 00: the service center that the SIM knows. It does not count.
		command, body = "AT+CMGS="+strconv.Itoa(len(pdu)), []byte(strings.ToUpper("00"+hex.EncodeToString(pdu)))
	}
	if err := m.write(ctx, command+"\r"); err != nil {
		return err
	}
	if err := m.prompt(ctx); err != nil {
		return err
	}
	if err := m.write(ctx, string(body)+"\x1a"); err != nil {
		return err
	}
	lines, err := m.result(ctx, network)
	if err != nil {
		return err
	}
	if answer(lines, "+CMGS:") == "" {
		return fmt.Errorf("the modem took the message without a reference: %q", lines)
	}
	return nil
}
