package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/sensors/emulated"
)

// screen shows the demo: a live page on a terminal, plain lines elsewhere.
type screen struct {
	clock *clock.Scaled
	far   *farSide
	site  *time.Location
	speed float64
	out   io.Writer
	live  bool

	mu     sync.Mutex
	recent []string // newest last
	fresh  []string // not yet printed as plain lines
	alarms map[agent.AlarmEventID]agent.AlarmState
}

const (
	recentLines = 8
	redrawEvery = 500 * time.Millisecond
	plainEvery  = 5 * time.Second
)

func newScreen(d *demo, far *farSide, clk *clock.Scaled, site *time.Location, out, errs io.Writer) *screen {
	s := &screen{clock: clk, far: far, site: site, speed: d.speed, out: out, alarms: map[agent.AlarmEventID]agent.AlarmState{}}
	if d.json {
		s.out = errs // standard output is for the summary alone
	}
	s.live = isTerminal(s.out)
	return s
}

// happened notes what the scenario's script begins or ends.
func (s *screen) happened(e emulated.Event) {
	text := e.Note
	if text == "" {
		text = strings.ReplaceAll(string(e.Do), "-", " ")
		if e.On != "" {
			text += " " + e.On
		}
	}
	switch {
	case !e.Begin:
		text = "over: " + text
	case e.Code != "":
		text += " " + e.Code
	}
	s.note(text)
}

func (s *screen) note(text string) {
	line := s.clock.Now().Wall.In(s.site).Format("15:04:05") + "  " + text
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = append(s.fresh, line)
	s.recent = append(s.recent, line)
	if len(s.recent) > recentLines {
		s.recent = s.recent[len(s.recent)-recentLines:]
	}
}

// run shows the agent until ctx is done.
func (s *screen) run(ctx context.Context, a *daemon.Agent) {
	if s.live {
		fmt.Fprint(s.out, "\x1b[?1049h\x1b[?25l")
		defer fmt.Fprint(s.out, "\x1b[?25h\x1b[?1049l")
	} else {
		fmt.Fprintf(s.out, "A morning in a warehouse, %g times faster than real. Stop with Ctrl-C.\n", s.speed)
	}
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for sincePlain := plainEvery; ; sincePlain += redrawEvery {
		if st, err := a.Status(ctx); err == nil {
			s.follow(&st)
			if s.live {
				s.draw(&st)
			} else if s.lines(&st, sincePlain >= plainEvery) {
				sincePlain = 0
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// follow notes what became of alarms since the last look.
func (s *screen) follow(st *control.Status) {
	open := map[agent.AlarmEventID]bool{}
	for _, a := range st.Alarms {
		open[a.ID] = true
		was, known := s.alarms[a.ID]
		switch {
		case !known:
			s.note("ALARM " + a.Message)
		case was != a.State && a.State == agent.StateRtnUnack:
			s.note("alarm over: " + a.Message)
		}
		s.alarms[a.ID] = a.State
	}
	for id := range s.alarms {
		if !open[id] {
			delete(s.alarms, id)
		}
	}
}

// draw redraws the whole screen.
func (s *screen) draw(st *control.Status) {
	var b strings.Builder
	link := terminal.green("up")
	if s.far.link.isDown() {
		link = terminal.red("down")
	}
	fmt.Fprintf(&b, "%s   %g× real time   link %s\n", terminal.bold("Frostline demo"), s.speed, link)
	_ = render(&b, st, terminal) // a strings.Builder takes everything
	fmt.Fprintf(&b, "%s\n  %s\n", terminal.bold("Far side"), s.farSide())
	fmt.Fprintf(&b, "\n%s\n", terminal.bold("What happens"))
	s.mu.Lock()
	for _, line := range s.recent {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	s.mu.Unlock()
	page := strings.ReplaceAll(b.String(), "\n", "\x1b[K\n")
	fmt.Fprint(s.out, "\x1b[H"+page+"\x1b[J")
}

func (s *screen) farSide() string {
	for _, a := range s.far.receiver.Ledger().Accounts() {
		return fmt.Sprintf("%s/%s  %d received, %d missing, %d doubled", a.Site, a.Gateway, a.Received, a.Missing, a.Doubled)
	}
	return "nothing received yet"
}

// lines prints what is new, and from time to time one line that sums up; it reports whether it did.
func (s *screen) lines(st *control.Status, sum bool) bool {
	s.mu.Lock()
	fresh := s.fresh
	s.fresh = nil
	s.mu.Unlock()
	for _, line := range fresh {
		fmt.Fprintln(s.out, line)
	}
	if !sum {
		return false
	}
	var parts []string
	for _, z := range st.Zones {
		for _, p := range z.Points {
			if p.Quantity == agent.Temperature && p.Role == agent.RoleAir {
				parts = append(parts, fmt.Sprintf("%s %s", z.ID, pointText(p, plain)))
			}
		}
	}
	var waiting int64
	for _, u := range st.Upstreams {
		waiting += u.Waiting
	}
	fmt.Fprintf(s.out, "%s  %s | %d alarms | %d waiting | far side: %s\n", st.Now.In(s.site).Format("15:04:05"),
		strings.Join(fields(parts), ", "), len(st.Alarms), waiting, s.farSide())
	return true
}

// fields squeezes the blanks of aligned texts.
func fields(texts []string) []string {
	for i, t := range texts {
		texts[i] = strings.Join(strings.Fields(t), " ")
	}
	return texts
}
