package stacklight_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/pattern"
	"github.com/frostline/frostline/agent/announce/stacklight"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tower is a stack light, and somebody who looks at it.
type tower struct {
	mu       sync.Mutex
	on       map[string]bool
	switched map[string]int
	broken   string
}

type lamp struct {
	*tower
	name string
}

var errBroken = errors.New("no such line")

func (l lamp) Out(_ context.Context, high bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == l.name {
		return errBroken
	}
	l.on[l.name] = high
	l.switched[l.name]++
	return nil
}

// looks names the lamps that are lit, and those that change within three seconds.
func (w *tower) looks() string {
	w.mu.Lock()
	clear(w.switched)
	w.mu.Unlock()
	time.Sleep(3 * time.Second)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var seen []string
	for name, on := range w.on {
		switch {
		case w.switched[name] > 1:
			seen = append(seen, name+" blinks")
		case on:
			seen = append(seen, name)
		}
	}
	slices.Sort(seen)
	return strings.Join(seen, ", ")
}

func open(t *testing.T, w *tower, change func(*stacklight.Settings)) (announce.Output, error) {
	t.Helper()
	w.on, w.switched = map[string]bool{}, map[string]int{}
	s := stacklight.Driver.Config().(*stacklight.Settings)
	s.Red, s.Amber, s.Green, s.Buzzer = "red", "amber", "green", "sound"
	if change != nil {
		change(s)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return stacklight.Driver.Open(t.Context(), announce.Host{
		Log: slog.New(slog.DiscardHandler), Pin: func(name string) (announce.Pin, error) { return lamp{w, name}, nil },
	}, s)
}

func notice(id string, severity agent.Severity, state agent.AlarmState, sounding agent.Severity) announce.Notice {
	return announce.Notice{Sounding: sounding, Event: &agent.AlarmEvent{ID: agent.AlarmEventID(id), Severity: severity, State: state}}
}

// TestStates: what a person across the hall sees and hears.
func TestStates(t *testing.T) {
	const critical, warning, info = agent.SeverityCritical, agent.SeverityWarning, agent.SeverityInfo
	synctest.Test(t, func(t *testing.T) {
		w := &tower{}
		o, err := open(t, w, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			n    announce.Notice
			want string
		}{
			{announce.Notice{}, "green"},
			{notice("i", info, agent.StateUnack, info), "green"},
			{notice("w", warning, agent.StateUnack, warning), "amber blinks"},
			{notice("w", warning, agent.StateAck, info), "amber"},
			{notice("c", critical, agent.StateUnack, critical), "amber, red blinks, sound blinks"},
			{notice("v", warning, agent.StateUnack, critical), "amber blinks, red blinks, sound blinks"},
			{notice("c", critical, agent.StateAck, warning), "amber blinks, red"},
			{notice("v", warning, agent.StateNormal, info), "amber, red"},
			{notice("w", warning, agent.StateNormal, info), "red"},
			{notice("c", critical, agent.StateNormal, info), "green"},
			{notice("l", critical, agent.StateLatched, info), "red"},
			{notice("l", critical, agent.StateNormal, info), "green"},
			{announce.Notice{Sounding: critical}, "red blinks, sound blinks"}, // after a start
		} {
			if err := o.Announce(t.Context(), c.n); err != nil {
				t.Error(err)
			}
			if got := w.looks(); got != c.want {
				t.Errorf("%+v: %s, want %s", c.n.Event, got, c.want)
			}
		}
		if err := errors.Join(o.Close(), o.Close()); err != nil || w.looks() != "" {
			t.Errorf("closed: %v, %s", err, w.looks())
		}
	})
}

// TestPartOfALight: lamps may be missing, and one that fails keeps no other dark.
func TestPartOfALight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &tower{}
		o, err := open(t, w, func(s *stacklight.Settings) { s.Green, s.Buzzer, s.Blinking = "", "", pattern.Steady })
		if err != nil {
			t.Fatal(err)
		}
		w.broken = "red"
		err = o.Announce(t.Context(), announce.Notice{Sounding: agent.SeverityCritical})
		if !errors.Is(err, errBroken) {
			t.Errorf("%v", err)
		}
		if err := o.Announce(t.Context(), notice("w", agent.SeverityWarning, agent.StateUnack, agent.SeverityCritical)); !errors.Is(err, errBroken) || w.looks() != "amber" {
			t.Errorf("%v, %s", err, w.looks())
		}
		w.broken = ""
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		w = &tower{broken: "sound"}
		if _, err := open(t, w, nil); !errors.Is(err, errBroken) {
			t.Errorf("%v", err)
		}
	})
}

func TestBadSettings(t *testing.T) {
	err := (&stacklight.Settings{}).Validate()
	for _, want := range []error{stacklight.ErrPins, pattern.ErrPattern, pattern.ErrLevel, pattern.ErrMute, announce.ErrSeverity} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
	twice := stacklight.Driver.Config().(*stacklight.Settings)
	twice.Red, twice.Mute.Pin = "GPIO5", "GPIO5"
	if err := twice.Validate(); !errors.Is(err, stacklight.ErrTwin) || fmt.Sprint(err) != "mute: pin GPIO5 has two uses: it is that of red too" {
		t.Errorf("%v", err)
	}
}
