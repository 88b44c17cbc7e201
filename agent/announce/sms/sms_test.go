package sms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/sms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const wei, ana = "+8613800138000", "+46708251358"

func notice(id, text string) announce.Notice {
	return announce.Notice{Gateway: "gw-01", Event: &agent.AlarmEvent{
		ID: agent.AlarmEventID(id), Severity: agent.SeverityCritical, Transition: agent.Raised, State: agent.StateUnack, Message: text,
	}}
}

func open(t *testing.T, m *modem, change func(*sms.Settings)) announce.Output {
	t.Helper()
	s := sms.Driver.Config().(*sms.Settings)
	s.Device, s.To = "/dev/ttyUSB2", []string{wei, ana}
	if change != nil {
		change(s)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := sms.Driver.Open(t.Context(), announce.Host{Serial: func(device string, baud int) (announce.Serial, error) {
		if device != "/dev/ttyUSB2" || baud != 115200 {
			t.Errorf("opened %s at %d", device, baud)
		}
		m.closed = false
		return m, nil
	}}, s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestTexts: whatever the text, the telephones show it.
func TestTexts(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	cold := strings.Repeat("疫苗冷库温度过高", 14)
	for _, c := range []struct {
		name, text, want string
		parts            int
		wide             bool
	}{
		{"short", "Dock door open for 5 min", "Dock door open for 5 min (gw-01)", 1, false},
		{"degrees", "Room 8.4 °C, above 8 °C – act", "Room 8.4 C, above 8 C - act (gw-01)", 1, false},
		{"extension", "a[b]{c}~\\^|€@_$", "a[b]{c}~\\^|€@_$ (gw-01)", 1, false},
		{"umlauts", "Kühlraum Ä §", "Kühlraum Ä § (gw-01)", 1, false},
		{"160", strings.Repeat("x", 152), strings.Repeat("x", 152) + " (gw-01)", 1, false},
		{"161", strings.Repeat("x", 153), strings.Repeat("x", 153) + " (gw-01)", 2, false},
		{"an escape at the seam", strings.Repeat("x", 152) + "[" + strings.Repeat("y", 20), strings.Repeat("x", 152) + "[" + strings.Repeat("y", 20) + " (gw-01)", 2, false},
		{"long", long, long + " (gw-01)", 3, false},
		{"too long", long + long, (long + long)[:456] + "...", 3, false},
		{"Chinese", "疫苗冷库 8.4 °C", "疫苗冷库 8.4 °C (gw-01)", 1, true},
		{"long Chinese", cold, cold + " (gw-01)", 2, true},
		{"too long Chinese", cold + cold, string([]rune(cold + cold)[:200]) + "…", 3, true},
		{"half a character at the seam", strings.Repeat("冷", 66) + "🧊" + strings.Repeat("冷", 20), strings.Repeat("冷", 66) + "🧊" + strings.Repeat("冷", 20) + " (gw-01)", 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModem(t)
			o := open(t, m, nil)
			if err := o.Announce(t.Context(), notice("x", c.text)); err != nil {
				t.Fatal(err)
			}
			for _, to := range []string{wei, ana} {
				if got := m.inbox(to); len(got) != 1 || got[0] != c.want {
					t.Errorf("%s reads %q, want %q", to, got, c.want)
				}
			}
			if n := len(m.messages); n != 2*c.parts || m.messages[0].wide != c.wide {
				t.Errorf("%d messages, wide %v", n, m.messages[0].wide)
			}
			if !m.closed {
				t.Error("the line was left open")
			}
		})
	}
}

// TestTextMode: parts stand alone and are numbered; what the alphabet has not is a question mark.
func TestTextMode(t *testing.T) {
	m := newModem(t)
	o := open(t, m, func(s *sms.Settings) { s.Mode, s.To = sms.Text, []string{ana} })
	if err := o.Announce(t.Context(), notice("x", "Room [1] 冷 8.4 °C\nnow")); err != nil {
		t.Fatal(err)
	}
	if err := o.Announce(t.Context(), notice("y", strings.Repeat("0123456789", 60))); err != nil {
		t.Fatal(err)
	}
	got := m.inbox(ana)
	if len(got) != 4 || got[0] != "Room (1) ? 8.4 C now (gw-01)" {
		t.Fatalf("%q", got)
	}
	for i, part := range got[1:] {
		if !strings.HasPrefix(part, fmt.Sprintf("%d/3 ", i+1)) || len(part) > 160 {
			t.Errorf("%q", part)
		}
	}
	if !strings.HasSuffix(got[3], "...") {
		t.Errorf("the cut is not marked: %q", got[3])
	}
}

// TestTrouble: each reason why nothing can be sent is said plainly, and the notice comes again.
func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		name     string
		answers  map[string]string
		want     error
		contains string
	}{
		{"PIN", map[string]string{"AT+CPIN?": "+CPIN: SIM PIN\r\n\r\nOK"}, sms.ErrPIN, "switch that off"},
		{"PUK", map[string]string{"AT+CPIN?": "+CPIN: SIM PUK\r\n\r\nOK"}, sms.ErrLocked, "PUK"},
		{"no SIM", map[string]string{"AT+CPIN?": "+CME ERROR: 10"}, sms.ErrSIM, "no SIM"},
		{"odd SIM", map[string]string{"AT+CPIN?": "ERROR"}, sms.ErrSIM, "ERROR"},
		{"searching", map[string]string{"AT+CREG?": "+CREG: 0,2\r\n\r\nOK", "AT+CEREG?": "+CEREG: 0,0\r\n\r\nOK", "AT+CGREG?": "ERROR"}, sms.ErrRegistered, "searching"},
		{"denied", map[string]string{"AT+CREG?": "+CREG: 0,3\r\n\r\nOK", "AT+CEREG?": "+CEREG: 0,2\r\n\r\nOK"}, sms.ErrRegistered, "denied"},
		{"no network at all", map[string]string{"AT+CREG?": "ERROR", "AT+CEREG?": "ERROR", "AT+CGREG?": "ERROR"}, sms.ErrRegistered, ""},
		{"no PDU mode", map[string]string{"AT+CMGF=0": "+CMS ERROR: 302"}, nil, "operation not allowed"},
		{"no prompt", map[string]string{"AT+CMGS=28": "+CMS ERROR: 330"}, nil, "service center unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModem(t)
			m.answers = c.answers
			o := open(t, m, func(s *sms.Settings) { s.To = []string{ana} })
			err := o.Announce(t.Context(), notice("x", "Dock door"))
			if err == nil || errors.Is(err, announce.ErrPermanent) || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.contains) {
				t.Errorf("%v", err)
			}
			m.answers = nil
			if err := o.Announce(t.Context(), notice("x", "Dock door")); err != nil || len(m.inbox(ana)) != 1 {
				t.Errorf("afterwards: %v, %q", err, m.inbox(ana))
			}
		})
	}
}

// TestAnyNetwork: a modem without circuit-switched service sends over LTE.
func TestAnyNetwork(t *testing.T) {
	m := newModem(t)
	m.answers = map[string]string{"AT+CREG?": "+CREG: 0,0\r\n\r\nOK", "AT+CEREG?": "+CEREG: 2,5,\"1A2B\",\"01234567\",7\r\n\r\nOK", "AT+CMEE=1": "ERROR"}
	if err := open(t, m, nil).Announce(t.Context(), notice("x", "Dock")); err != nil {
		t.Fatal(err)
	}
}

// TestSilent: a line without a modem, and one that dies in the middle, end in time.
func TestSilent(t *testing.T) {
	for _, command := range []string{"AT", "ATE0", "AT+CREG?", "AT+CMGS=28"} {
		synctest.Test(t, func(t *testing.T) {
			m := newModem(t)
			m.answers[command] = "-"
			o := open(t, m, func(s *sms.Settings) { s.To = []string{ana} })
			if err := o.Announce(t.Context(), notice("x", "Dock door")); !errors.Is(err, sms.ErrSilent) {
				t.Errorf("%s: %v", command, err)
			}
		})
	}
	m := newModem(t)
	m.answers["AT"] = "-"
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, m, nil).Announce(ctx, notice("x", "Dock")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestRefusals: what the network refuses for one number or one part delays no other, and what was
// sent is not sent again.
func TestRefusals(t *testing.T) {
	long := strings.Repeat("0123456789", 20)
	for _, c := range []struct {
		name      string
		refuse    func(to string, n int) string
		permanent bool
		wei, ana  int // messages in their inboxes at last
	}{
		{"unassigned", func(to string, _ int) string {
			if to == wei {
				return "+CMS ERROR: 1"
			}
			return ""
		}, true, 0, 1},
		{"congestion", func(to string, n int) string {
			if to == wei && n == 2 {
				return "+CMS ERROR: 42"
			}
			return ""
		}, false, 1, 1},
		{"modem failure", func(to string, n int) string {
			if to == ana && n == 3 {
				return "ERROR"
			}
			return ""
		}, false, 1, 1},
		{"a text for a code", func(to string, n int) string {
			if n == 1 {
				return "+CMS ERROR: network out of order"
			}
			return ""
		}, false, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModem(t)
			m.send = c.refuse
			o := open(t, m, nil)
			err := o.Announce(t.Context(), notice("x", long))
			if err == nil || errors.Is(err, announce.ErrPermanent) != c.permanent {
				t.Fatalf("%v", err)
			}
			if !c.permanent {
				if err := o.Announce(t.Context(), notice("x", long)); err != nil {
					t.Fatal(err)
				}
			}
			if len(m.inbox(wei)) != c.wei || len(m.inbox(ana)) != c.ana {
				t.Errorf("%q, %q", m.inbox(wei), m.inbox(ana))
			}
			if want := 2 * (c.wei + c.ana); len(m.messages) != want {
				t.Errorf("%d messages were paid for, want %d", len(m.messages), want)
			}
		})
	}
}

func TestConcernsNobody(t *testing.T) {
	m := newModem(t)
	o := open(t, m, nil)
	warning := notice("x", "a")
	warning.Event.Severity = agent.SeverityWarning
	if err := o.Announce(t.Context(), warning); err != nil || len(m.commands) != 0 {
		t.Errorf("%q, %v", m.commands, err)
	}
	if err := errors.Join(o.Close(), o.Close()); err != nil {
		t.Error(err)
	}
}

// TestReady: after a start the modem is asked whether it could send, and sends nothing.
func TestReady(t *testing.T) {
	m := newModem(t)
	o := open(t, m, nil)
	if err := o.Announce(t.Context(), announce.Notice{}); err != nil || !m.closed || len(m.messages) != 0 {
		t.Errorf("%v", err)
	}
	m.answers["AT+CPIN?"] = "+CPIN: SIM PIN\r\n\r\nOK"
	if err := o.Announce(t.Context(), announce.Notice{}); !errors.Is(err, sms.ErrPIN) || !m.closed {
		t.Errorf("%v", err)
	}
}

func TestBadSettings(t *testing.T) {
	bad := &sms.Settings{To: []string{"013800138000"}}
	err := bad.Validate()
	for _, want := range []error{sms.ErrDevice, sms.ErrBaud, sms.ErrTo, sms.ErrMode, sms.ErrParts, announce.ErrSeverity} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
	for _, to := range []string{"+", "+0123456", "+12345678901234567", "+86 138", "+8613800138000\r"} {
		if err := (&sms.Settings{To: []string{to}}).Validate(); !strings.Contains(err.Error(), "to:") {
			t.Errorf("%q was accepted", to)
		}
	}
}

// TestPersons: each person is told in the own language; who cannot be reached is tried again alone.
func TestPersons(t *testing.T) {
	m := newModem(t)
	o := open(t, m, func(s *sms.Settings) { s.To = nil })
	n := notice("x", "cold room 9")
	n.Level, n.Event.Texts = 1, map[string]string{"zh": "冷库温度 9"}
	n.To = []announce.Recipient{{ID: "li", Address: wei, Voice: agent.Voice{Language: agent.Chinese}}, {ID: "ana", Address: ana}}
	m.send = func(to string, _ int) string {
		if to == ana {
			return "\r\n+CMS ERROR: 38\r\n"
		}
		return ""
	}
	var left *announce.Remaining
	if err := o.Announce(t.Context(), n); !errors.As(err, &left) || len(left.To) != 1 || left.To[0].ID != "ana" {
		t.Fatalf("%v", err)
	}
	m.send, n.To = nil, left.To
	if err := o.Announce(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range m.messages {
		got = append(got, one.to+" "+one.text)
	}
	if want := []string{wei + " 冷库温度 9 (gw-01)", ana + " cold room 9 (gw-01)"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if err := o.Announce(t.Context(), notice("y", "nobody")); err != nil || len(m.messages) != 2 {
		t.Errorf("a message to nobody: %v", err)
	}
}
