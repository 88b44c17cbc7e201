package agent

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Event is anything that happened beside readings and scans. Exactly one of the
// pointers is set, and Kind names it. Events are stored and sent as JSON with the
// fields in the order given here; the fields are never renamed, only extended.
type Event struct {
	At         Instant         `json:"-"`
	Kind       EventKind       `json:"event"`
	Alarm      *AlarmEvent     `json:"alarm,omitempty"`
	Stock      *Movement       `json:"stock,omitempty"`
	Gap        *Gap            `json:"gap,omitempty"`
	Definition *Definition     `json:"definition,omitempty"`
	Clock      *ClockEvent     `json:"clock,omitempty"`
	Epoch      *EpochEvent     `json:"epoch,omitempty"`
	Change     *StateChange    `json:"change,omitempty"`
	Act        *Act            `json:"act,omitempty"`
	Trip       *TripEvent      `json:"trip,omitempty"`
	Excursion  *ExcursionEvent `json:"excursion,omitempty"`

	// Other is the content of a kind of event that this version does not know, as a JSON
	// object: a receiver older than its gateways passes it on. A gateway never sets it.
	Other json.RawMessage `json:"other,omitempty"`
}

// EventKind names which part of an event is set.
type EventKind string

// The kinds of event.
const (
	EventAlarm      EventKind = "alarm"
	EventStock      EventKind = "stock"
	EventGap        EventKind = "gap"
	EventDefinition EventKind = "definition"
	EventClock      EventKind = "clock"
	EventEpoch      EventKind = "epoch"
	EventChange     EventKind = "change"
	EventAct        EventKind = "act"
	EventTrip       EventKind = "trip"
	EventExcursion  EventKind = "excursion"
)

// AlarmEvent is one transition of one alarm instance.
type AlarmEvent struct {
	ID         AlarmEventID `json:"id"` // given when the alarm was raised; all its transitions carry it
	Alarm      AlarmID      `json:"alarm"`
	Kind       string       `json:"kind"` // the rule's kind: limit, no-data, sensor-fault, below-minimum …
	Severity   Severity     `json:"severity"`
	Zone       ZoneID       `json:"zone,omitempty"`
	Point      PointID      `json:"point,omitempty"`
	Item       ItemID       `json:"item,omitempty"` // for stock alarms
	Transition Transition   `json:"transition"`
	State      AlarmState   `json:"state"` // after the transition
	Value      *Value       `json:"v,omitempty"`
	Limit      *Value       `json:"limit,omitempty"`
	Began      time.Time    `json:"began,omitzero"` // when the first value outside was measured; zero where unknown
	Message    string       `json:"message,omitempty"`
	Items      []ItemID     `json:"items,omitempty"` // goods in the zone when it was raised
	By         string       `json:"by,omitempty"`
	Comment    string       `json:"comment,omitempty"`
	UID        *int         `json:"uid,omitempty"`  // of the peer on the control socket; nil where no person acted
	Late       bool         `json:"late,omitempty"` // announced later than it was due, e.g. after a power cut
	// Cause is the occurrence whose message spoke for this alarm too, because one cause is
	// behind both; empty if it spoke for itself.
	Cause  AlarmEventID `json:"cause,omitempty"`
	Points []PointID    `json:"points,omitempty"` // of all alarms that this message spoke for
	ForS   int64        `json:"for_s,omitempty"`  // of shelved: for how many seconds
	// Texts is what people were told who are not told Message, which is English with °C: by
	// Voice.Key, such as "zh", "zh-f" (Chinese with °F) and "en-f". In chooses.
	Texts map[string]string `json:"texts,omitempty"`
}

// Reaches reports whether people are told of the transition: not of what happens to an
// alarm that is shelved, suppressed or out of service, nor of what another one's message told.
func (e *AlarmEvent) Reaches() bool {
	switch {
	case e.Cause != "":
		return false
	case e.Transition == Suppressed || e.Transition == Unsuppressed:
		return false
	case e.State == StateShelved || e.State == StateOutOfService:
		return e.Transition == Shelved || e.Transition == OutOfService
	}
	return true
}

// AlarmEventID names one occurrence of an alarm: "<alarm>:<point or item>:<boot, 8 digits>:<counter>".
// It exists from the moment of raising, whether or not the disk takes it.
type AlarmEventID string

// Instance is the id without boot and counter: "<alarm>:<point or item>".
func (id AlarmEventID) Instance() string {
	text := string(id)
	for range 2 {
		if i := strings.LastIndexByte(text, ':'); i > 0 {
			text = text[:i]
		}
	}
	return text
}

// Transition is what happened to an alarm. Words after ISA-18.2.
type Transition string

// The transitions.
const (
	Raised       Transition = "raised"
	Cleared      Transition = "cleared"
	Acknowledged Transition = "acknowledged"
	ReAlarmed    Transition = "re-alarmed"
	Latched      Transition = "latched"
	Reset        Transition = "reset"
	Shelved      Transition = "shelved"
	Unshelved    Transition = "unshelved"
	Suppressed   Transition = "suppressed"
	Unsuppressed Transition = "unsuppressed"
	OutOfService Transition = "out-of-service"
	InService    Transition = "in-service"
)

// AlarmState is where an alarm stands. Words after ISA-18.2.
type AlarmState string

// The states.
const (
	StateNormal       AlarmState = "normal"
	StateUnack        AlarmState = "unack"     // active, nobody has acknowledged
	StateAck          AlarmState = "ack"       // active, acknowledged
	StateRtnUnack     AlarmState = "rtn-unack" // returned to normal, nobody has acknowledged
	StateLatched      AlarmState = "latched"
	StateShelved      AlarmState = "shelved"
	StateSuppressed   AlarmState = "suppressed"
	StateOutOfService AlarmState = "out-of-service"
)

// AlarmStates lists the states.
func AlarmStates() []AlarmState {
	return []AlarmState{
		StateNormal, StateUnack, StateAck, StateRtnUnack, StateLatched, StateShelved, StateSuppressed, StateOutOfService,
	}
}

// Severity is how much an alarm matters.
type Severity string

// The severities, in rising order.
const (
	SeverityInfo     Severity = "info"
	SeverityWarning  Severity = "warning"
	SeverityCritical Severity = "critical"
)

// Severities lists the severities in rising order.
func Severities() []Severity { return []Severity{SeverityInfo, SeverityWarning, SeverityCritical} }

// Rank is the severity's place in rising order from 0; -1 for a word that is none.
func (s Severity) Rank() int { return slices.Index(Severities(), s) }

// Movement is goods that came, went or were counted.
type Movement struct {
	Item      ItemID    `json:"item"`
	Zone      ZoneID    `json:"zone"`
	Direction Direction `json:"direction"`
	Quantity  int64     `json:"quantity"` // pieces moved, or counted; never negative
	Balance   int64     `json:"balance"`  // of the item in the zone, afterwards
	Reader    ReaderID  `json:"reader,omitempty"`
	Code      string    `json:"code,omitempty"`
	By        string    `json:"by,omitempty"`
	Comment   string    `json:"comment,omitempty"`
}

// Direction is what a scan at a reader means for stock.
type Direction string

// The directions.
const (
	DirectionIn    Direction = "in"
	DirectionOut   Direction = "out"
	DirectionCount Direction = "count" // sets the balance: what is there now
)

// Gap says what is missing from the sequence or never entered it, and why.
type Gap struct {
	Reason GapReason `json:"reason"`
	Ranges []Range   `json:"ranges,omitempty"` // positions that existed and are gone
	Counts []Tally   `json:"counts,omitempty"` // how many of each kind
	From   time.Time `json:"from,omitzero"`    // wall time of the oldest; zero where unknown
	To     time.Time `json:"to,omitzero"`
	Source string    `json:"source,omitempty"` // the reader whose queue ran over, the set-aside file …
	Detail string    `json:"detail,omitempty"`
}

// Range is a run of positions of one epoch, both ends included, all of one kind.
type Range struct {
	Epoch Epoch `json:"epoch"`
	First Seq   `json:"first"`
	Last  Seq   `json:"last"`
	Kind  Kind  `json:"kind,omitempty"`
}

// Tally counts records of one kind.
type Tally struct {
	Kind  Kind  `json:"kind"`
	Count int64 `json:"count"`
}

// GapReason says why records are missing.
type GapReason string

// The reasons.
const (
	GapRetention GapReason = "retention" // removed untaken to keep the store inside its limits
	GapMemory    GapReason = "memory"    // pushed out of memory while the disk refused
	GapDamage    GapReason = "damage"    // could not be read from a damaged store
	GapOverrun   GapReason = "overrun"   // a source spoke faster than it could be recorded
	GapUnclean   GapReason = "unclean"   // the agent ended without a clean stop; what was measured and not committed is not known
)

// ClockEvent is a step of the wall clock, or a change of its trust.
type ClockEvent struct {
	Trust     ClockTrust `json:"trust"`
	Was       ClockTrust `json:"was"`
	OldOffset int64      `json:"old_offset"` // wall minus monotonic, Unix milliseconds
	NewOffset int64      `json:"new_offset"`
	By        string     `json:"by,omitempty"` // who or what confirmed it: kernel, gnss, a name
}

// EpochEvent is the first record of every epoch.
type EpochEvent struct {
	Previous Epoch  `json:"previous"` // zero for the first of a gateway
	LastSeq  Seq    `json:"last_seq"` // last seq known of the previous epoch
	Reason   string `json:"reason"`   // new, unclean, restored, machine, damaged
}

// StateChange is a device, an upstream or another part of the agent that changed state.
type StateChange struct {
	Subject string `json:"subject"` // sensor/cr1-air, upstream/hq-mqtt, store …
	State   string `json:"state"`   // lost, found, started, stopped …
	Detail  string `json:"detail,omitempty"`
}

// Act is something a person did that is not an acknowledgement: a changed config, a
// forgotten upstream, a requeued record.
type Act struct {
	Verb    string `json:"verb"`
	Subject string `json:"subject,omitempty"`
	By      string `json:"by"`
	UID     int    `json:"uid"` // of the peer on the control socket; 0 is root
	Comment string `json:"comment,omitempty"`
}
