package forecast

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Watch is the pre-alarm on one side of one limit.
type Watch struct {
	Limit agent.Value
	Side  Side
	watchState
}

type watchState struct {
	Raised bool     `json:"r,omitempty"`
	Since  int64    `json:"t,omitempty"`
	Sure   int      `json:"s,omitempty"`
	Calm   int      `json:"c,omitempty"`
	Last   Forecast `json:"-"`
}

// Change is what a step of a Watch did.
type Change uint8

// The changes.
const (
	Unchanged Change = iota
	Raised
	Withdrawn
)

// Likelihoods at which a pre-alarm is raised and below which it is withdrawn after calm
// minutes.
const (
	raiseAt = 0.5
	keepAt  = 0.25
	calm    = 10
	sure    = 3
)

// Step looks at the model after a completed minute.
func (w *Watch) Step(now time.Duration, m *Model) (Change, Forecast) {
	f, ok := Forecast{}, true
	if m.unusual(w.Side) >= keepAt {
		f, ok = m.Forecast(w.Limit, w.Side)
	}
	switch {
	case !w.Raised:
		if !ok || !f.Breach || f.Probability < raiseAt {
			w.Sure = 0
			return Unchanged, f
		}
		if w.Sure++; w.Sure < sure {
			return Unchanged, f
		}
		w.Raised, w.Since, w.Calm = true, now.Milliseconds(), 0
		return Raised, f
	case m.outside(w.Limit, w.Side), ok && f.Breach && m.unusual(w.Side) >= keepAt, !ok:
		w.Calm = 0
	default:
		if w.Calm++; w.Calm >= calm {
			w.watchState = watchState{}
			return Withdrawn, f
		}
	}
	return Unchanged, f
}

func (m *Model) outside(limit agent.Value, side Side) bool {
	n := len(m.Ring)
	return n > 0 && (float64(m.Ring[n-1].V)-limit.Float64())*side.sign() > 0
}
