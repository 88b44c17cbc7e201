package announce_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// reader is an output that notes what people would read, and when.
type reader struct {
	mu     sync.Mutex
	start  time.Time
	lines  []string
	down   bool
	closed bool
}

func (r *reader) Announce(_ context.Context, n announce.Notice) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return errors.New("no network")
	}
	r.lines = append(r.lines, fmt.Sprintf("%v %s", time.Since(r.start).Truncate(time.Second), n.Text(agent.Voice{})))
	return nil
}

func (r *reader) Close() error { r.closed = true; return nil }

func (r *reader) read() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}

func (r *reader) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// settings are those of an output that sends messages.
type settings struct{ announce.Audience }

func people() *settings {
	return &settings{announce.Audience{Severity: agent.SeverityWarning, Flood: announce.DefaultFlood()}}
}

// flooded is a dispatcher with one reader, in a bubble.
func flooded(t *testing.T, s *settings) (*announce.Dispatcher, *reader, *board, func()) {
	r := &reader{start: time.Now()}
	start := time.Now()
	cond := &board{on: map[string]string{}}
	d := announce.New([]announce.Named{{ID: "people", Output: r, Settings: s}}, cond, quiet,
		announce.InZone(time.FixedZone("", 8*3600)), announce.Timed(func() time.Duration { return time.Since(start) }))
	return d, r, cond, running(t, d)
}

var counter time.Duration

// tell makes a notice of its own.
func tell(severity agent.Severity, t agent.Transition, zone, text string) announce.Notice {
	counter++
	return announce.Notice{
		At: agent.Instant{Mono: counter, Wall: time.Now().UTC()}, ZoneName: zone,
		Event: &agent.AlarmEvent{ID: agent.AlarmEventID(fmt.Sprint(counter)), Severity: severity, Transition: t, Message: text},
	}
}

// TestFlood: ten notices go out one by one, the eleventh begins a flood; then only raised critical
// alarms are told by themselves, and summaries come, until it is over.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r, _, stop := flooded(t, people())
		done := 0
		var mu sync.Mutex
		say := func(n announce.Notice) {
			n.Done = func() { mu.Lock(); done++; mu.Unlock() }
			d.Announce(n)
			synctest.Wait()
		}
		for i := range 10 {
			say(tell(agent.SeverityWarning, agent.Raised, "Dock", fmt.Sprint("w", i)))
		}
		if n := len(r.read()); n != 10 {
			t.Fatalf("%d of the first ten", n)
		}
		for i := range 20 {
			say(tell(agent.SeverityWarning, agent.Raised, "Dock", "kept back"))
			if i%4 == 0 {
				say(tell(agent.SeverityWarning, agent.Cleared, "Dock", "kept back"))
			}
		}
		say(tell(agent.SeverityCritical, agent.Raised, "Cold room", "critical!"))
		say(tell(agent.SeverityCritical, agent.ReAlarmed, "Cold room", "still critical!"))
		say(tell(agent.SeverityCritical, agent.Cleared, "Cold room", "kept back"))
		say(tell(agent.SeverityInfo, agent.Raised, "Dock", "concerns nobody"))
		mu.Lock()
		if done != 10+2+1 { // what is told, and what concerns nobody
			t.Errorf("%d are done before the summary", done)
		}
		mu.Unlock()
		time.Sleep(61 * time.Second)
		synctest.Wait()
		mu.Lock()
		if done != 10+25+3+1 {
			t.Errorf("%d are done after it", done)
		}
		mu.Unlock()
		got := r.read()[10:]
		want := []string{"0s critical!", "0s still critical!", "1m0s 20 more alarms since 08:00: 20 warning (Dock 20); 6 other changes"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got\n%q, want\n%q", got, want)
		}
		// It goes on: the next summary is a whole period later, whatever comes.
		for range 12 {
			time.Sleep(30 * time.Second)
			say(tell(agent.SeverityWarning, agent.Raised, "Aisle", "kept back"))
		}
		if n := len(r.read()); n != 13 {
			t.Errorf("%d lines", n)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := r.read()[13:]; fmt.Sprint(got) != "[11m0s 12 more alarms since 08:01: 12 warning (Aisle 12)]" {
			t.Errorf("%q", got)
		}
		// Fewer than five in ten minutes: it is over.
		time.Sleep(10 * time.Minute)
		say(tell(agent.SeverityWarning, agent.Raised, "Aisle", "alone"))
		if got := r.read()[14:]; fmt.Sprint(got) != "[22m1s alone]" {
			t.Errorf("%q", got)
		}
		stop()
	})
}

// TestFloodEnds: what the flood kept back and what comes after it are told together, in order.
func TestFloodEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := people()
		s.Flood = announce.Flood{Most: 2, Per: 100 * time.Minute}
		d, r, _, stop := flooded(t, s)
		for range 3 {
			d.Announce(tell(agent.SeverityWarning, agent.Raised, "", "w"))
		}
		time.Sleep(9 * time.Minute)
		d.Announce(tell(agent.SeverityWarning, agent.Acknowledged, "", "w"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		d.Announce(tell(agent.SeverityWarning, agent.Acknowledged, "", "w"))
		time.Sleep(99 * time.Minute)
		synctest.Wait()
		if got := r.read()[2:]; fmt.Sprint(got) != "[10m0s 1 more alarm since 08:00: 1 warning; 1 other changes 1h50m0s 1 more alarm changes since 08:11, none of them a new alarm]" {
			t.Errorf("%q", got)
		}
		stop()
	})
}

// TestCriticalFirst: what is critical does not wait behind what is not, and keeps its own order.
func TestCriticalFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r, _, stop := flooded(t, people())
		r.set(true)
		d.Announce(tell(agent.SeverityWarning, agent.Raised, "", "w0"))
		synctest.Wait() // it is being tried
		d.Announce(tell(agent.SeverityWarning, agent.Raised, "", "w1"))
		d.Announce(tell(agent.SeverityCritical, agent.Raised, "", "c1"))
		d.Announce(tell(agent.SeverityCritical, agent.Cleared, "", "c1 is over"))
		d.Announce(tell(agent.SeverityCritical, agent.ReAlarmed, "", "c2"))
		r.set(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := fmt.Sprint(r.read()); got != "[1s w0 1s c1 1s c2 1s w1 1s c1 is over]" {
			t.Errorf("%s", got)
		}
		stop()
	})
}

// TestOpensEarly: how things stand reaches also outputs that send messages, and is no message.
func TestOpensEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := people()
		s.Flood.Most = 1
		d, r, _, stop := flooded(t, s)
		for range 5 {
			d.Announce(announce.Notice{})
		}
		d.Announce(tell(agent.SeverityInfo, agent.Raised, "", "concerns nobody"))
		synctest.Wait()
		if n := len(r.read()); n != 5 {
			t.Errorf("told %d times", n)
		}
		stop()
	})
}

// TestBelowTheRate: ten alarms in ten minutes, for ever, are no flood.
func TestBelowTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r, _, stop := flooded(t, people())
		for range 200 {
			d.Announce(tell(agent.SeverityWarning, agent.Raised, "", "w"))
			time.Sleep(61 * time.Second)
		}
		synctest.Wait()
		if n := len(r.read()); n != 200 {
			t.Errorf("%d of 200", n)
		}
		stop()
	})
}

// TestUnlimited: most: 0, and outputs that follow the state, are told everything.
func TestUnlimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := people()
		s.Flood.Most = 0
		d, r, _, stop := flooded(t, s)
		lamp := &fake{}
		other := announce.New([]announce.Named{{ID: "lamp", Output: lamp, Settings: &struct{}{}}}, &board{on: map[string]string{}}, quiet)
		stopOther := running(t, other)
		for range 500 {
			n := tell(agent.SeverityWarning, agent.Raised, "", "w")
			d.Announce(n)
			other.Announce(n)
		}
		synctest.Wait()
		if len(r.read()) != 500 || len(lamp.told()) != 500 {
			t.Errorf("%d and %d of 500", len(r.read()), len(lamp.told()))
		}
		stop()
		stopOther()
	})
}

// TestDownAndFlooded: while an output is down its queue is bounded; critical alarms give way last,
// and what was given up is counted.
func TestDownAndFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r, cond, stop := flooded(t, people())
		r.set(true)
		for i := range 3000 {
			severity, text := agent.SeverityWarning, "w"
			if i%100 == 0 {
				severity, text = agent.SeverityCritical, "critical!"
			}
			d.Announce(tell(severity, agent.Raised, "Dock", text))
			if i == 0 {
				synctest.Wait() // it is being tried
			}
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if cond.len() != 1 {
			t.Error("nobody knows that it is down")
		}
		r.set(false)
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		critical, single, last := 0, 0, ""
		for _, l := range r.read() {
			_, text, _ := cut(l)
			switch text {
			case "critical!":
				critical++
			case "w":
				single++
			default:
				last += text + "\n"
			}
		}
		if critical != 30 || single > 10 {
			t.Errorf("%d critical, %d others", critical, single)
		}
		if want := fmt.Sprintf("%d more alarms", 3000-critical-single); len(last) < len(want) || last[:len(want)] != want {
			t.Errorf("the summary says %q, want %s", last, want)
		}
		stop()
	})
}

func cut(l string) (at, text string, ok bool) {
	for i := range l {
		if l[i] == ' ' {
			return l[:i], l[i+1:], true
		}
	}
	return l, "", false
}

// TestStopInAFlood: at a stop the summary is told; if it cannot be, what it stands for is not done,
// and comes again after the start.
func TestStopInAFlood(t *testing.T) {
	for _, down := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d, r, _, stop := flooded(t, people())
			done := 0
			for range 15 {
				n := tell(agent.SeverityWarning, agent.Raised, "Dock", "w")
				n.Done = func() { done++ }
				d.Announce(n)
			}
			synctest.Wait()
			r.set(down)
			stop()
			want, lines := 15, 11
			if down {
				want, lines = 10, 10
			}
			if done != want || len(r.read()) != lines || !r.closed {
				t.Errorf("down %v: %d done, %q", down, done, r.read())
			}
		})
	}
}

// TestManySummaries: for an hour of ten alarms a second a person reads a handful of lines.
func TestManySummaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r, _, stop := flooded(t, people())
		for range 3600 {
			for range 10 {
				d.Announce(tell(agent.SeverityWarning, agent.Raised, fmt.Sprint("zone ", counter%500), "w"))
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := len(r.read()); n > 10+7 {
			t.Errorf("%d lines in an hour", n)
		}
		stop()
	})
}

func TestAudience(t *testing.T) {
	a := &announce.Audience{Severity: agent.SeverityWarning, Tell: []agent.Transition{agent.Raised}}
	for _, c := range []struct {
		n    announce.Notice
		want bool
	}{
		{announce.Notice{}, false},
		{announce.Notice{Summary: &announce.Summary{}}, true},
		{tell(agent.SeverityWarning, agent.Raised, "", ""), true},
		{tell(agent.SeverityInfo, agent.Raised, "", ""), false},
		{tell(agent.SeverityCritical, agent.Cleared, "", ""), false},
	} {
		if got := a.Concerns(c.n); got != c.want {
			t.Errorf("%+v: %v", c.n, got)
		}
	}
	if err := a.Check(); err != nil {
		t.Error(err)
	}
	for _, f := range []announce.Flood{{Most: -1}, {Most: 1001, Per: time.Hour}, {Most: 1}, {Most: 1, Per: 25 * time.Hour}} {
		a.Flood = f
		if err := a.Check(); !errors.Is(err, announce.ErrFlood) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
