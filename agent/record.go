package agent

import "time"

// Record is one entry of the gateway's one sequence. Exactly one of Reading, Scan and
// Event is meant, as Type says.
type Record struct {
	Position Position
	Type     RecordType
	Reading  Reading // if Type is TypeReading; its own storage, so that a batch of readings is one allocation
	Scan     *Scan   // if Type is TypeScan
	Event    *Event  // if Type is TypeEvent
	Undated  *Undated
}

// RecordType says which part of a record is meant.
type RecordType uint8

// The types of record.
const (
	TypeReading RecordType = iota + 1
	TypeScan
	TypeEvent
)

// Undated stands on a record whose boot ended before its clock was ever right: it has no
// wall time and never will. After and Before bound it, where known.
type Undated struct {
	After, Before time.Time
}

// OfReading, OfScan and OfEvent make records that have no position yet.
func OfReading(r Reading) Record { return Record{Type: TypeReading, Reading: r} }

// OfScan makes a record of a scan, without a position.
func OfScan(s Scan) Record { return Record{Type: TypeScan, Scan: &s} }

// OfEvent makes a record of an event, without a position.
func OfEvent(e Event) Record { return Record{Type: TypeEvent, Event: &e} }

// At is when the record was taken.
func (r *Record) At() Instant {
	switch r.Type {
	case TypeReading:
		return r.Reading.At
	case TypeScan:
		return r.Scan.At
	case TypeEvent:
		return r.Event.At
	}
	return Instant{}
}

// SetAt replaces the instant; only the store does, when it dates a record.
func (r *Record) SetAt(at Instant) {
	switch r.Type {
	case TypeReading:
		r.Reading.At = at
	case TypeScan:
		r.Scan.At = at
	case TypeEvent:
		r.Event.At = at
	}
}

// Waiting reports whether the record has no wall time yet but may still get one: it
// must not be delivered.
func (r *Record) Waiting() bool { return r.Undated == nil && r.At().Wall.IsZero() }

// Kind is where the record belongs: which topic carries it, which `only:` selects it,
// and in which order retention gives it up.
type Kind string

// The kinds, in the order in which retention gives them up.
const (
	KindReadings Kind = "readings"
	KindScans    Kind = "scans"
	KindEvents   Kind = "events"
	KindStock    Kind = "stock"
	KindAlarms   Kind = "alarms" // alarm transitions, gaps, people's acts, trips and excursions: the urgent lane
)

// Kinds lists the kinds, in the order in which retention gives them up.
func Kinds() []Kind { return []Kind{KindReadings, KindScans, KindEvents, KindStock, KindAlarms} }

// Kind is the record's kind.
func (r *Record) Kind() Kind {
	switch r.Type {
	case TypeReading:
		return KindReadings
	case TypeScan:
		return KindScans
	}
	switch r.Event.Kind {
	case EventAlarm, EventGap, EventAct, EventTrip, EventExcursion:
		return KindAlarms
	case EventStock:
		return KindStock
	}
	return KindEvents
}

// Urgent reports whether the record goes in the urgent lane, ahead of any backlog.
func (r *Record) Urgent() bool { return r.Type == TypeEvent && r.Kind() == KindAlarms }
