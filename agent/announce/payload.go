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
	Level    int             `json:"level,omitempty"`    // of the escalation
	WaitedS  int64           `json:"waited_s,omitempty"` // of a level: for how long nobody had acknowledged
	Advice   string          `json:"advice,omitempty"`   // of a level: what to do
	Drill    bool            `json:"drill,omitempty"`    // only an exercise
	To       []PayloadPerson `json:"to,omitempty"`       // the persons whom it is for
	Text     string          `json:"text,omitempty"`     // the message as the output speaks, where that is not English with °C
	agent.AlarmEvent
}

// PayloadPerson is a person whom a notice is for.
type PayloadPerson struct {
	ID   string `json:"id"`
	Name string `json:"name"`
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
	p := Payload{
		Site: n.Site, Gateway: n.Gateway, T: millis(n.At.Wall), Event: agent.EventAlarm, ZoneName: n.ZoneName, Text: text, AlarmEvent: *n.Event,
		Level: n.Level, WaitedS: int64(n.Waited / time.Second), Advice: n.Advice, Drill: n.Drill,
	}
	for _, r := range n.To {
		p.To = append(p.To, PayloadPerson{r.ID, r.Name})
	}
	p.Late = p.Late || n.Late
	return Marshal(p)
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
