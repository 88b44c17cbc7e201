package control

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/health"
)

// SocketName is the socket's file name in the store's directory.
const SocketName = "control.sock"

// Status is what the agent is, measures and worries about now. Where it was read from the
// store of an agent that does not run, there is no version, now, clock, boot nor uptime.
type Status struct {
	Site       agent.SiteID           `json:"site"`
	Gateway    agent.GatewayID        `json:"gateway"`
	Running    bool                   `json:"running"` // false: read from the store of an agent that does not run
	Version    string                 `json:"version,omitempty"`
	Now        time.Time              `json:"now,omitzero"` // zero while the clock is unset
	Timezone   string                 `json:"timezone"`     // of the site, for showing times
	Clock      *agent.ClockTrust      `json:"clock,omitempty"`
	Boot       agent.BootID           `json:"boot,omitzero"`
	UptimeS    *int64                 `json:"uptime_s,omitempty"`
	Zones      []Zone                 `json:"zones"`
	Alarms     []Alarm                `json:"alarms"`          // active or not yet acknowledged
	Trip       *Trip                  `json:"trip,omitempty"`  // the open one
	Cases      []agent.ExcursionEvent `json:"cases,omitempty"` // of excursions that are out or not decided
	Stock      []StockLine            `json:"stock"`
	Store      Store                  `json:"store"`
	Upstreams  []Upstream             `json:"upstreams"`
	Conditions []health.Active        `json:"conditions"`
}

// Zone is a place and what is measured there.
type Zone struct {
	ID     agent.ZoneID `json:"id"`
	Name   string       `json:"name,omitempty"`
	Points []Point      `json:"points"`
}

// Point is the newest reading of a point. V is absent where there is no value; Fault then says why.
type Point struct {
	Point    agent.PointID  `json:"point"`
	Quantity agent.Quantity `json:"quantity"`
	Unit     string         `json:"unit,omitempty"`
	Role     agent.Role     `json:"role,omitempty"`
	V        *agent.Value   `json:"v,omitempty"`
	Fault    string         `json:"fault,omitempty"`
	Marks    []string       `json:"marks,omitempty"`
	T        time.Time      `json:"t,omitzero"`
	AgeS     int64          `json:"age_s"`
	Trend    *agent.Value   `json:"trend,omitempty"` // change of a gauge over the last 15 minutes, per hour
}

// Alarm is an alarm that is active or that nobody has acknowledged.
type Alarm struct {
	ID       agent.AlarmEventID `json:"id"`
	Alarm    agent.AlarmID      `json:"alarm"`
	Kind     string             `json:"kind"`
	Severity agent.Severity     `json:"severity"`
	Zone     agent.ZoneID       `json:"zone,omitempty"`
	Point    agent.PointID      `json:"point,omitempty"`
	Item     agent.ItemID       `json:"item,omitempty"`
	State    agent.AlarmState   `json:"state"`
	V        *agent.Value       `json:"v,omitempty"`
	Limit    *agent.Value       `json:"limit,omitempty"`
	Began    time.Time          `json:"began,omitzero"`
	Raised   time.Time          `json:"raised,omitzero"`
	Message  string             `json:"message,omitempty"`
	Items    []agent.ItemID     `json:"items,omitempty"`
	By       string             `json:"by,omitempty"`
	Comment  string             `json:"comment,omitempty"`
	Until    time.Time          `json:"until,omitzero"`  // of shelved: when that ends by itself
	Cause    agent.AlarmEventID `json:"cause,omitempty"` // the occurrence whose message spoke for this one too
}

// StockLine is an item's balance in one zone.
type StockLine struct {
	Item    agent.ItemID `json:"item"`
	Name    string       `json:"name,omitempty"`
	Zone    agent.ZoneID `json:"zone,omitempty"`
	Balance int64        `json:"balance"`
	Minimum int64        `json:"minimum,omitempty"` // of the item over all zones
	Total   int64        `json:"total"`             // of the item over all zones
	Known   bool         `json:"known"`             // it was ever moved or counted; if not, a balance of 0 says nothing
}

// Store is the store's short form; `frostline store stat` has the long one.
type Store struct {
	Epoch    agent.Epoch `json:"epoch"`
	Last     agent.Seq   `json:"last"`
	Records  int64       `json:"records"`
	Bytes    int64       `json:"bytes"`
	InMemory int64       `json:"in_memory"`           // records not yet committed
	SetAside []string    `json:"set_aside,omitempty"` // files of earlier stores, damaged or of a newer version, that wait for a person
}

// Upstream is one upstream's delivery.
type Upstream struct {
	ID      agent.UpstreamID `json:"id"`
	Driver  string           `json:"driver"`
	State   string           `json:"state"` // connecting, delivering, idle, waiting, refused, budget …
	Waiting int64            `json:"waiting"`
	Taken   int64            `json:"taken"` // records taken since the start
	Bytes   int64            `json:"bytes"` // on the socket in the present limit period, or since the start
	Limit   int64            `json:"limit,omitempty"`
	Error   string           `json:"error,omitempty"`
	LastOK  time.Time        `json:"last_ok,omitzero"`
}

// AckRequest acknowledges an alarm by a named person.
type AckRequest struct {
	ID      string `json:"id"` // an alarm event's id, an alarm's id, or "all"
	By      string `json:"by"`
	Comment string `json:"comment"`
}

// AlarmRequest is what a named person does about an alarm beside acknowledging it.
type AlarmRequest struct {
	Do      agent.Transition `json:"do"` // reset, shelved, unshelved, out-of-service, in-service
	ID      string           `json:"id"` // an alarm event's id, "<alarm>:<point>", or an alarm's id
	By      string           `json:"by"`
	Comment string           `json:"comment"`         // why
	ForS    int64            `json:"for_s,omitempty"` // of shelved: for how many seconds
}

// AlarmReply names what it was done to.
type AlarmReply struct {
	Alarms []agent.AlarmEventID `json:"alarms"`
}

// AckReply names what was acknowledged.
type AckReply struct {
	Acknowledged []agent.AlarmEventID `json:"acknowledged"`
}

// BackupRequest asks for a copy of the store in a new file.
type BackupRequest struct {
	File string `json:"file"` // absolute, must not exist
	By   string `json:"by"`
}

// UpstreamRequest is about one upstream: requeue its rejected records, or forget it.
type UpstreamRequest struct {
	Upstream agent.UpstreamID `json:"upstream"`
	By       string           `json:"by"`
}

// CountReply says how many records were concerned.
type CountReply struct {
	Count int64 `json:"count"`
}

// ClockRequest says that the clock is right, or what the time is.
type ClockRequest struct {
	T  time.Time `json:"t,omitzero"` // absent: the machine's clock is right
	By string    `json:"by"`
}

// ByRequest names the person who does something that has no other parameter.
type ByRequest struct {
	By string `json:"by"`
}

// ErrorReply is the body of every answer that is not 200.
type ErrorReply struct {
	Error string `json:"error"`
}
