// Package upstream defines what a far side is to the pump: a folder below sync that
// exports one value made by Define.
package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/farside"
)

// Upstream takes records to one far side. One goroutine per lane calls it; the two lanes may
// call it at the same time. A lane's batches come in the order of the records, and again until
// they are taken. While the main lane works off a backlog, batches of what is measured now come
// between them, out of their turn, from the same goroutine: see sync/forward/DESIGN.md and
// docs/decisions/live-behind-a-backlog.md.
type Upstream interface {
	// Deliver brings the batch to the far side and returns only when its fate is known:
	//   nil        the far side took every record, durably as far as it can say
	//   *Rejected  the named records never will be taken; all others were
	//   *Refused   nothing was taken and nothing will be until somebody acts: a condition
	//   *TooLarge  nothing was taken: the same records come again in smaller batches
	//   *Lost      unknown, and the connection, which was up, died under this batch
	//   *Later     the far side is busy: the same batch comes again, after the time it asked for
	//   any other  unknown: the same batch comes again, so the effect must be idempotent
	// It honors ctx.
	Deliver(ctx context.Context, b Batch) error
	// Close says goodbye to the far side where that is polite (a clean stop announces
	// offline first) and frees everything. A second Close does nothing.
	Close() error
}

// Lane is one of the two ways to the far side, each with its own cursor.
type Lane string

// The lanes.
const (
	Urgent Lane = "urgent" // alarm transitions, gaps, people's acts: goes first
	Main   Lane = "main"   // the rest
)

// Batch is a run of records of one epoch for one topic, oldest first.
type Batch struct {
	Lane    Lane
	Kind    agent.Kind     // which topic: all records are of this kind
	Epoch   agent.Epoch    // of all records
	Prev    agent.Seq      // seq of the record before the first that this upstream selects for this kind; 0 if none in this epoch is known
	Hist    bool           // the newest record was committed before the present connection began
	Records []agent.Record // the pump's again when Deliver returns
}

// Rejected names records of a batch that the far side will never take.
type Rejected struct {
	Records []RejectedRecord
}

// RejectedRecord is one of them, with the far side's own words.
type RejectedRecord struct {
	Position agent.Position
	Reason   string
}

// Error names the first record and how many there are.
func (r *Rejected) Error() string {
	if len(r.Records) == 0 {
		return "rejected: no record named"
	}
	first := r.Records[0]
	return fmt.Sprintf("rejected %d records, first %s: %s", len(r.Records), first.Position, first.Reason)
}

// Refused says that the far side takes nothing until somebody acts: a refused login, a
// denied topic, a missing bucket. Code is a condition of docs/conditions.md.
type Refused struct {
	Code string
	Err  error
}

// Error is the cause in plain words; Unwrap is the cause.
func (r *Refused) Error() string { return r.Code + ": " + farside.Plain(r.Err) }

// Unwrap is the cause.
func (r *Refused) Unwrap() error { return r.Err }

// TooLarge says that the far side takes no batch of this size: the pump halves it.
type TooLarge struct{ Err error }

// Error is the cause's text.
func (t *TooLarge) Error() string { return "batch too large: " + t.Err.Error() }

// Unwrap is the cause.
func (t *TooLarge) Unwrap() error { return t.Err }

// Lost says that the connection was up when the batch went out and died before its fate
// was known. A connection that could not be made, or a far side that merely does not
// answer in time, is not Lost: the pump takes a batch that kills its connections apart.
type Lost struct{ Err error }

// Error is the cause in plain words.
func (l *Lost) Error() string { return "connection lost: " + farside.Plain(l.Err) }

// Unwrap is the cause.
func (l *Lost) Unwrap() error { return l.Err }

// Later says that the far side asks to wait: nothing was taken as far as is known, and the
// same batch comes again, not before After has passed.
type Later struct {
	After time.Duration // 0: the far side did not say
	Err   error
}

// Error is the cause's text.
func (l *Later) Error() string { return "asked to wait: " + l.Err.Error() }

// Unwrap is the cause.
func (l *Later) Unwrap() error { return l.Err }

// Host is what the agent lends an upstream.
type Host struct {
	ID          agent.UpstreamID
	Site        agent.SiteID
	Gateway     agent.GatewayID
	Boot        agent.BootID
	Definitions Definitions
	Meter       Meter       // counts every byte on the socket
	Conditions  Conditions  // what is wrong, for status
	Info        func() Info // what the gateway is now, for retained info
	Status      func() Status
	Secret      func(ref string) (string, error) // resolves ${credential:NAME} and ${env:NAME}; plain text comes back as it is
	Log         *slog.Logger
}

// Definitions finds what a point was when it was read.
type Definitions interface {
	Definition(id agent.DefID) (agent.Definition, bool)
}

// Meter counts the bytes that cross the upstream's socket, both ways. Safe for use by several goroutines.
type Meter interface {
	Add(read, written int)
}

// Limited is what a Meter also is where it knows of a byte limit.
type Limited interface {
	Allowance() Allowance
}

// Allowance is what the byte limit leaves for traffic that carries no record, such as a
// heartbeat. Records are held back by the pump.
type Allowance int32

// The allowances.
const (
	Ample  Allowance = iota // no limit, or enough is left
	Scarce                  // the last tenth, which is for urgent records
	Spent                   // nothing until the next period
)

// Conditions takes what is wrong with an upstream. Raising what is raised changes only its detail.
type Conditions interface {
	Raise(code, detail string)
	Clear(code string)
}

// Status is what the retained status topic says beside the connection itself.
type Status struct {
	Now     agent.Instant
	Last    agent.Position // last committed
	Waiting int64          // records not yet taken by this upstream
}

// Info is what the retained info topic says: what this gateway measures and watches.
type Info struct {
	Version   string         `json:"version"`
	Timezone  string         `json:"timezone,omitempty"`
	Zones     []InfoZone     `json:"zones,omitempty"`
	Points    []InfoPoint    `json:"points,omitempty"`
	Readers   []InfoReader   `json:"readers,omitempty"`
	Alarms    []InfoAlarm    `json:"alarms,omitempty"`
	Kinds     []agent.Kind   `json:"kinds,omitempty"`      // selected by only:; absent: all
	OnlyZones []agent.ZoneID `json:"only_zones,omitempty"` // selected by only:; absent: all
	AlwaysOn  bool           `json:"always_on"`
}

// InfoZone is a zone and its free name.
type InfoZone struct {
	ID   agent.ZoneID `json:"id"`
	Name string       `json:"name,omitempty"`
}

// InfoPoint is a point and its unit.
type InfoPoint struct {
	agent.Definition
	Unit  string `json:"unit,omitempty"`
	Every int64  `json:"every_ms"` // sampling interval
}

// InfoReader is a scanner or tag reader.
type InfoReader struct {
	ID        agent.ReaderID  `json:"id"`
	Zone      agent.ZoneID    `json:"zone,omitempty"`
	Direction agent.Direction `json:"direction,omitempty"`
}

// InfoAlarm is a configured alarm in words.
type InfoAlarm struct {
	ID       agent.AlarmID  `json:"id"`
	Kind     string         `json:"kind"`
	Zone     agent.ZoneID   `json:"zone,omitempty"`
	Severity agent.Severity `json:"severity"`
	Rule     string         `json:"rule"` // e.g. "temperature above 8 for 5m"
}

// Driver is a kind of upstream: what Define returns and sync/all lists.
type Driver struct {
	Name   string                                                          // the word after driver: in the config
	Config func() any                                                      // a new pointer to the driver's settings, set to their defaults
	Open   func(ctx context.Context, h Host, config any) (Upstream, error) // touches no network: the first Deliver connects
}

// Define makes a driver from its name, its settings' defaults and how to open one. C is a
// struct whose fields carry `yaml:"key"` and `doc:"…"` tags; if *C has Validate() error,
// the config calls it.
func Define[C any](name string, defaults C, open func(context.Context, Host, C) (Upstream, error)) Driver {
	return Driver{
		Name:   name,
		Config: func() any { c := defaults; return &c },
		Open: func(ctx context.Context, h Host, c any) (Upstream, error) {
			u, err := open(ctx, h, *c.(*C))
			if err != nil {
				return nil, fmt.Errorf("%s: open: %w", name, err)
			}
			return u, nil
		},
	}
}

// Topic is "frostline/v1/<site>/<gateway>/<last>".
func Topic(site agent.SiteID, gateway agent.GatewayID, last string) string {
	return strings.Join([]string{"frostline/v1", string(site), string(gateway), last}, "/")
}
