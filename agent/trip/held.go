package trip

import "github.com/frostline/frostline/agent/timeline"

// held counts for how long something has been so that samples tell. A sample holds until its
// end; after that time does not count until the next.
type held struct {
	On    bool            `json:"on,omitempty"`
	Sum   timeline.Moment `json:"sum,omitempty"`
	From  timeline.Moment `json:"from,omitempty"`  // counted up to here
	Until timeline.Moment `json:"until,omitempty"` // the newest sample holds until here
}

// reach counts up to a moment.
func (h *held) reach(to timeline.Moment) {
	if h.On && to > h.From {
		h.Sum += max(0, min(to, h.Until)-h.From)
		h.From = to
	}
}

// sample takes in that it is so at a moment, and how long that holds.
func (h *held) sample(at, until timeline.Moment) {
	h.reach(at)
	if !h.On {
		*h = held{On: true, From: at}
	}
	h.Until = until
}

// cut ends what the newest sample says at a moment.
func (h *held) cut(at timeline.Moment) {
	h.reach(at)
	h.Until = min(h.Until, at)
}

// due is when the sum reaches need without another sample; 0 for never.
func (h *held) due(need timeline.Moment) timeline.Moment {
	if !h.On {
		return 0
	}
	if at := h.From + need - h.Sum; at <= h.Until {
		return at
	}
	return 0
}
