package wire

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// timeMillis is a time that crosses the wire in UTC milliseconds.
type timeMillis time.Time

// UnmarshalJSON reads the milliseconds.
func (t *timeMillis) UnmarshalJSON(b []byte) error {
	var ms int64
	if string(b) == "null" {
		return nil
	}
	if err := json.Unmarshal(b, &ms); err != nil {
		return err
	}
	if ms > maxMillis || ms < -maxMillis {
		return syntax("time %d", ms)
	}
	*t = timeMillis(ofMillis(ms))
	return nil
}

// hexBytes crosses the wire in hexadecimal.
type hexBytes []byte

// UnmarshalText reads the digits.
func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// or is the bytes as a text, or s if there are none.
func (h hexBytes) or(s string) string {
	if h == nil {
		return s
	}
	return string(h)
}

// decodeEvent reads the content of e.Kind out of the flat record.
func decodeEvent(raw []byte, e *agent.Event) error {
	switch e.Kind {
	case agent.EventAlarm:
		return decodeAlarm(raw, e)
	case agent.EventStock:
		return decodeMovement(raw, e)
	case agent.EventGap:
		return decodeGap(raw, e)
	case agent.EventDefinition:
		e.Definition = new(agent.Definition)
		return unmarshal(raw, e.Definition)
	case agent.EventClock:
		e.Clock = new(agent.ClockEvent)
		return unmarshal(raw, e.Clock)
	case agent.EventEpoch:
		e.Epoch = new(agent.EpochEvent)
		return unmarshal(raw, e.Epoch)
	case agent.EventChange:
		e.Change = new(agent.StateChange)
		return unmarshal(raw, e.Change)
	case agent.EventAct:
		e.Act = new(agent.Act)
		return unmarshal(raw, e.Act)
	case agent.EventTrip:
		return decodeTrip(raw, e)
	case agent.EventExcursion:
		return decodeExcursion(raw, e)
	}
	return decodeOther(raw, e)
}

// decodeOther keeps everything that is not the frame of a record, in alphabetical order.
func decodeOther(raw []byte, e *agent.Event) error {
	var members map[string]json.RawMessage
	if err := unmarshal(raw, &members); err != nil {
		return err
	}
	for key := range members {
		switch strings.ToLower(key) { // as encoding/json matches keys
		case "site", "gateway", "epoch", "seq", "t", "event", "clock", "boot", "mono", "after", "before":
			delete(members, key)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return syntax("event %q: %w", e.Kind, err)
	}
	e.Other = text
	return nil
}

func decodeAlarm(raw []byte, e *agent.Event) error {
	var p struct {
		agent.AlarmEvent
		Began timeMillis `json:"began"` // shadows the embedded one
	}
	if err := unmarshal(raw, &p); err != nil {
		return err
	}
	if p.ID == "" || p.Alarm == "" || p.Transition == "" || p.State == "" {
		return syntax("alarm without id, alarm, transition or state")
	}
	p.AlarmEvent.Began = time.Time(p.Began)
	e.Alarm = &p.AlarmEvent
	return nil
}

func decodeMovement(raw []byte, e *agent.Event) error {
	var p struct {
		agent.Movement
		CodeHex hexBytes `json:"code_hex"`
	}
	if err := unmarshal(raw, &p); err != nil {
		return err
	}
	if p.Item == "" || p.Direction == "" {
		return syntax("stock without item or direction")
	}
	p.Code = p.CodeHex.or(p.Code)
	e.Stock = &p.Movement
	return nil
}

func decodeGap(raw []byte, e *agent.Event) error {
	var p struct {
		agent.Gap
		From timeMillis `json:"from"`
		To   timeMillis `json:"to"`
	}
	if err := unmarshal(raw, &p); err != nil {
		return err
	}
	if p.Reason == "" {
		return syntax("gap without reason")
	}
	p.Gap.From, p.Gap.To = time.Time(p.From), time.Time(p.To)
	e.Gap = &p.Gap
	return nil
}
