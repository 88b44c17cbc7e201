package alarm

// Held counts for how long a condition has been there at one point. Time counts while the
// newest sample says so and holds. It is part of rules' states.
type Held struct {
	Present  bool `json:"p,omitempty"` // the newest sample that said anything said so
	Began    Line `json:"b,omitempty"` // the first sample that said so; 0 if there is none
	Credited Line `json:"c,omitempty"` // up to when time was counted
	Until    Line `json:"u,omitempty"` // up to when the newest sample holds
	Time     Line `json:"h,omitempty"` // how much was counted since Began
}

// Advance counts up to now and returns the span that it counted, which may be empty.
func (h *Held) Advance(now Line) (from, to Line) {
	end := min(now, h.Until)
	if !h.Present || end <= h.Credited {
		return h.Credited, h.Credited
	}
	from, h.Credited = h.Credited, end
	h.Time = min(h.Time+end-from, lineEnd)
	return from, end
}

// There says that a sample found the condition. Call Advance(t.Now) before.
func (h *Held) There(t Tick, hold Line) {
	if h.Began == 0 {
		h.Began = t.Sampled
	}
	h.Present = true
	h.Credited = t.Now
	h.Until = t.Sampled + hold
}

// Pause says that from now on the condition is not there but has not ended either.
func (h *Held) Pause() { h.Present = false }

// Gap says that from now on nothing is known.
func (h *Held) Gap(now Line) { h.Until = min(h.Until, now) }

// Gone says that the condition has ended.
func (h *Held) Gone() { *h = Held{} }

// Reaches is when the counted time will reach span if no sample comes before; 0 if it will not.
func (h *Held) Reaches(span Line) Line { return h.ReachesMore(span - h.Time) }

// ReachesMore is when more will have been counted beyond what is counted now, if no sample
// comes before; 0 if it will not.
func (h *Held) ReachesMore(more Line) Line {
	due := h.Credited + more
	if !h.Present || more <= 0 || due > h.Until {
		return 0
	}
	return due
}
