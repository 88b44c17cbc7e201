package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sensors/emulated"
)

// screen shows the demo: a live page on a terminal, plain lines elsewhere.
type screen struct {
	title string
	speed float64
	dir   string // of the store
	clock *clock.Scaled
	far   *farSide
	site  *time.Location
	names map[string]string // of zones
	out   io.Writer
	live  bool
	style style

	at agent.Position // the record is read so far, for what became of alarms

	mu     sync.Mutex
	recent []happening // newest last
	fresh  []happening // not yet printed as plain lines
}

// happening is a line of what happened.
type happening struct {
	at   time.Time
	text string
	ink  ink
}

const (
	mostRecent  = 40
	redrawEvery = 500 * time.Millisecond
	plainEvery  = 5 * time.Second
)

func newScreen(d *demo, scenario emulated.Scenario, cfg *config.Config, far *farSide, clk *clock.Scaled, out, errs io.Writer) *screen {
	s := &screen{
		title: scenario.Title, speed: d.speed, dir: cfg.Store.Dir, clock: clk, far: far, site: cfg.Location,
		names: map[string]string{}, out: out,
	}
	for _, z := range scenario.Zones {
		s.names[string(z.ID)] = z.Name
	}
	if d.json {
		s.out = errs // standard output is for the summary alone
	}
	s.live = isTerminal(s.out) && !(d.verbose && isTerminal(errs))
	s.style = styleOf(s.out)
	return s
}

// happened notes what the scenario's script begins or ends.
func (s *screen) happened(e emulated.Event) {
	if text := eventText(e, s.names); text != "" {
		s.note(s.clock.Now().Wall, text, usual)
	}
}

// eventText says in a sentence what begins or ends; empty for an end that says nothing.
func eventText(e emulated.Event, names map[string]string) string {
	on := e.On
	if name := names[on]; name != "" {
		on = name
	}
	var begins, ends string
	switch e.Do {
	case emulated.DoorOpen:
		begins, ends = "door opened: "+on, "door closed: "+on
	case emulated.CompressorDead:
		begins, ends = "compressor stopped: "+on, "compressor runs again: "+on
	case emulated.MainsGone:
		begins, ends = "mains power lost", "mains power is back"
	case emulated.Unplugged:
		begins, ends = "unplugged: "+on, "plugged in again: "+on
	case emulated.BusStuck:
		begins, ends = "bus hangs: "+on, "bus answers again: "+on
	case emulated.BusShorted:
		begins, ends = "bus shorted: "+on, "bus in order again: "+on
	case emulated.TagPresent:
		begins = "tag read at " + on + ": " + e.Code
	case emulated.CodeScanned:
		begins = "barcode scanned: " + e.Code
	case emulated.LinkDown:
		begins, ends = "network lost", "network is back"
	default:
		begins, ends = string(e.Do)+" "+on, "over: "+string(e.Do)+" "+on
	}
	if !e.Begin {
		return ends
	}
	if e.Note != "" {
		begins += " (" + e.Note + ")"
	}
	return begins
}

func (s *screen) note(at time.Time, text string, color ink) {
	h := happening{at, text, color}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = append(s.fresh, h)
	s.recent = append(s.recent, h)
	byTime := func(a, b happening) int { return a.at.Compare(b.at) }
	slices.SortStableFunc(s.recent, byTime)
	slices.SortStableFunc(s.fresh, byTime)
	s.recent = s.recent[max(0, len(s.recent)-mostRecent):]
}

// run shows the agent until ctx is done.
func (s *screen) run(ctx context.Context, a *daemon.Agent) {
	s.begin()
	defer s.end()
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for sincePlain := time.Duration(0); ; sincePlain += redrawEvery {
		if st, err := a.Status(ctx); err == nil {
			s.follow(ctx)
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

// begin prepares the terminal: a page of its own, no cursor, no wrapping of long lines.
func (s *screen) begin() {
	if s.live {
		fmt.Fprint(s.out, "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J")
		return
	}
	fmt.Fprintf(s.out, "%s, %g times faster than real. Stop with Ctrl-C.\nIn another terminal: frostline status --dir %s\n", s.title, s.speed, s.dir)
}

// end leaves the terminal as it was.
func (s *screen) end() {
	if s.live {
		fmt.Fprint(s.out, "\x1b[?7h\x1b[?25h\x1b[?1049l")
	} else {
		s.printFresh()
	}
	fmt.Fprintln(s.out, "Stopping: what is left goes to the far side, for at most 5 s.")
}

// follow notes what became of alarms since the last look, from the record.
func (s *screen) follow(ctx context.Context) {
	r, err := store.OpenReadOnly(ctx, s.dir)
	if err != nil {
		return // not there yet
	}
	defer r.Close()
	for {
		records, err := r.After(ctx, s.at, 1000, agent.KindAlarms)
		if err != nil || len(records) == 0 {
			return // the next look tries again
		}
		for i := range records {
			s.at = records[i].Position
			s.noteAlarm(&records[i])
		}
	}
}

func (s *screen) noteAlarm(r *agent.Record) {
	if r.Event == nil || r.Event.Alarm == nil || !r.Event.Alarm.Reaches() {
		return
	}
	switch a := r.Event.Alarm; a.Transition {
	case agent.Raised:
		color := yellow
		if a.Severity == agent.SeverityCritical {
			color = red
		}
		s.note(r.At().Wall, "ALARM  "+a.Message, color)
	case agent.Cleared:
		s.note(r.At().Wall, "over:  "+a.Message, green)
	case agent.Acknowledged:
		s.note(r.At().Wall, a.Message, usual)
	default:
		s.note(r.At().Wall, string(a.Transition)+": "+a.Message, usual)
	}
}

// draw redraws the whole page, at the terminal's present size.
func (s *screen) draw(st *control.Status) {
	columns, rows := 80, 24
	if f, ok := s.out.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			columns, rows = w, h
		}
	}
	s.mu.Lock()
	v := view{
		status: st, title: s.title, speed: s.speed, linkDown: s.far.link.isDown(), far: s.farSide(),
		dir: s.dir, recent: slices.Clone(s.recent),
	}
	s.mu.Unlock()
	lines := v.page(columns, rows, s.style)
	fmt.Fprint(s.out, "\x1b[H"+strings.Join(lines, "\x1b[K\r\n")+"\x1b[K\x1b[J")
}

func (s *screen) farSide() string {
	for _, a := range s.far.receiver.Ledger().Accounts() {
		return fmt.Sprintf("%d received, %d missing, %d doubled", a.Received, a.Missing, a.Doubled)
	}
	return "nothing received yet"
}

// printFresh prints what happened since the last time.
func (s *screen) printFresh() {
	s.mu.Lock()
	fresh := s.fresh
	s.fresh = nil
	s.mu.Unlock()
	for _, h := range fresh {
		fmt.Fprintf(s.out, "%s  %s\n", h.at.In(s.site).Format(time.TimeOnly), h.text)
	}
}

// lines prints what is new, and from time to time one line that sums up; it reports whether it did.
func (s *screen) lines(st *control.Status, sum bool) bool {
	s.printFresh()
	if !sum {
		return false
	}
	var parts []string
	for _, z := range st.Zones {
		for _, p := range z.Points {
			if p.Quantity == agent.Temperature && p.Role == agent.RoleAir {
				parts = append(parts, zoneName(z)+" "+strings.Join(strings.Fields(pointText(p, plain)), " "))
			}
		}
	}
	var waiting int64
	for _, u := range st.Upstreams {
		waiting += u.Waiting
	}
	active, _ := countAlarms(st.Alarms)
	fmt.Fprintf(s.out, "%s  %s | %s active | %d waiting | far side: %s\n", st.Now.In(s.site).Format(time.TimeOnly),
		strings.Join(parts, ", "), plural(active, "alarm"), waiting, s.farSide())
	return true
}

// countAlarms tells the alarms that are active from those that are over and wait for a word.
func countAlarms(alarms []control.Alarm) (active, over int) {
	for _, a := range alarms {
		if a.State == agent.StateRtnUnack {
			over++
		} else {
			active++
		}
	}
	return active, over
}
