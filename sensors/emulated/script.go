package emulated

import (
	"slices"
	"time"
)

// script answers what is going on at a moment. It never changes.
type script struct {
	repeat time.Duration
	lines  []Happening
}

// active reports whether do happens to on at t.
func (s *script) active(do Trouble, on string, t time.Duration) bool {
	if s.repeat > 0 {
		t %= s.repeat
	}
	for i := range s.lines {
		h := &s.lines[i]
		if h.Do == do && h.On == on && t >= h.At && t < h.At+h.For {
			return true
		}
	}
	return false
}

// present lists the codes of do on on at t.
func (s *script) present(do Trouble, on string, t time.Duration) []string {
	if s.repeat > 0 {
		t %= s.repeat
	}
	var codes []string
	for i := range s.lines {
		h := &s.lines[i]
		if h.Do == do && h.On == on && t >= h.At && t < h.At+h.For && !slices.Contains(codes, h.Code) {
			codes = append(codes, h.Code)
		}
	}
	return codes
}

// Event is a line of the script that begins or ends. A scan only begins.
type Event struct {
	At    time.Duration // since the world began
	Begin bool
	Happening
}

// between lists what begins or ends after from and not after to, in order; at one moment
// ends come first.
func (s *script) between(from, to time.Duration) []Event {
	if s.repeat > 0 && to-from > 2*s.repeat {
		from = to - 2*s.repeat // after a long sleep the last two rounds tell all
	}
	base := time.Duration(0)
	if s.repeat > 0 && from > 0 {
		base = from / s.repeat * s.repeat
	}
	var all []Event
	for ; base <= to; base += s.repeat {
		for _, h := range s.lines {
			if at := base + h.At; at > from && at <= to {
				all = append(all, Event{At: at, Begin: true, Happening: h})
			}
			if at := base + h.At + h.For; h.For > 0 && at > from && at <= to {
				all = append(all, Event{At: at, Happening: h})
			}
		}
		if s.repeat == 0 {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b Event) int {
		switch {
		case a.At != b.At:
			return int(min(max(a.At-b.At, -1), 1))
		case a.Begin != b.Begin && b.Begin:
			return -1
		case a.Begin != b.Begin:
			return 1
		}
		return 0
	})
	return all
}

// next is the first moment after t at which something begins or ends; ok is false if
// nothing ever does again.
func (s *script) next(t time.Duration) (at time.Duration, ok bool) {
	base := time.Duration(0)
	if s.repeat > 0 {
		base = t / s.repeat * s.repeat
	}
	for round := 0; round < 2; round++ {
		for _, h := range s.lines {
			for _, m := range []time.Duration{base + h.At, base + h.At + h.For} {
				if m > t && (!ok || m < at) {
					at, ok = m, true
				}
			}
		}
		if ok || s.repeat == 0 {
			return at, ok
		}
		base += s.repeat
	}
	return at, ok
}

// mentions reports whether do ever happens to on.
func (s *script) mentions(do Trouble, on string) bool {
	return slices.ContainsFunc(s.lines, func(h Happening) bool { return h.Do == do && h.On == on })
}
