// Package sms announces alarm transitions as short messages, through a modem on a serial line
// that understands the AT commands of 3GPP TS 27.005 and 27.007.
//
// A text that fits the GSM 7-bit alphabet (TS 23.038) goes in it, with 160 characters in a
// message; typographic signs that have a plain neighbor are replaced by it, so that 8.4 °C
// becomes 8.4 C and not a message in UCS-2. Any other text, such as Chinese, goes in UCS-2, 70
// characters in a message. What is longer goes in parts that the telephone joins (TS 23.040).
//
// The line is open only while messages are sent. Every recipient is told apart; who has a part
// does not get it again while it is tried for the others. What the network refuses for ever,
// such as an unassigned number, is given up for that recipient, and the output is shown as
// failing; everything else is tried again. A SIM that asks for a PIN is never given one: three
// wrong ones would lock it.
package sms

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Mode is how messages are handed to the modem.
type Mode string

// The modes.
const (
	PDU  Mode = "pdu"  // every alphabet, and long messages
	Text Mode = "text" // for modems without the other: the GSM alphabet, and parts that stand alone
)

// Settings choose the modem and the recipients.
type Settings struct {
	Device string   `yaml:"device,required" doc:"Serial line of the modem's AT commands." example:"/dev/ttyUSB2"`
	Baud   int      `yaml:"baud" doc:"Its speed; modems on USB take any."`
	To     []string `yaml:"to" doc:"Telephone numbers, with country code, of those who get every alarm. People are told by the levels of escalation." like:"['+8613800138000']"`
	Mode   Mode     `yaml:"mode" doc:"pdu takes every alphabet. text is for modems without it: what is not in the GSM alphabet becomes a question mark." enum:"pdu,text"`
	Parts  int      `yaml:"parts" doc:"Longest text, in messages that are paid for: 1 to 10. The rest is cut off."`

	announce.Audience
}

// Errors of Validate.
var (
	ErrDevice = errors.New("device: want the path of a serial line")
	ErrBaud   = errors.New("baud: want a speed from 1200 to 4000000")
	ErrTo     = errors.New("to: want telephone numbers with country code, such as +8613800138000")
	ErrMode   = errors.New("mode: want pdu or text")
	ErrParts  = errors.New("parts: want 1 to 10")
)

// number is E.164: a country code and at most 15 digits in all.
var number = regexp.MustCompile(`^\+[1-9][0-9]{5,14}$`)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	errs := []error{s.Check()}
	if s.Device == "" {
		errs = append(errs, ErrDevice)
	}
	if s.Baud < 1200 || s.Baud > 4_000_000 {
		errs = append(errs, ErrBaud)
	}
	for _, to := range s.To {
		if !number.MatchString(to) {
			errs = append(errs, fmt.Errorf("%w: %q", ErrTo, to))
		}
	}
	if s.Mode != PDU && s.Mode != Text {
		errs = append(errs, ErrMode)
	}
	if s.Parts < 1 || s.Parts > 10 {
		errs = append(errs, ErrParts)
	}
	return errors.Join(errs...)
}

// Addresses says what the output needs to know of a person.
func (*Settings) Addresses() string { return "phone" }

// Driver is the output for the config.
var Driver = announce.Define("sms", Settings{
	Baud: 115200, Mode: PDU, Parts: 3,
	Audience: announce.Audience{
		Severity: agent.SeverityCritical, Flood: announce.DefaultFlood(),
		Tell: []agent.Transition{agent.Raised, agent.ReAlarmed, agent.Cleared},
	},
}, open)

func open(_ context.Context, h announce.Host, s Settings) (announce.Output, error) {
	return &output{host: h, set: s}, nil
}

type output struct {
	host announce.Host
	set  Settings

	key  string         // of the notice that is under way
	sent map[string]int // parts that a recipient has
	lost []error        // why some recipients never will
}

// Announce implements announce.Output. A notice of how things stand, which comes after a start,
// asks the modem whether it could send: what is missing shows before there is an alarm.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	if n.Event == nil && n.Summary == nil {
		return o.try(ctx)
	}
	if !o.set.Concerns(n) {
		return nil
	}
	if n.Key() != o.key {
		o.key, o.sent, o.lost = n.Key(), map[string]int{}, nil
	}
	if err := o.send(ctx, n); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	lost := errors.Join(o.lost...)
	o.key, o.sent, o.lost = "", nil, nil
	if lost != nil {
		return fmt.Errorf("sms: %w: %w", lost, announce.ErrPermanent)
	}
	return nil
}

// goodbye is how long the line may take to close its affairs.
const goodbye = time.Second

// try finds out whether messages can be sent.
func (o *output) try(ctx context.Context) error {
	m, err := o.modem(ctx)
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	if err := m.line.Close(); err != nil {
		return fmt.Errorf("sms: close %s: %w", o.set.Device, err)
	}
	return nil
}

// modem is one that is ready to send. Its line is to be closed.
func (o *output) modem(ctx context.Context) (*modem, error) {
	line, err := o.host.Serial(o.set.Device, o.set.Baud)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.set.Device, err)
	}
	m := &modem{line: line}
	if err := m.prepare(ctx, o.set.Mode); err != nil {
		_ = line.Close() // the first error is the one to tell
		return nil, fmt.Errorf("modem: %w", err)
	}
	return m, nil
}

func (o *output) send(ctx context.Context, n announce.Notice) error {
	recipients := n.Recipients(o.set.To, o.host.Voice)
	if len(recipients) == 0 {
		return nil
	}
	m, err := o.modem(ctx)
	if err != nil {
		return err
	}
	defer m.line.Close() // what failed before has been told
	var again []error
	var left []announce.Recipient
	for _, r := range recipients {
		to, parts := r.Address, o.parts(n, r.Voice)
		for ctx.Err() == nil && o.sent[to] < len(parts) {
			err := m.send(ctx, to, parts[o.sent[to]])
			if err == nil {
				o.sent[to]++
				continue
			}
			m.abandon(ctx)
			if !final(err) {
				again = append(again, fmt.Errorf("to %s: %w", to, err))
				break
			}
			o.sent[to] = len(parts)
			o.lost = append(o.lost, fmt.Errorf("to %s: %w", to, err))
		}
		if o.sent[to] < len(parts) {
			left = append(left, r)
		}
	}
	if ctx.Err() != nil {
		again = append(again, context.Cause(ctx))
	}
	// Who has a part of the message gets the rest of it before anything else.
	if len(n.To) > 0 && len(left) > 0 && !slices.ContainsFunc(left, func(r announce.Recipient) bool { return o.sent[r.Address] > 0 }) {
		return &announce.Remaining{To: left, Err: errors.Join(append(again, o.lost...)...)}
	}
	return errors.Join(again...)
}

// parts are the messages of a notice; always the same for one notice.
func (o *output) parts(n announce.Notice, v agent.Voice) []part {
	text := n.Text(v) + " (" + string(n.Gateway) + ")"
	if o.set.Mode == Text {
		return standalone(text, o.set.Parts)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(n.Key())) // it never fails
	return split(text, o.set.Parts, byte(h.Sum32()))
}

// Close implements announce.Output: the line is open only while something is sent.
func (o *output) Close() error { return nil }
