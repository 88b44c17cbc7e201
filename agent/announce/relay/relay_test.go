package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/pattern"
	"github.com/frostline/frostline/agent/announce/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type pin struct {
	mu    sync.Mutex
	start time.Time
	log   []string
	err   error
}

func (p *pin) Out(_ context.Context, high bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	line := fmt.Sprintf("%v %v", time.Since(p.start), high)
	if len(p.log) == 0 || p.log[len(p.log)-1] != line {
		p.log = append(p.log, line)
	}
	return nil
}

func open(t *testing.T, change func(*relay.Settings)) (*pin, announce.Output) {
	t.Helper()
	p := &pin{start: time.Now()}
	s := relay.Driver.Config().(*relay.Settings)
	s.Pin = "GPIO24"
	if change != nil {
		change(s)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := relay.Driver.Open(t.Context(), announce.Host{
		Log: slog.New(slog.DiscardHandler), Pin: func(string) (announce.Pin, error) { return p, nil },
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	return p, o
}

// TestContact: what the contact does, wired either way, and how long it tells an alarm at least.
func TestContact(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*relay.Settings)
		want   string
	}{
		{"on alarm", nil, "0s false, 1s true, 2s false, 3s true, 4s false, 5s true, 6s false, 16s false"},
		{"fail-safe", func(s *relay.Settings) { s.Energized = relay.OnQuiet }, "0s false, 0s true, 1s false, 2s true, 3s false, 4s true, 5s false, 6s true, 16s false"},
		{"active low", func(s *relay.Settings) { s.Active = pattern.Low }, "0s true, 1s false, 2s true, 3s false, 4s true, 5s false, 6s true, 16s true"},
		{"held", func(s *relay.Settings) { s.Hold = 1500 * time.Millisecond }, "0s false, 1s true, 2.5s false, 3s true, 4.5s false, 5s true, 6.5s false, 16s false"},
		{"held through", func(s *relay.Settings) { s.Hold = 5 * time.Second }, "0s false, 1s true, 3s true, 5s true, 10s false, 16s false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, o := open(t, func(s *relay.Settings) {
					s.Hold = 0
					if c.change != nil {
						c.change(s)
					}
				})
				for _, sounding := range []agent.Severity{
					agent.SeverityWarning, agent.SeverityCritical, "", agent.SeverityCritical, agent.SeverityWarning, agent.SeverityCritical, "",
				} {
					if err := o.Announce(t.Context(), announce.Notice{Sounding: sounding}); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second)
				}
				time.Sleep(9 * time.Second)
				if err := errors.Join(o.Close(), o.Close()); err != nil {
					t.Error(err)
				}
				if got := strings.Join(p.log, ", "); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			})
		})
	}
}

// TestFails: a notice that could not be told comes again, and is then told.
func TestFails(t *testing.T) {
	p, o := open(t, nil)
	stuck := errors.New("bus stuck")
	p.err = stuck
	n := announce.Notice{Sounding: agent.SeverityCritical}
	if err := o.Announce(t.Context(), n); !errors.Is(err, stuck) {
		t.Errorf("%v", err)
	}
	p.err = nil
	if err := o.Announce(t.Context(), n); err != nil || !strings.HasSuffix(p.log[len(p.log)-1], "true") {
		t.Errorf("%v, %q", err, p.log)
	}
	if err := o.Close(); err != nil { // with its time running
		t.Error(err)
	}
}

func TestBadSettings(t *testing.T) {
	err := (&relay.Settings{Hold: time.Hour}).Validate()
	for _, want := range []error{relay.ErrPin, relay.ErrEnergized, relay.ErrHold, pattern.ErrLevel, announce.ErrSeverity} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
}
