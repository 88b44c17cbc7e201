package wire

import (
	"maps"
	"slices"

	"github.com/frostline/frostline/agent"
)

// appendEvent appends `"event":kind` and the event's content, flattened. ok is false for
// an event without content.
func appendEvent(dst []byte, e *agent.Event) (out []byte, ok bool) {
	dst = appendStr(dst, "event", string(e.Kind))
	switch {
	case e.Kind == agent.EventAlarm && e.Alarm != nil:
		return appendAlarm(dst, e.Alarm), true
	case e.Kind == agent.EventStock && e.Stock != nil:
		return appendMovement(dst, e.Stock), true
	case e.Kind == agent.EventGap && e.Gap != nil:
		return appendGap(dst, e.Gap), true
	case e.Kind == agent.EventDefinition && e.Definition != nil:
		return appendDefinition(dst, e.Definition), true
	case e.Kind == agent.EventClock && e.Clock != nil:
		return appendClockEvent(dst, e.Clock), true
	case e.Kind == agent.EventEpoch && e.Epoch != nil:
		return appendEpochEvent(dst, e.Epoch), true
	case e.Kind == agent.EventChange && e.Change != nil:
		return appendChange(dst, e.Change), true
	case e.Kind == agent.EventAct && e.Act != nil:
		return appendAct(dst, e.Act), true
	case e.Kind == agent.EventTrip && e.Trip != nil:
		return appendTrip(dst, e.Trip), true
	case e.Kind == agent.EventExcursion && e.Excursion != nil:
		return appendExcursion(dst, e.Excursion), true
	case len(e.Other) > 0 && e.Other[0] == '{' && !knownEvent(e.Kind):
		return appendContent(dst, e.Other), true
	}
	return nil, false
}

func knownEvent(k agent.EventKind) bool {
	switch k {
	case agent.EventAlarm, agent.EventStock, agent.EventGap, agent.EventDefinition,
		agent.EventClock, agent.EventEpoch, agent.EventChange, agent.EventAct, agent.EventTrip, agent.EventExcursion:
		return true
	}
	return false
}

// appendContent appends the members of a JSON object that decodeOther made.
func appendContent(dst, object []byte) []byte {
	members := object[1 : len(object)-1]
	if len(members) == 0 {
		return dst
	}
	return append(append(dst, ','), members...)
}

func appendAlarm(dst []byte, a *agent.AlarmEvent) []byte {
	dst = appendStr(dst, "id", string(a.ID))
	dst = appendStr(dst, "alarm", string(a.Alarm))
	dst = appendStrOpt(dst, "zone", a.Zone)
	dst = appendStrOpt(dst, "point", a.Point)
	dst = appendStr(dst, "transition", string(a.Transition))
	dst = appendStr(dst, "state", string(a.State))
	dst = appendValueOpt(dst, "v", a.Value)
	dst = appendStrOpt(dst, "by", a.By)
	dst = appendStrOpt(dst, "comment", a.Comment)
	if a.UID != nil {
		dst = appendInt(dst, "uid", int64(*a.UID))
	}
	dst = appendStrOpt(dst, "kind", a.Kind)
	dst = appendStrOpt(dst, "severity", a.Severity)
	dst = appendValueOpt(dst, "limit", a.Limit)
	dst = appendTimeOpt(dst, "began", a.Began)
	dst = appendStrOpt(dst, "message", a.Message)
	dst = appendItems(dst, a.Items)
	dst = appendStrOpt(dst, "item", a.Item)
	if a.Late {
		dst = append(dst, `,"late":true`...)
	}
	dst = appendStrOpt(dst, "cause", a.Cause)
	dst = appendStrings(dst, "points", a.Points)
	dst = appendIntOpt(dst, "for_s", a.ForS)
	return appendTexts(dst, a.Texts)
}

func appendItems(dst []byte, items []agent.ItemID) []byte { return appendStrings(dst, "items", items) }

func appendStrings[S ~string](dst []byte, key string, list []S) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '[')
	for i, one := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, string(one))
	}
	return append(dst, ']')
}

// appendTexts appends texts by voice, in the order of the voices' keys.
func appendTexts(dst []byte, texts map[string]string) []byte {
	if len(texts) == 0 {
		return dst
	}
	return appendTextObject(appendKey(dst, "texts"), texts)
}

// appendTextObject appends them as a JSON object; there is at least one.
func appendTextObject(dst []byte, texts map[string]string) []byte {
	sign := byte('{')
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		dst = appendString(append(dst, sign), key)
		dst = appendString(append(dst, ':'), texts[key])
		sign = ','
	}
	return append(dst, '}')
}

func appendMovement(dst []byte, m *agent.Movement) []byte {
	dst = appendStr(dst, "item", string(m.Item))
	dst = appendStrOpt(dst, "zone", m.Zone)
	dst = appendStr(dst, "direction", string(m.Direction))
	dst = appendInt(dst, "quantity", m.Quantity)
	dst = appendInt(dst, "balance", m.Balance)
	dst = appendStrOpt(dst, "reader", m.Reader)
	dst = appendStrOpt(dst, "code", m.Code)
	dst = appendStrOpt(dst, "by", m.By)
	dst = appendStrOpt(dst, "comment", m.Comment)
	return appendCodeHex(dst, m.Code)
}

func appendGap(dst []byte, g *agent.Gap) []byte {
	dst = appendStr(dst, "reason", string(g.Reason))
	if len(g.Ranges) > 0 {
		dst = append(appendKey(dst, "ranges"), '[')
		for i, r := range g.Ranges {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendEpoch(append(dst, `{"epoch":`...), r.Epoch)
			dst = appendUint(dst, "first", uint64(r.First))
			dst = appendUint(dst, "last", uint64(r.Last))
			dst = append(appendStrOpt(dst, "kind", r.Kind), '}')
		}
		dst = append(dst, ']')
	}
	if len(g.Counts) > 0 {
		dst = append(appendKey(dst, "counts"), '[')
		for i, c := range g.Counts {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(append(dst, `{"kind":`...), string(c.Kind))
			dst = append(appendInt(dst, "count", c.Count), '}')
		}
		dst = append(dst, ']')
	}
	dst = appendTimeOpt(dst, "from", g.From)
	dst = appendTimeOpt(dst, "to", g.To)
	dst = appendStrOpt(dst, "source", g.Source)
	return appendStrOpt(dst, "detail", g.Detail)
}

func appendDefinition(dst []byte, d *agent.Definition) []byte {
	dst = appendEpoch(appendKey(dst, "id"), agent.Epoch(d.ID))
	dst = appendStr(dst, "point", string(d.Point))
	dst = appendStr(dst, "quantity", string(d.Quantity))
	dst = appendStrOpt(dst, "zone", d.Zone)
	dst = appendStrOpt(dst, "role", d.Role)
	dst = appendStr(dst, "driver", d.Driver)
	dst = appendStrOpt(dst, "serial", d.Serial)
	dst = appendStrOpt(dst, "certificate", d.Certificate)
	if d.Calibration.Offset != 0 {
		dst = append(appendKey(dst, "calibration"), `{"offset":`...)
		dst = append(d.Calibration.Offset.Append(dst), '}')
	}
	return dst
}

func appendClockEvent(dst []byte, c *agent.ClockEvent) []byte {
	dst = appendStr(dst, "trust", c.Trust.String())
	dst = appendStr(dst, "was", c.Was.String())
	dst = appendInt(dst, "old_offset", c.OldOffset)
	dst = appendInt(dst, "new_offset", c.NewOffset)
	return appendStrOpt(dst, "by", c.By)
}

func appendEpochEvent(dst []byte, e *agent.EpochEvent) []byte {
	dst = appendEpoch(appendKey(dst, "previous"), e.Previous)
	dst = appendUint(dst, "last_seq", uint64(e.LastSeq))
	return appendStr(dst, "reason", e.Reason)
}

func appendChange(dst []byte, c *agent.StateChange) []byte {
	dst = appendStr(dst, "subject", c.Subject)
	dst = appendStr(dst, "state", c.State)
	return appendStrOpt(dst, "detail", c.Detail)
}

func appendAct(dst []byte, a *agent.Act) []byte {
	dst = appendStr(dst, "verb", a.Verb)
	dst = appendStrOpt(dst, "subject", a.Subject)
	dst = appendStr(dst, "by", a.By)
	dst = appendInt(dst, "uid", int64(a.UID))
	return appendStrOpt(dst, "comment", a.Comment)
}
