package ssd1306_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/ssd1306"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden pictures")

// now is 03:00 of the site on the day it is called first, and runs with the bubble's clock.
func now() func() agent.Instant {
	start := time.Now()
	return func() agent.Instant {
		return agent.Instant{Wall: time.UnixMilli(1763751600000).UTC().Add(time.Since(start))}
	}
}

func open(t *testing.T, p *panel, change func(*ssd1306.Settings, *announce.Host)) announce.Output {
	t.Helper()
	s := ssd1306.Driver.Config().(*ssd1306.Settings)
	h := announce.Host{
		ID: "display", Site: "s1", Gateway: "gw-01", Log: slog.New(slog.DiscardHandler), Zone: time.FixedZone("", 8*3600), Now: now(),
		I2C: func(name string) (announce.I2C, error) {
			if name != "i2c-1" {
				return nil, errors.New("no such bus")
			}
			return p, nil
		},
	}
	if change != nil {
		change(s, &h)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := ssd1306.Driver.Open(t.Context(), h, s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// alarm is a notice of an alarm.
func alarm(id string, severity agent.Severity, state agent.AlarmState, sounding agent.Severity, zone string, value, limit string) announce.Notice {
	v, err := agent.ParseValue(value)
	if err != nil {
		panic(err)
	}
	l, err := agent.ParseValue(limit)
	if err != nil {
		panic(err)
	}
	return announce.Notice{ZoneName: zone, Sounding: sounding, Event: &agent.AlarmEvent{
		ID: agent.AlarmEventID(id), Alarm: "cr1-high", Kind: "limit", Severity: severity, Zone: "cold-room-1", Point: "cr1-air/temperature",
		State: state, Value: &v, Limit: &l,
	}}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v, the panel shows\n%s", name, err, got)
	}
}

// TestPictures: what a person in front of the display sees.
func TestPictures(t *testing.T) {
	critical := alarm("a", agent.SeverityCritical, agent.StateUnack, agent.SeverityCritical, "Vaccine cold room", "8.4", "8")
	warning := alarm("b", agent.SeverityWarning, agent.StateUnack, agent.SeverityWarning, "냉장실", "-17.250001", "-18")
	acked := alarm("a", agent.SeverityCritical, agent.StateAck, "", "Vaccine cold room", "8.4", "8")
	noData := announce.Notice{Sounding: agent.SeverityWarning, Event: &agent.AlarmEvent{
		ID: "c", Alarm: "silent", Kind: "no-data", Severity: agent.SeverityWarning, Point: "cr1-air/temperature", State: agent.StateUnack,
	}}
	both := critical
	both.Event = alarm("d", agent.SeverityWarning, agent.StateUnack, "", "Dock", "9", "8").Event
	chinese := func(_ *ssd1306.Settings, h *announce.Host) {
		h.Voice = agent.Voice{Language: agent.Chinese, Unit: agent.Fahrenheit}
	}
	named := alarm("e", agent.SeverityCritical, agent.StateUnack, agent.SeverityCritical, "2号疫苗冷库东侧", "8.4", "8")
	returned := alarm("e", agent.SeverityWarning, agent.StateRtnUnack, "", "2号疫苗冷库东侧", "5", "8")
	door := alarm("f", agent.SeverityWarning, agent.StateUnack, agent.SeverityWarning, "东侧 dock", "1", "1")
	door.Event.Kind, door.Event.Point = "door-ajar", "dock/door"
	rises := alarm("g", agent.SeverityWarning, agent.StateAck, "", "冷库", "9", "2")
	rises.Event.Kind = "rate"
	for _, c := range []struct {
		name    string
		notices []announce.Notice
		change  func(*ssd1306.Settings, *announce.Host)
	}{
		{"not-told-yet", nil, nil},
		{"quiet", []announce.Notice{{}}, nil},
		{"clock-unset", []announce.Notice{{}}, func(_ *ssd1306.Settings, h *announce.Host) { h.Now = func() agent.Instant { return agent.Instant{} } }},
		{"dark", []announce.Notice{{}}, func(s *ssd1306.Settings, _ *announce.Host) { s.Quiet = ssd1306.Dark }},
		{"critical", []announce.Notice{critical}, nil},
		{"critical-and-more", []announce.Notice{critical, both}, nil},
		{"warning-by-id", []announce.Notice{warning}, nil},
		{"acknowledged", []announce.Notice{critical, acked}, nil},
		{"no-data", []announce.Notice{noData}, nil},
		{"before-the-start", []announce.Notice{{Sounding: agent.SeverityCritical}}, nil},
		{"low", []announce.Notice{critical, both}, func(s *ssd1306.Settings, _ *announce.Host) { s.Height = 32 }},
		{"zh-critical-and-more", []announce.Notice{named, both}, chinese},
		{"zh-returned", []announce.Notice{named, returned}, chinese},
		{"zh-door", []announce.Notice{door}, chinese},
		{"zh-rate-acknowledged", []announce.Notice{rises}, chinese},
		{"zh-no-data", []announce.Notice{noData}, chinese},
		{"zh-quiet", []announce.Notice{{}}, chinese},
		{"zh-before-the-start", []announce.Notice{{Sounding: agent.SeverityCritical}}, chinese},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &panel{t: t, address: 0x3c}
			p.plug()
			o := open(t, p, c.change)
			for _, n := range c.notices {
				if err := o.Announce(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			golden(t, c.name, p.looks())
			if err := errors.Join(o.Close(), o.Close()); err != nil || p.looks() != "dark\n" {
				t.Errorf("after Close: %v, %s", err, p.looks())
			}
		})
	}
}

// TestMounting: the other address, and upside down.
func TestMounting(t *testing.T) {
	p := &panel{t: t, address: 0x3d}
	o := open(t, p, func(s *ssd1306.Settings, _ *announce.Host) { s.Address, s.Turned = 0x3d, 180 })
	if p.segment != 0xa0 || p.scan != 0xc0 || p.pads != 0x12 || p.rows != 64 || p.looks() == "mirrored\n" {
		t.Errorf("%+v", p)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	low := &panel{t: t, address: 0x3c}
	o = open(t, low, func(s *ssd1306.Settings, _ *announce.Host) { s.Height = 32 })
	if low.rows != 32 || low.pads != 0x02 {
		t.Errorf("%d rows, pads 0x%02x", low.rows, low.pads)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

// TestReturns: when all alarms are over, the time is back, and it goes on.
func TestReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &panel{t: t, address: 0x3c}
		o := open(t, p, nil)
		if err := o.Announce(t.Context(), announce.Notice{}); err != nil {
			t.Fatal(err)
		}
		quiet := p.looks()
		if err := o.Announce(t.Context(), alarm("a", agent.SeverityCritical, agent.StateUnack, agent.SeverityCritical, "Dock", "9", "8")); err != nil {
			t.Fatal(err)
		}
		if p.looks() == quiet {
			t.Error("the alarm is not shown")
		}
		if err := o.Announce(t.Context(), alarm("a", agent.SeverityCritical, agent.StateNormal, "", "Dock", "7", "8")); err != nil {
			t.Fatal(err)
		}
		if p.looks() != quiet {
			t.Errorf("afterwards\n%s", p.looks())
		}
		<-time.After(62 * time.Second)
		synctest.Wait()
		golden(t, "a-minute-later", p.looks())
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestUnplugged: a display that was away comes back with the next notice, or by itself.
func TestUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &panel{t: t, address: 0x3c}
		o := open(t, p, nil)
		n := alarm("a", agent.SeverityCritical, agent.StateUnack, agent.SeverityCritical, "Dock", "9", "8")
		if err := o.Announce(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		want := p.looks()
		p.unplug()
		if err := o.Announce(t.Context(), n); !errors.Is(err, errAbsent) {
			t.Errorf("%v", err)
		}
		p.plug()
		if err := o.Announce(t.Context(), n); err != nil || p.looks() != want {
			t.Errorf("%v\n%s", err, p.looks())
		}
		p.unplug()
		p.plug()
		<-time.After(10*time.Minute + time.Second)
		synctest.Wait()
		if p.looks() != want {
			t.Errorf("ten minutes later\n%s", p.looks())
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestHalfAPicture: whichever transaction fails, the next notice makes the picture whole.
func TestHalfAPicture(t *testing.T) {
	n := alarm("a", agent.SeverityCritical, agent.StateUnack, agent.SeverityCritical, "Dock", "9", "8")
	whole := &panel{t: t, address: 0x3c}
	o := open(t, whole, nil)
	if err := errors.Join(o.Announce(t.Context(), n), o.Close()); err != nil {
		t.Fatal(err)
	}
	total := whole.n - 1
	whole.lit = true
	want := whole.looks()
	for at := total/2 + 1; at <= total; at++ {
		p := &panel{t: t, address: 0x3c}
		o := open(t, p, nil)
		p.failAt = at
		if err := o.Announce(t.Context(), n); !errors.Is(err, errAbsent) {
			t.Errorf("transaction %d failed, and the notice: %v", at, err)
		}
		if err := o.Announce(t.Context(), n); err != nil || p.looks() != want {
			t.Errorf("transaction %d: %v\n%s", at, err, p.looks())
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFailures(t *testing.T) {
	s := ssd1306.Driver.Config().(*ssd1306.Settings)
	absent := &panel{t: t, address: 0x3d}
	host := announce.Host{I2C: func(string) (announce.I2C, error) { return absent, nil }, Now: now(), Log: slog.New(slog.DiscardHandler)}
	if _, err := ssd1306.Driver.Open(t.Context(), host, s); !errors.Is(err, errAbsent) {
		t.Errorf("%v", err)
	}
	host.I2C = func(string) (announce.I2C, error) { return nil, errors.New("no such bus") }
	if _, err := ssd1306.Driver.Open(t.Context(), host, s); err == nil || !strings.Contains(err.Error(), "no such bus") {
		t.Errorf("%v", err)
	}
	p := &panel{t: t, address: 0x3c}
	o := open(t, p, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Announce(ctx, announce.Notice{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	err := (&ssd1306.Settings{}).Validate()
	for _, want := range []error{ssd1306.ErrBus, ssd1306.ErrAddress, ssd1306.ErrHeight, ssd1306.ErrQuiet, announce.ErrSeverity} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
	if err := (&ssd1306.Settings{Turned: 90}).Validate(); !errors.Is(err, ssd1306.ErrTurned) {
		t.Errorf("%v", err)
	}
}
