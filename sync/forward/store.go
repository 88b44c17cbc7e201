package forward

import (
	"context"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// Store is what the pump needs of the agent's store. All methods are safe for concurrent use.
type Store interface {
	Sequence
	Cursors
	Quarantine
	States
}

// Sequence is the one sequence of committed records.
type Sequence interface {
	// AppendAfter appends to dst the oldest records of the given kinds after p, at most limit,
	// in order. After an error dst must not be used any more.
	AppendAfter(ctx context.Context, dst []agent.Record, p agent.Position, limit int, kinds ...agent.Kind) ([]agent.Record, error)
	// Head is the newest committed position.
	Head() agent.Position
	// Watch returns a channel that gets a value after commits (one for several is enough),
	// and a function that ends it.
	Watch() (<-chan struct{}, func())
}

// Cursors keeps how far each lane of each upstream is. The note is the pump's own.
type Cursors interface {
	CursorAt(ctx context.Context, up agent.UpstreamID, lane upstream.Lane) (p agent.Position, note []byte, ok bool, err error)
	Acked(ctx context.Context, up agent.UpstreamID, lane upstream.Lane, p agent.Position, note []byte) error
}

// Quarantine keeps what an upstream will never take.
type Quarantine interface {
	// Quarantine sets the record aside for this upstream. Again for the same position only
	// replaces the reason, and takes back a requeue.
	Quarantine(ctx context.Context, up agent.UpstreamID, p agent.Position, reason string) error
	// Requeued returns quarantined records that a person wants sent again, oldest first.
	Requeued(ctx context.Context, up agent.UpstreamID, limit int) ([]agent.Record, error)
	// Settled takes a requeued record out of quarantine: it was taken.
	Settled(ctx context.Context, up agent.UpstreamID, p agent.Position) error
}

// States keeps small texts by name.
type States interface {
	State(ctx context.Context, name string) ([]byte, bool, error)
	SaveState(ctx context.Context, name string, blob []byte) error
}

// Counter is what a store may offer beside: exact counts for status and conditions.
type Counter interface {
	// Waiting counts the records of the given kinds after the lane's cursor.
	Waiting(ctx context.Context, up agent.UpstreamID, lane upstream.Lane, kinds ...agent.Kind) (int64, error)
	// Quarantined counts what is set aside for the upstream.
	Quarantined(ctx context.Context, up agent.UpstreamID) (int64, error)
}
