package wire

import (
	"encoding/json"
	"fmt"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// The words of Status.State.
const (
	Online  = "online"
	Offline = "offline"
)

// Status is the retained status message, and the last will. A will carries the boot and
// connection number of the connection it was left with: one that arrives after a status
// with a higher number of the same boot, or of another boot, is late and means nothing.
type Status struct {
	Site    agent.SiteID    `json:"site"`
	Gateway agent.GatewayID `json:"gateway"`
	State   string          `json:"state"`
	Boot    agent.BootID    `json:"boot"`
	Conn    uint64          `json:"conn"` // rises with each connection of the boot
	T       *int64          `json:"t"`    // UTC milliseconds; null while the clock is unset. A will's is that of its connection
	Epoch   agent.Epoch     `json:"epoch"`
	Last    agent.Seq       `json:"last"`    // last committed record of the epoch
	Waiting int64           `json:"waiting"` // records this upstream has not taken
	EveryS  int64           `json:"every_s"` // seconds until the next status at the latest
}

// NewStatus fills in what an upstream knows: state, connection number and the distance to the
// next status.
func NewStatus(g Gateway, s upstream.Status, state string, boot agent.BootID, conn uint64, everySeconds int64) Status {
	st := Status{
		Site: g.Site, Gateway: g.Gateway, State: state, Boot: boot, Conn: conn,
		Epoch: s.Last.Epoch, Last: s.Last.Seq, Waiting: s.Waiting, EveryS: everySeconds,
	}
	if !s.Now.Wall.IsZero() {
		ms := millis(s.Now.Wall)
		st.T = &ms
	}
	return st
}

// Append appends the message.
func (s Status) Append(dst []byte) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic("wire: a status always marshals: " + err.Error())
	}
	return append(dst, text...)
}

// ParseStatus reads a status message.
func ParseStatus(data []byte) (Status, error) {
	var s Status
	if err := unmarshal(data, &s); err != nil {
		return Status{}, fmt.Errorf("wire: parse status: %w", err)
	}
	if err := (Gateway{s.Site, s.Gateway}).check(); err != nil {
		return Status{}, fmt.Errorf("wire: parse status: %w", err)
	}
	if s.State != Online && s.State != Offline {
		return Status{}, fmt.Errorf("wire: parse status: %w", syntax("state %q", s.State))
	}
	return s, nil
}

// info is the retained info message.
type info struct {
	Site    agent.SiteID    `json:"site"`
	Gateway agent.GatewayID `json:"gateway"`
	upstream.Info
}

// AppendInfo appends the retained info message.
func AppendInfo(dst []byte, g Gateway, i upstream.Info) ([]byte, error) {
	text, err := json.Marshal(info{g.Site, g.Gateway, i})
	if err != nil {
		return dst, fmt.Errorf("wire: info: %w", err)
	}
	return append(dst, text...), nil
}

// ParseInfo reads what AppendInfo writes.
func ParseInfo(data []byte) (Gateway, upstream.Info, error) {
	var i info
	if err := unmarshal(data, &i); err != nil {
		return Gateway{}, upstream.Info{}, fmt.Errorf("wire: parse info: %w", err)
	}
	g := Gateway{i.Site, i.Gateway}
	if err := g.check(); err != nil {
		return Gateway{}, upstream.Info{}, fmt.Errorf("wire: parse info: %w", err)
	}
	return g, i.Info, nil
}
