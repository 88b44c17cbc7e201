package pattern_test

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
	"periph.io/x/conn/v3/gpio"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/pattern"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pins are the lines of a machine.
type pins struct {
	mu     sync.Mutex
	start  time.Time
	log    []string
	err    error
	button chan bool // levels of the mute button
	pull   gpio.Pull
	watch  error // what Watch fails with, once
}

func (p *pins) Out(ctx context.Context, high bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.log = append(p.log, fmt.Sprintf("%v %v", time.Since(p.start), high))
	return ctx.Err()
}

func (p *pins) In(_ context.Context, pull gpio.Pull) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pull = pull
	return nil
}

func (p *pins) Watch(ctx context.Context, emit func(bool)) error {
	p.mu.Lock()
	err := p.watch
	p.watch = nil
	p.mu.Unlock()
	if err != nil {
		return err
	}
	emit(true)
	for {
		select {
		case <-ctx.Done():
			return nil
		case level := <-p.button:
			emit(level)
		}
	}
}

func (p *pins) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.log, ", ")
	p.log = nil
	return s
}

func (p *pins) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func machine() (*pins, announce.Host) {
	p := &pins{start: time.Now(), button: make(chan bool)}
	return p, announce.Host{
		Log:   slog.New(slog.DiscardHandler),
		Pin:   func(string) (announce.Pin, error) { return p, nil },
		Input: func(string) (announce.Input, error) { return p, nil },
	}
}

func TestWords(t *testing.T) {
	for _, p := range []pattern.Pattern{"off", "steady", "blink", "beep", "20ms 1m", "200ms 100ms 200ms 1s"} {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []pattern.Pattern{"", "on", "1s", "1s 1s 1s", "19ms 1s", "1s 61s", "1 2", "-1s 1s", pattern.Pattern(strings.Repeat("1s ", 18))} {
		if err := p.Check(); !errors.Is(err, pattern.ErrPattern) {
			t.Errorf("%q was accepted: %v", p, err)
		}
	}
	if err := pattern.Level("on").Check(); !errors.Is(err, pattern.ErrLevel) {
		t.Errorf("%v", err)
	}
}

func TestLamp(t *testing.T) {
	for _, c := range []struct {
		shows pattern.Pattern
		want  string
	}{
		{pattern.Off, "0s true"},
		{pattern.Steady, "0s false"},
		{pattern.Blink, "0s false, 700ms true, 1.4s false, 2.1s true"},
		{pattern.Beep, "0s false, 200ms true, 2s false, 2.2s true"},
		{"1s 100ms 100ms 500ms", "0s false, 1s true, 1.1s false, 1.2s true, 1.7s false"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, h := machine()
			l, err := pattern.NewLamp(t.Context(), h, "GPIO1", pattern.Low)
			if err != nil || p.took() != "0s true" {
				t.Fatalf("%v", err)
			}
			if err := l.Show(t.Context(), c.shows); err != nil {
				t.Error(err)
			}
			time.Sleep(2500 * time.Millisecond)
			synctest.Wait()
			if got := p.took(); got != c.want {
				t.Errorf("%s: %s, want %s", c.shows, got, c.want)
			}
			for range 2 {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
			if got := p.took(); got != "2.5s true" {
				t.Errorf("closed: %s", got)
			}
			if err := l.Show(t.Context(), pattern.Steady); err != nil || p.took() != "" {
				t.Errorf("after Close it was switched, %v", err)
			}
		})
	}
}

// TestSamePattern: a rhythm that runs is not begun anew by every notice; one that broke is.
func TestSamePattern(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h := machine()
		l, err := pattern.NewLamp(t.Context(), h, "GPIO1", pattern.High)
		if err != nil {
			t.Fatal(err)
		}
		p.took()
		for range 3 {
			if err := l.Show(t.Context(), "400ms 600ms"); err != nil {
				t.Error(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		if got := p.took(); got != "0s true, 400ms false" {
			t.Errorf("%s", got)
		}
		stuck := errors.New("bus stuck")
		p.fail(stuck)
		time.Sleep(time.Second)
		if err := l.Show(t.Context(), "400ms 600ms"); !errors.Is(err, stuck) {
			t.Errorf("%v", err)
		}
		p.fail(nil)
		if err := l.Show(t.Context(), "400ms 600ms"); err != nil || p.took() != "1.9s true" {
			t.Errorf("%v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestMute: a press silences for its time, counted from the last press; what is new and grave is
// heard, and so is what is left when the time is up.
func TestMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h := machine()
		horn, err := pattern.NewHorn(t.Context(), h, "GPIO1", pattern.High, pattern.Mute{Pin: "GPIO2", For: 10 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if p.pull != gpio.PullUp {
			t.Errorf("pull %v", p.pull)
		}
		press := func() {
			for _, level := range []bool{false, true, false, true} { // it bounces
				p.button <- level
			}
			synctest.Wait()
		}
		show := func(sounding, severity agent.Severity, transition agent.Transition) {
			n := announce.Notice{Sounding: sounding, Event: &agent.AlarmEvent{Severity: severity, Transition: transition}}
			shows := pattern.Off
			if sounding != "" {
				shows = pattern.Steady
			}
			if err := horn.Show(t.Context(), n, shows); err != nil {
				t.Error(err)
			}
		}
		for _, c := range []struct {
			name string
			do   func()
			want string
		}{
			{"opened", func() {}, "0s false"},
			{"a press while nothing sounds", press, ""},
			{"a warning", func() { show(agent.SeverityWarning, agent.SeverityWarning, agent.Raised) }, "0s true"},
			{"a press", press, "0s false, 0s false"},
			{"another warning", func() { show(agent.SeverityWarning, agent.SeverityWarning, agent.Raised) }, ""},
			{"nine minutes", func() { time.Sleep(9 * time.Minute) }, ""},
			{"a button elsewhere", func() {
				if err := horn.Show(t.Context(), announce.Notice{Mute: 10 * time.Minute}, pattern.Steady); err != nil {
					t.Error(err)
				}
			}, "9m0s false"},
			{"a press", press, "9m0s false, 9m0s false"},
			{"nine more minutes", func() { time.Sleep(9 * time.Minute) }, ""},
			{"the time is up", func() { time.Sleep(2 * time.Minute) }, "19m0s true"},
			{"a press", press, "20m0s false, 20m0s false"},
			{"a critical", func() { show(agent.SeverityCritical, agent.SeverityCritical, agent.Raised) }, "20m0s true"},
			{"a press", press, "20m0s false, 20m0s false"},
			{"acknowledged", func() { show(agent.SeverityCritical, agent.SeverityCritical, agent.Acknowledged) }, ""},
			{"another critical", func() { show(agent.SeverityCritical, agent.SeverityCritical, agent.Raised) }, "20m0s true"},
			{"a press", press, "20m0s false, 20m0s false"},
			{"all is quiet", func() { show("", agent.SeverityCritical, agent.Cleared) }, ""},
			{"a new warning", func() { show(agent.SeverityWarning, agent.SeverityWarning, agent.Raised) }, "20m0s true"},
			{"a press", press, "20m0s false, 20m0s false"},
			{"quiet when the time is up", func() { show("", agent.SeverityWarning, agent.Cleared); time.Sleep(11 * time.Minute) }, "30m0s false"},
			{"closed", func() {
				for range 2 {
					if err := horn.Close(); err != nil {
						t.Error(err)
					}
				}
			}, "31m0s false"},
		} {
			c.do()
			synctest.Wait()
			if got := p.took(); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	})
}

// TestClosedWhileMuted: nothing is left behind.
func TestClosedWhileMuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h := machine()
		p.watch = errors.New("line is busy") // the button comes back
		horn, err := pattern.NewHorn(t.Context(), h, "GPIO1", pattern.High, pattern.Mute{Pin: "GPIO2", For: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if err := horn.Show(t.Context(), announce.Notice{Sounding: agent.SeverityCritical}, pattern.Beep); err != nil {
			t.Fatal(err)
		}
		p.button <- false
		synctest.Wait()
		p.took()
		if err := horn.Close(); err != nil || p.took() != "10s false" {
			t.Errorf("%v", err)
		}
	})
}

func TestNoPin(t *testing.T) {
	p, h := machine()
	none := errors.New("no such pin")
	h.Input = func(string) (announce.Input, error) { return nil, none }
	if _, err := pattern.NewHorn(t.Context(), h, "GPIO1", pattern.High, pattern.Mute{Pin: "GPIO2", For: time.Minute}); !errors.Is(err, none) {
		t.Errorf("%v", err)
	}
	h.Pin = func(string) (announce.Pin, error) { return nil, none }
	if _, err := pattern.NewHorn(t.Context(), h, "GPIO1", pattern.High, pattern.DefaultMute()); !errors.Is(err, none) {
		t.Errorf("%v", err)
	}
	p.fail(none)
	h.Pin = func(string) (announce.Pin, error) { return p, nil }
	if _, err := pattern.NewHorn(t.Context(), h, "GPIO1", pattern.High, pattern.DefaultMute()); !errors.Is(err, none) {
		t.Errorf("%v", err)
	}
}
