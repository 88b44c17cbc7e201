package alarm

import (
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Suppression is by design (ISA-18.2): while a door is open or a defrost runs, a zone's
// alarms on one side of their limits reach nobody. They are still recorded, as suppressed.
//
// It has a longest time, from the moment at which the state began; what returned in between
// and began again within After is one stretch. When the stretch ends, an alarm whose
// condition is there is raised, and its time has counted from the first value outside.
//
// It never mutes an alarm on a state, such as the door's own, one of a point with the role
// product, one that the config calls absolute, freezing (a value of −0.5 °C or less, below a limit that is not lower), a total,
// or anything that began before the stretch did.
type Suppression struct {
	Zone    agent.ZoneID
	Point   agent.PointID // of the state: a door, a defrost contact
	Is      agent.Value   // the value that suppresses
	Side    Side
	Longest time.Duration
	After   time.Duration // it goes on for so long after the state has ended
}

// Side is on which side of its limit an alarm watches.
type Side string

// The sides.
const (
	High Side = "above"
	Low  Side = "below"
)

// sided is implemented by the settings of kinds whose alarms watch one side and can be suppressed.
type sided interface {
	// Side is the side on which the alarm watches; empty if it must not be suppressed.
	Side() Side
}

// freezing is the value at which water-based vaccine freezes: WHO PQS E006 TR07, ≤ −0.5 °C.
const freezing = -500_000 * agent.Value(1)

// suppressor is a suppression and how it stands.
type suppressor struct {
	Suppression
	hold  Line
	state stretch
}

// stretch is the state of a suppressor.
type stretch struct {
	On    bool `json:"on,omitempty"` // the newest sample says so
	Since Line `json:"s,omitempty"`  // when it began; 0 if there is none
	Until Line `json:"u,omitempty"`  // when it ends if nothing comes before
}

// active reports whether it suppresses at a moment.
func (s *suppressor) active(now Line) bool { return s.state.Since != 0 && now < s.state.Until }

// sample takes a reading of the point.
func (s *suppressor) sample(now, sampled Line, r *agent.Reading) {
	st := &s.state
	st.expire(now)
	switch last := st.Since + Millis(s.Longest); {
	case !r.OK():
		*st = stretch{}
	case r.Value == s.Is:
		if !st.On && st.Since == 0 {
			st.Since = sampled
			last = st.Since + Millis(s.Longest)
		}
		st.On = true
		st.Until = min(last, sampled+s.hold+Millis(s.After))
	case st.On:
		st.On = false
		st.Until = min(last, now+Millis(s.After))
	}
}

// expire ends the stretch whose time is up. A state that still lasts begins no new one.
func (st *stretch) expire(now Line) {
	if !st.On && st.Since != 0 && now >= st.Until {
		*st = stretch{}
	}
}

// suppress gives a reading of a suppression's point to it, and lets the alarms that it
// concerns be looked at anew.
func (e *Engine) suppress(to, sampled Line) {
	for _, s := range e.suppressors {
		if s.Point != e.in.Definition.Point {
			continue
		}
		was := s.active(to)
		s.sample(to, sampled, e.in.Reading)
		if was != s.active(to) {
			e.touchSuppressed()
		}
	}
	e.retime(to)
}

// touchSuppressed lets every suppressed alarm be looked at anew.
func (e *Engine) touchSuppressed() {
	for _, i := range e.instances {
		if i.state == agent.StateSuppressed {
			e.touch(i)
		}
	}
}

// muted reports whether something suppresses the alarm at a moment.
func (e *Engine) muted(i *instance, now Line) bool {
	set, ok := i.spec.Settings.(sided)
	if !ok || i.spec.Absolute || set.Side() == "" || i.quantity().Kind() != agent.Gauge {
		return false
	}
	for _, s := range e.suppressors {
		if s.Zone == i.zone && s.Side == set.Side() && s.active(now) && !slices.ContainsFunc(i.watches, s.breaksThrough) {
			return true
		}
	}
	return false
}

// breaksThrough reports whether a watch's condition must not be muted.
func (s *suppressor) breaksThrough(w *watch) bool {
	if !w.cond.Active {
		return false
	}
	if w.target.Point.Role == agent.RoleProduct || w.cond.Began < s.state.Since {
		return true
	}
	f := w.rule.Explain()
	return w.target.Point.Quantity == agent.Temperature && s.Side == Low && f.Value != nil && f.Limit != nil &&
		*f.Value <= freezing && *f.Limit >= freezing
}

// key names a suppression in the engine's state.
func (s *suppressor) key() string {
	return string(s.Zone) + ":" + string(s.Point) + ":" + string(s.Side)
}
