package alarm

import "github.com/frostline/frostline/agent"

// Beside rules, alarms themselves have times: an off-delay, the end of a shelving, a
// re-alarm; and so have suppressions. They are few and change seldom, so the earliest of
// them is found by looking at all.

// retime finds the next moment, as of now, at which an alarm's own time is up.
func (e *Engine) retime(now Line) {
	e.timer = 0
	for _, i := range e.instances {
		e.timer = Earlier(e.timer, i.over.Until)
		e.timer = Earlier(e.timer, i.clearing)
		e.timer = Earlier(e.timer, i.realarm)
	}
	for _, s := range e.suppressors {
		if s.active(now) {
			e.timer = Earlier(e.timer, s.state.Until)
		}
	}
}

// expire does what is due at a moment by the alarms' own times.
func (e *Engine) expire(moment Line) {
	for _, s := range e.suppressors {
		if s.state.Since != 0 && s.state.Until <= moment {
			s.state.expire(moment)
			e.touchSuppressed()
		}
	}
	for _, i := range e.instances {
		if i.clearing != 0 && i.clearing <= moment {
			e.touch(i)
		}
		if i.realarm != 0 && i.realarm <= moment {
			i.realarm = 0
			if i.active == 0 && i.clearing > moment {
				i.realarm = i.clearing // it may come back before it is taken for gone
			}
			if _, ok := after(i.state, agent.ReAlarmed); ok && i.active > 0 {
				e.refresh(i, moment)
				e.speakAgain(i, moment)
				e.turn(i, agent.ReAlarmed, moment)
				i.by, i.why = "", ""
			}
		}
		if i.over.Until != 0 && i.over.Until <= moment {
			e.lay(i, agent.Unshelved, nil, moment)
		}
	}
}

// resume begins anew, after a time of which nothing is known, what counts only while
// something is known: off-delays start again, suppressions are over.
func (e *Engine) resume(now Line) {
	for _, i := range e.instances {
		if i.clearing != 0 {
			i.clearing = now + Millis(i.spec.OffDelay)
		}
	}
	for _, s := range e.suppressors {
		s.state = stretch{}
	}
	e.touchSuppressed()
	e.expire(now)
}

// nextDue is the next moment at which something is due without input; 0 for never.
func (e *Engine) nextDue() Line {
	if len(e.due) == 0 {
		return e.timer
	}
	return Earlier(e.due[0].cond.Next, e.timer)
}

// Earlier is the earlier of two moments of which 0 is never.
func Earlier(a, b Line) Line {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
