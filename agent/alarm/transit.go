package alarm

// arm arms the alarms of transit at the departure, and disarms them when a trip is under way
// no longer. Each departure begins with rules that have seen nothing; an alarm that is there when
// it is disarmed is cleared, and still waits for its acknowledgement.
func (e *Engine) arm(transit bool) {
	if e.transit == transit {
		return
	}
	e.transit = transit
	for _, w := range e.watches {
		if !w.on.spec.Transit {
			continue
		}
		was := w.cond
		w.rule, w.cond = w.on.kind.New(w.on.spec.Settings, w.target), Condition{}
		e.schedule(w, was.Next)
		if was.Active {
			w.on.count(false)
			e.touch(w.on)
		}
	}
}
