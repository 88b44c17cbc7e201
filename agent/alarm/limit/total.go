package limit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent/alarm"
)

// Window is what a total adds up over: trip, day, or a duration (24h, 30d). Until a trip is
// known, and where none is, a trip is everything since the alarm was configured.
type Window string

// The windows that are no duration.
const (
	Trip Window = "trip"
	Day  Window = "day"
)

// ErrWindow is what Validate returns for an unknown window.
var ErrWindow = errors.New("not a window: want trip, day, or a time such as 24h or 30d")

// span is the length of a rolling window; 0 for the others and for none.
func (w Window) span() (time.Duration, error) {
	switch w {
	case "", Trip, Day:
		return 0, nil
	}
	text := string(w)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("within %q: %w", text, ErrWindow)
	}
	return d, nil
}

// maxSpans bounds a rolling window. A window with more excursions than that joins the two
// that are closest to each other: the time is kept and leaves the window late by at most
// the pause between them, so an alarm may stand longer than it had to, never shorter.
const maxSpans = 720

// total adds up the time outside within a window.
type total struct {
	Window Window     `json:"w"`
	First  alarm.Line `json:"f,omitempty"` // when the first time that counts was measured
	Sum    alarm.Line `json:"n,omitempty"` // of the trip or day
	Today  int        `json:"d,omitempty"` // days since 1970 in the site's time; 0 before the clock was set
	// The day that was today before: its sum is not lost when the clock is set over midnight and back.
	Other      int        `json:"o,omitempty"`
	OtherSum   alarm.Line `json:"m,omitempty"`
	OtherFirst alarm.Line `json:"g,omitempty"`
	Full       alarm.Line `json:"x,omitempty"` // the last midnight, if the time was reached by then
	Spans      spans      `json:"s,omitempty"` // of a rolling window
}

// add counts the time from one moment to another, both before or at t.Now, towards need.
func (w *total) add(t alarm.Tick, from, to, need alarm.Line) {
	span, err := w.Window.span()
	switch {
	case err != nil:
		return // Validate refused it
	case span > 0:
		w.Spans = w.Spans.within(t.Now-alarm.Millis(span), t.Now)
		if to > from {
			w.Spans = w.Spans.add(from, to)
		}
	case w.Window == Day && !t.Wall.IsZero():
		w.addDays(t, from, to, need)
	default:
		w.addSum(from, to)
	}
}

func (w *total) addSum(from, to alarm.Line) {
	if to <= from {
		return
	}
	if w.First == 0 {
		w.First = from
	}
	w.Sum += to - from
}

// addDays gives each day its part. Days of 23 and 25 hours are as long as they are.
func (w *total) addDays(t alarm.Tick, from, to, need alarm.Line) {
	for from < to {
		wall := t.Wall.Add((from - t.Now).Duration()).In(t.Location)
		w.turn(wall)
		turns := from + alarm.Millis(midnight(wall).Sub(wall))
		end := min(to, turns)
		w.addSum(from, end)
		if end == turns && w.Sum >= need {
			w.Full = end
		}
		from = end
	}
	w.turn(t.Wall.In(t.Location))
}

// turn makes the day of wall today.
func (w *total) turn(wall time.Time) {
	day := int(time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400)
	switch {
	case day == w.Today:
		return
	case w.Today == 0: // what was counted before the clock was set belongs to the first day it names
		w.Today = day
		return
	}
	if day == w.Other { // the clock was set over midnight and back
		w.Today, w.Other = w.Other, w.Today
		w.Sum, w.OtherSum = w.OtherSum, w.Sum
		w.First, w.OtherFirst = w.OtherFirst, w.First
		return
	}
	w.Other, w.OtherSum, w.OtherFirst = w.Today, w.Sum, w.First
	w.Today, w.Sum, w.First = day, 0, 0
}

// midnight is the end of wall's day.
func midnight(wall time.Time) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day()+1, 0, 0, 0, 0, wall.Location())
}

func (w *total) sum() alarm.Line {
	if w.Spans != nil {
		return w.Spans.sum()
	}
	return w.Sum
}

// began is when the time that counts began; otherwise if nothing counts yet.
func (w *total) began(otherwise alarm.Line) alarm.Line {
	switch {
	case len(w.Spans) > 0:
		return w.Spans[0].From
	case w.First != 0:
		return w.First
	}
	return otherwise
}

// reached reports whether need is reached now, and when that may change without input.
func (w *total) reached(t alarm.Tick, h *alarm.Held, need alarm.Line) (bool, alarm.Line) {
	span, err := w.Window.span()
	if err != nil {
		return false, 0
	}
	if span > 0 {
		return w.Spans.reached(t.Now, h, alarm.Millis(span), need)
	}
	if w.Full == t.Now {
		return true, t.Now + 1
	}
	if w.Sum < need {
		return false, h.ReachesMore(need - w.Sum)
	}
	if w.Window != Day || t.Wall.IsZero() {
		return true, 0
	}
	wall := t.Wall.In(t.Location)
	return true, t.Now + alarm.Millis(midnight(wall).Sub(wall))
}

// span is a time outside.
type span struct{ From, To alarm.Line }

// spans are times outside in their order; they do not overlap.
type spans []span

// within drops what lies before a window and, in a damaged state, what lies after it.
func (s spans) within(from, to alarm.Line) spans {
	for len(s) > 0 && s[0].To <= from {
		s = s[1:]
	}
	if len(s) > 0 && s[0].From < from {
		s[0].From = from
	}
	for n := len(s) - 1; n >= 0 && s[n].To > to; n-- {
		s = s[:n]
	}
	return s
}

func (s spans) add(from, to alarm.Line) spans {
	if n := len(s); n > 0 && s[n-1].To >= from {
		s[n-1].To = max(s[n-1].To, to)
		return s
	}
	s = append(s, span{from, to})
	if len(s) > maxSpans {
		s = s.join()
	}
	return s
}

// join makes one of the two neighbors with the shortest pause between them.
func (s spans) join() spans {
	best := 1
	for i := 2; i < len(s); i++ {
		if s[i].From-s[i-1].To < s[best].From-s[best-1].To {
			best = i
		}
	}
	s[best].From -= s[best-1].To - s[best-1].From
	return append(s[:best-1], s[best:]...)
}

func (s spans) sum() alarm.Line {
	var n alarm.Line
	for _, p := range s {
		n += p.To - p.From
	}
	return n
}

// reached reports whether the spans within the window that ends now add up to need, and
// when that may change without input. The spans are those of this window.
func (s spans) reached(now alarm.Line, h *alarm.Held, window, need alarm.Line) (bool, alarm.Line) {
	have := s.sum()
	if have < need {
		return false, s.fills(now, h, window, need-have)
	}
	return true, s.empties(now, h, window, have-need)
}

// fills is when more will have been added, while the window moves on over the old spans; 0
// if the newest value does not hold that long.
func (s spans) fills(now alarm.Line, h *alarm.Held, window, more alarm.Line) alarm.Line {
	if !h.Present || h.Until <= now {
		return 0
	}
	at := now
	for _, p := range s {
		leaves := max(at, p.From+window) // until then time is added and none leaves
		if more <= leaves-at {
			break
		}
		more -= leaves - at
		at = max(leaves, p.To+window) // until then as much leaves as is added
	}
	if at += more; at <= h.Until {
		return at
	}
	return 0
}

// empties is the first moment at which more than surplus will have left the window, if no
// sample comes before; while the newest value is outside and holds, as much is added as leaves.
func (s spans) empties(now alarm.Line, h *alarm.Held, window, surplus alarm.Line) alarm.Line {
	if h.Present && h.Until > now {
		return h.Until
	}
	for _, p := range s {
		if length := p.To - p.From; length <= surplus {
			surplus -= length
			continue
		}
		return max(now, p.From+window+surplus) + 1
	}
	return 0
}

// ErrSpans is what UnmarshalJSON returns for what MarshalJSON cannot have written.
var ErrSpans = errors.New("not the spans of a rolling window")

// MarshalJSON writes the first moment, then lengths and pauses in turn.
func (s spans) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	var last alarm.Line
	for i, p := range s {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(p.From-last), 10)
		text = append(text, ',')
		text = strconv.AppendInt(text, int64(p.To-p.From), 10)
		last = p.To
	}
	return append(text, ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *spans) UnmarshalJSON(b []byte) error {
	var flat []alarm.Line
	if err := json.Unmarshal(b, &flat); err != nil {
		return fmt.Errorf("%w: %w", ErrSpans, err)
	}
	if len(flat)%2 != 0 || len(flat) > 2*maxSpans {
		return ErrSpans
	}
	*s = make(spans, 0, len(flat)/2)
	var at alarm.Line
	for i := 0; i < len(flat); i += 2 {
		p := span{From: at + flat[i], To: at + flat[i] + flat[i+1]}
		at = p.To
		*s = append(*s, p)
	}
	return nil
}
