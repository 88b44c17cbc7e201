// Package wire holds the encodings of docs/wire.md, both directions: batches as plain
// JSON and as compact columns, the retained status and info messages, single records as
// JSON lines, and the InfluxDB line protocol.
//
// The package is pure: it does no input or output and reads no clock. Decoders take any
// bytes and answer with an error, never with a panic, and need memory only in proportion
// to their input (plain) or up to a stated limit (compact).
package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
)

// Version is the version of the formats; it stands in every topic ("frostline/v1/…").
const Version = 1

// CompactSuffix ends the topic of a batch in compact encoding.
const CompactSuffix = ".c"

// MaxRecords is how many records a batch holds at most, in either direction.
const MaxRecords = 65_536

// Gateway says where a message comes from.
type Gateway struct {
	Site    agent.SiteID
	Gateway agent.GatewayID
}

// Batch is a decoded batch. Prev is the seq of the record before First that the gateway
// selects for this topic, 0 if none is claimed; between Prev and First, and between the
// records, there is none. An empty batch (the echo that an upstream sends to itself) has no
// records, and First and Last are 0.
//
// Records are as the gateway stored them, except that instants keep what crossed the
// wire: wall time and whether it was held for dated records, boot and monotonic time for
// undated ones. A fault or mark this version does not know is UnknownFault or UnknownMark.
type Batch struct {
	From              Gateway
	Epoch             agent.Epoch
	First, Last, Prev agent.Seq
	Hist              bool
	Records           []agent.Record

	defs map[agent.DefID]agent.Definition
}

// Definition is what a point of this batch was when it was read, as far as the batch
// tells: id, point, zone, quantity and role. It implements upstream.Definitions.
func (b *Batch) Definition(id agent.DefID) (agent.Definition, bool) {
	d, ok := b.defs[id]
	return d, ok
}

// What a decoder makes of a word that a newer gateway sent.
const (
	UnknownFault = agent.Fault(255)
	UnknownMark  = agent.Marks(1 << 15)
)

// RecordError says which record cannot be encoded. It never will be: an upstream that
// meets it answers *upstream.Rejected for that record.
type RecordError struct {
	Position agent.Position
	Err      error
}

// Error names the record and the cause.
func (e *RecordError) Error() string { return fmt.Sprintf("wire: record %s: %v", e.Position, e.Err) }

// Unwrap is the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// Causes of a RecordError, and what decoders return (wrapped) for bytes that are no message.
var (
	ErrWaiting    = errors.New("waits for its date and must not be delivered")
	ErrDefinition = errors.New("definition unknown")
	ErrEvent      = errors.New("event without content")
	ErrSyntax     = errors.New("not a message of this format")
	ErrTooMany    = fmt.Errorf("more than %d records", MaxRecords)
)

// millis is the wall time in UTC milliseconds, as everywhere on the wire.
func millis(t time.Time) int64 { return t.UnixMilli() }

// ofMillis reads what millis writes.
func ofMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// boundMillis is millis of a time that may be unknown; ok is false if it is.
func boundMillis(t time.Time) (ms int64, ok bool) {
	if t.IsZero() {
		return 0, false
	}
	return millis(t), true
}
