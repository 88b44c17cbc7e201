package agent

import "time"

// CaseID names an excursion's case: "<zone>:<boot, 8 digits>:<number>".
type CaseID string

// ExcursionEvent is one step of an excursion's case. A case outlives its alarms: it is open
// until a person with the role quality has decided what becomes of the goods.
type ExcursionEvent struct {
	ID          CaseID              `json:"id"`
	N           int64               `json:"n"` // number of the event within the case, from 1
	Transition  ExcursionTransition `json:"transition"`
	State       ExcursionState      `json:"state"` // after the transition
	Zone        ZoneID              `json:"zone,omitempty"`
	Trip        TripID              `json:"trip,omitempty"`    // the one under way when the case opened
	Began       time.Time           `json:"began,omitzero"`    // the first value outside; zero where unknown
	Ended       time.Time           `json:"ended,omitzero"`    // back in range; where it ended unknown, the last value that was seen
	OutS        int64               `json:"out_s,omitempty"`   // seconds from began to ended, or until now
	Outside     []ExcursionPoint    `json:"outside,omitempty"` // the points that were outside, in the order in which they went
	Items       []ItemID            `json:"items,omitempty"`   // goods that were in the zone while it was out
	Cause       ExcursionCause      `json:"cause,omitempty"`
	CauseBy     string              `json:"cause_by,omitempty"` // the person who named it; empty where it was inferred
	Evaluation  string              `json:"evaluation,omitempty"`
	Disposition Disposition         `json:"disposition,omitempty"`
	By          string              `json:"by,omitempty"`
	Comment     string              `json:"comment,omitempty"`
	UID         *int                `json:"uid,omitempty"` // of the peer on the control socket; nil where no person acted
	Message     string              `json:"message,omitempty"`
}

// ExcursionPoint is one point that was outside, and how far.
type ExcursionPoint struct {
	Point PointID      `json:"point"`
	Alarm AlarmEventID `json:"alarm"`           // the newest occurrence
	Limit *Value       `json:"limit,omitempty"` // absent where the rule compares with none
	Worst *Value       `json:"worst,omitempty"` // the value farthest outside that was seen
	Dead  bool         `json:"dead,omitempty"`  // it gave no value for a time while it was out
}

// ExcursionTransition is what happened to a case.
type ExcursionTransition string

// The transitions.
const (
	CaseOpened    ExcursionTransition = "opened"
	CaseJoined    ExcursionTransition = "joined"  // another point of the zone went out too
	CaseCaused    ExcursionTransition = "caused"  // its cause is known, or known better
	CaseEnded     ExcursionTransition = "ended"   // its state says how
	CaseResumed   ExcursionTransition = "resumed" // a dead sensor lives again and is still out
	CaseEvaluated ExcursionTransition = "evaluated"
	CaseDisposed  ExcursionTransition = "disposed"
	CaseDropped   ExcursionTransition = "dropped" // too many were open: the oldest that had ended left the list undecided
)

// ExcursionState is how an excursion stands.
type ExcursionState string

// The states.
const (
	ExcursionOut      ExcursionState = "out"
	ExcursionReturned ExcursionState = "returned" // seen to be back in range, and never unseen before
	ExcursionUnknown  ExcursionState = "unknown"  // the sensor died while it was out: how far it went is not known
)

// ExcursionCause is why a zone went out of range.
type ExcursionCause string

// The causes.
const (
	CauseDoorOpen    ExcursionCause = "door-open"
	CausePowerFailed ExcursionCause = "power-failed"
	CauseCompressor  ExcursionCause = "compressor"
	CauseSensorFault ExcursionCause = "sensor-fault"
	CauseUnknown     ExcursionCause = "unknown"
)

// ExcursionCauses lists the causes that have a word. A person may write another one.
func ExcursionCauses() []ExcursionCause {
	return []ExcursionCause{CauseDoorOpen, CausePowerFailed, CauseCompressor, CauseSensorFault, CauseUnknown}
}

// Disposition is what becomes of the goods.
type Disposition string

// The dispositions.
const (
	DispositionRelease  Disposition = "release"
	DispositionUseFirst Disposition = "use-first"
	DispositionReject   Disposition = "reject"
)

// Dispositions lists the dispositions.
func Dispositions() []Disposition {
	return []Disposition{DispositionRelease, DispositionUseFirst, DispositionReject}
}

// RoleQuality is the role of the persons who evaluate excursions and decide about goods.
const RoleQuality = "quality"
