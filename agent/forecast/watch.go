package forecast

import (
	"encoding/json"
	"fmt"

	"github.com/frostline/frostline/agent"
)

// Watch is the pre-alarm on one side of one limit. It is not safe for concurrent use.
type Watch struct {
	limit agent.Value
	side  Side
	s     watchState
}

type watchState struct {
	Raised bool  `json:"r,omitempty"`
	Sure   int32 `json:"s,omitempty"` // minutes in a row that spoke for raising
	Calm   int32 `json:"c,omitempty"` // minutes in a row that spoke for withdrawing
}

// Change is what a step of a Watch did.
type Change uint8

// The changes.
const (
	Unchanged Change = iota
	Raised
	Withdrawn
)

// The hysteresis of a pre-alarm.
const (
	raiseAt   = 0.5 // probability within the horizon
	raiseFor  = 3   // min
	unusualAt = 0.25
	calmFor   = 20 // min
)

// NewWatch makes a pre-alarm that is not raised.
func NewWatch(limit agent.Value, side Side) *Watch { return &Watch{limit: limit, side: side} }

// MarshalJSON writes the pre-alarm's state, without the limit.
func (w *Watch) MarshalJSON() ([]byte, error) { return json.Marshal(&w.s) }

// UnmarshalJSON takes up what MarshalJSON wrote and keeps the limit.
func (w *Watch) UnmarshalJSON(b []byte) error {
	var s watchState
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("forecast: read a pre-alarm: %w", err)
	}
	w.s = s
	return nil
}

// Raised reports whether the pre-alarm stands.
func (w *Watch) Raised() bool { return w.s.Raised }

// Step looks at the model. Call it when Model.Step reported a completed minute, and only
// then: the hysteresis counts them. The pre-alarm stands on while the point is beyond the
// limit, which is the limit alarm's affair, and is withdrawn after twenty minutes in which the
// zone is as usual again or no breach is in sight. The forecast is that of now; its Breach is
// not set where there is none or it was not asked for.
func (w *Watch) Step(m *Model) (Change, Forecast) {
	var f Forecast
	stands := m.passed(w.limit, w.side)
	if m.unusual(w.side) >= unusualAt {
		var ok bool
		f, ok = m.Forecast(w.limit, w.side)
		stands = stands || f.Breach || !ok
	}
	if w.s.Raised {
		return w.calm(stands), f
	}
	if !f.Breach || f.Probability < raiseAt {
		w.s.Sure = 0
		return Unchanged, f
	}
	if w.s.Sure++; w.s.Sure < raiseFor {
		return Unchanged, f
	}
	w.s = watchState{Raised: true}
	return Raised, f
}

// calm counts the minutes after which a pre-alarm is withdrawn.
func (w *Watch) calm(stands bool) Change {
	if stands {
		w.s.Calm = 0
		return Unchanged
	}
	if w.s.Calm++; w.s.Calm < calmFor {
		return Unchanged
	}
	w.s = watchState{}
	return Withdrawn
}

// passed reports whether the newest minute is beyond a limit. If it is, what goes on is no
// ordinary run, and nothing is learned from how long it lasts.
func (m *Model) passed(limit agent.Value, side Side) bool {
	n := len(m.s.Ring)
	if n == 0 || (float64(m.s.Ring[n-1].V)-limit.Float64())*side.sign() <= 0 {
		return false
	}
	if side == Above {
		m.s.High.Breach = m.s.High.Peak > needAtLeast
	} else {
		m.s.Low.Breach = m.s.Low.Peak > needAtLeast
	}
	return true
}
