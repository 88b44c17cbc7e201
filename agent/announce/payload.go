package announce

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/frostline/frostline/agent"
)

// Payload is a transition for a machine: the alarm event as it crosses the wire, with where it
// happened and who says so.
type Payload struct {
	Site     agent.SiteID    `json:"site"`
	Gateway  agent.GatewayID `json:"gateway"`
	T        *int64          `json:"t"`     // UTC milliseconds; null while the gateway's clock is unset
	Event    agent.EventKind `json:"event"` // alarm
	ZoneName string          `json:"zone_name,omitempty"`
	Text     string          `json:"text,omitempty"` // the message as the output speaks, where that is not English with °C
	agent.AlarmEvent
}

// FloodPayload is the summary of a flood for a machine.
type FloodPayload struct {
	Site    agent.SiteID           `json:"site"`
	Gateway agent.GatewayID        `json:"gateway"`
	T       *int64                 `json:"t"`     // as of Payload, of the last transition
	Event   string                 `json:"event"` // alarm-flood
	Since   *int64                 `json:"since"` // of the first; null where it is not known
	Raised  map[agent.Severity]int `json:"raised"`
	Other   int                    `json:"other"` // transitions that raised nothing
	Zones   map[string]int         `json:"zones"` // of those raised
	Message string                 `json:"message"`
	Text    string                 `json:"text,omitempty"` // as of Payload
}

// JSON is the notice for a machine: a Payload or a FloodPayload. The notice has an event or a
// summary. v is how the output speaks.
func (n Notice) JSON(v agent.Voice) ([]byte, error) {
	text := ""
	if v.Key() != (agent.Voice{}).Key() {
		text = n.Text(v)
	}
	if s := n.Summary; s != nil {
		return Marshal(FloodPayload{
			Site: n.Site, Gateway: n.Gateway, T: millis(n.At.Wall), Event: "alarm-flood", Since: millis(s.Since),
			Raised: s.Raised, Other: s.Other, Zones: s.Zones, Message: n.Text(agent.Voice{}), Text: text,
		})
	}
	return Marshal(Payload{
		Site: n.Site, Gateway: n.Gateway, T: millis(n.At.Wall), Event: agent.EventAlarm, ZoneName: n.ZoneName, Text: text, AlarmEvent: *n.Event,
	})
}

func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// Marshal writes JSON on one line, without escaping what HTML would need.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
