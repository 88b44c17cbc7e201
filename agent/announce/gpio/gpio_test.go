package gpio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/gpio"
	"github.com/frostline/frostline/agent/announce/pattern"
)

type pin struct {
	levels []bool
	err    error
}

func (p *pin) Out(_ context.Context, high bool) error {
	if p.err != nil {
		return p.err
	}
	p.levels = append(p.levels, high)
	return nil
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func settings(change func(*gpio.Settings)) *gpio.Settings {
	s := gpio.Driver.Config().(*gpio.Settings)
	s.Pin = "GPIO17"
	if change != nil {
		change(s)
	}
	return s
}

func host(p *pin) announce.Host {
	return announce.Host{Pin: func(name string) (announce.Pin, error) {
		if name != "GPIO17" {
			return nil, errors.New("no such pin")
		}
		return p, nil
	}}
}

func TestFollowsTheState(t *testing.T) {
	for _, c := range []struct {
		on   pattern.Level
		want string
	}{
		{pattern.High, "[false false false true true false false]"},
		{pattern.Low, "[true true true false false true true]"},
	} {
		p := &pin{}
		o, err := gpio.Driver.Open(t.Context(), host(p), settings(func(s *gpio.Settings) { s.Active = c.on }))
		if err != nil {
			t.Fatal(err)
		}
		for _, sounding := range []agent.Severity{"", agent.SeverityInfo, agent.SeverityWarning, agent.SeverityCritical, ""} {
			if err := o.Announce(t.Context(), announce.Notice{Sounding: sounding}); err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		}
		if got := fmt.Sprint(p.levels); got != c.want {
			t.Errorf("on %s: got %s, want %s", c.on, got, c.want)
		}
	}
}

func TestFailures(t *testing.T) {
	stuck := errors.New("bus stuck")
	if _, err := gpio.Driver.Open(t.Context(), host(&pin{err: stuck}), settings(nil)); !errors.Is(err, stuck) {
		t.Errorf("%v", err)
	}
	if _, err := gpio.Driver.Open(t.Context(), host(&pin{}), settings(func(s *gpio.Settings) { s.Pin = "GPIO99" })); err == nil {
		t.Error("an unknown pin was opened")
	}
	p := &pin{}
	o, err := gpio.Driver.Open(t.Context(), host(p), settings(nil))
	if err != nil {
		t.Fatal(err)
	}
	p.err = stuck
	if err := o.Announce(t.Context(), announce.Notice{}); !errors.Is(err, stuck) {
		t.Errorf("%v", err)
	}
	err = (&gpio.Settings{}).Validate()
	for _, want := range []error{gpio.ErrPin, gpio.ErrLevel, announce.ErrSeverity} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
}

// TestPatterns: each severity has its pattern.
func TestPatterns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pin{}
		o, err := gpio.Driver.Open(t.Context(), host(p), settings(func(s *gpio.Settings) {
			s.Pattern = pattern.Steady
			s.Patterns = map[agent.Severity]pattern.Pattern{agent.SeverityCritical: "100ms 400ms"}
		}))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			sounding agent.Severity
			want     string
		}{
			{agent.SeverityWarning, "[true]"}, {agent.SeverityCritical, "[true false true false true]"}, {agent.SeverityInfo, "[false]"},
		} {
			p.levels = nil
			if err := o.Announce(t.Context(), announce.Notice{Sounding: c.sounding}); err != nil {
				t.Error(err)
			}
			time.Sleep(1050 * time.Millisecond)
			synctest.Wait()
			if got := fmt.Sprint(p.levels); got != c.want {
				t.Errorf("%s: %s, want %s", c.sounding, got, c.want)
			}
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestBadPatterns(t *testing.T) {
	s := settings(func(s *gpio.Settings) {
		s.Patterns = map[agent.Severity]pattern.Pattern{"high": "1s"}
		s.Mute = pattern.Mute{Pin: "GPIO17"}
	})
	err := s.Validate()
	for _, want := range []error{announce.ErrSeverity, pattern.ErrPattern, pattern.ErrMute} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
}
