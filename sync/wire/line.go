package wire

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// Measurements beside the one per quantity.
const (
	MeasurementFaults  = "faults"
	MeasurementScans   = "scans"
	MeasurementAlarms  = "alarms"
	MeasurementStock   = "stock"
	MeasurementEvents  = "events"
	MeasurementUndated = "undated"
)

// LineTime is a record's timestamp in InfluxDB, in nanoseconds: its milliseconds times
// 10⁶ plus its seq modulo 10⁶, so that two records never share a point of a series and a
// replay overwrites itself.
func LineTime(ms int64, seq agent.Seq) int64 {
	return ms*1_000_000 + int64(seq%1_000_000)
}

// AppendLine appends the record in InfluxDB line protocol, with its line end. The error is
// a *RecordError; dst is then returned as it was given.
func AppendLine(dst []byte, g Gateway, r *agent.Record, defs upstream.Definitions) ([]byte, error) {
	if r.Waiting() {
		return dst, &RecordError{r.Position, ErrWaiting}
	}
	l := line{dst: dst}
	var err error
	switch {
	case r.Undated != nil:
		err = l.undated(g, r, defs)
	case r.Type == agent.TypeReading:
		err = l.reading(g, &r.Reading, defs)
	case r.Type == agent.TypeScan && r.Scan != nil:
		l.scan(g, r.Scan)
	case r.Type == agent.TypeEvent && r.Event != nil:
		err = l.event(g, r.Event)
	default:
		err = ErrEvent
	}
	if err != nil {
		return dst, &RecordError{r.Position, err}
	}
	at := r.At()
	l.integer("seq", int64(r.Position.Seq))
	l.key("epoch")
	l.dst = appendEpoch(l.dst, r.Position.Epoch)
	if r.Undated == nil && at.Trust == agent.ClockHeld {
		l.text("clock", at.Trust.String())
	}
	l.dst = strconv.AppendInt(append(l.dst, ' '), LineTime(lineMillis(r), r.Position.Seq), 10)
	return append(l.dst, '\n'), nil
}

// lineMillis is the record's time, or the best bound of an undated one: after, else
// before, else 1970.
func lineMillis(r *agent.Record) int64 {
	if r.Undated == nil {
		return millis(r.At().Wall)
	}
	if ms, ok := boundMillis(r.Undated.After); ok {
		return ms
	}
	if ms, ok := boundMillis(r.Undated.Before); ok {
		return ms
	}
	return 0
}

// line builds one line: measurement, tags (in alphabetical order), fields.
type line struct {
	dst    []byte
	fields int
}

func (l *line) measurement(name string) { l.dst = append(l.dst, name...) }

// tag appends a tag; an empty one is left out.
func (l *line) tag(key, value string) {
	value = strings.TrimRight(value, `\`) // cannot be written; ids have none
	if value == "" {
		return
	}
	l.dst = append(l.dst, ',')
	l.dst = append(l.dst, key...)
	l.dst = append(l.dst, '=')
	for i := 0; i < len(value); i++ {
		switch c := value[i]; c {
		case ',', '=', ' ':
			l.dst = append(l.dst, '\\', c)
		case '\n':
			l.dst = append(l.dst, '\\', 'n')
		default:
			l.dst = append(l.dst, c)
		}
	}
}

func (l *line) key(key string) {
	sep := byte(',')
	if l.fields == 0 {
		sep = ' '
	}
	l.fields++
	l.dst = append(l.dst, sep)
	l.dst = append(l.dst, key...)
	l.dst = append(l.dst, '=')
}

func (l *line) value(key string, v agent.Value) {
	l.key(key)
	l.dst = v.Append(l.dst)
}

func (l *line) integer(key string, n int64) {
	l.key(key)
	l.dst = append(strconv.AppendInt(l.dst, n, 10), 'i')
}

// text appends a string field; an empty one is left out. What is no UTF-8 becomes U+FFFD:
// codes stand beside it in hexadecimal.
func (l *line) text(key, s string) {
	if s == "" {
		return
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	l.key(key)
	l.dst = append(l.dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			l.dst = append(l.dst, '\\')
		}
		l.dst = append(l.dst, s[i])
	}
	l.dst = append(l.dst, '"')
}

func (l *line) code(code string) {
	l.text("code", code)
	if !utf8.ValidString(code) {
		l.text("code_hex", hex.EncodeToString([]byte(code)))
	}
}

func (l *line) reading(g Gateway, r *agent.Reading, defs upstream.Definitions) error {
	d, ok := defs.Definition(r.Def)
	if !ok {
		return ErrDefinition
	}
	if r.OK() {
		l.measurement(string(d.Quantity))
		l.pointTags(g, &d)
		l.value("value", r.Value)
		if r.Raw != r.Value {
			l.value("raw", r.Raw)
		}
	} else {
		l.measurement(MeasurementFaults)
		l.pointTags(g, &d)
		l.text("fault", r.Fault.String())
		l.text("quantity", string(d.Quantity))
	}
	if r.Marks != 0 {
		l.text("marks", strings.Join(r.Marks.Words(), ","))
	}
	return nil
}

func (l *line) pointTags(g Gateway, d *agent.Definition) {
	l.tag("gateway", string(g.Gateway))
	l.tag("point", string(d.Point))
	l.tag("role", string(d.Role))
	l.tag("site", string(g.Site))
	l.tag("zone", string(d.Zone))
}

func (l *line) scan(g Gateway, s *agent.Scan) {
	l.measurement(MeasurementScans)
	l.tag("gateway", string(g.Gateway))
	l.tag("reader", string(s.Reader))
	l.tag("site", string(g.Site))
	l.tag("zone", string(s.Zone))
	l.code(s.Code)
	l.text("symbology", string(s.Symbology))
	if s.Antenna != 0 {
		l.integer("antenna", int64(s.Antenna))
	}
	if s.RSSI != 0 {
		l.integer("rssi", int64(s.RSSI))
	}
	if ms, ok := boundMillis(s.SourceAt); ok {
		l.integer("source_at", ms)
	}
}

func (l *line) event(g Gateway, e *agent.Event) error {
	switch {
	case e.Alarm != nil:
		l.alarm(g, e.Alarm)
		return nil
	case e.Stock != nil:
		l.stock(g, e.Stock)
		return nil
	}
	content, err := eventContent(e)
	if err != nil {
		return err
	}
	l.measurement(MeasurementEvents)
	l.tag("event", string(e.Kind))
	l.tag("gateway", string(g.Gateway))
	l.tag("site", string(g.Site))
	l.text("content", content)
	return nil
}

// eventContent is the event as the JSON object that crosses the wire, without seq and time.
func eventContent(e *agent.Event) (string, error) {
	text, ok := appendEvent(nil, e)
	if !ok {
		return "", ErrEvent
	}
	text[0] = '{'
	return string(append(text, '}')), nil
}

func (l *line) alarm(g Gateway, a *agent.AlarmEvent) {
	l.measurement(MeasurementAlarms)
	l.tag("alarm", string(a.Alarm))
	l.tag("gateway", string(g.Gateway))
	l.tag("item", string(a.Item))
	l.tag("point", string(a.Point))
	l.tag("site", string(g.Site))
	l.tag("zone", string(a.Zone))
	l.text("id", string(a.ID))
	l.text("transition", string(a.Transition))
	l.text("state", string(a.State))
	if a.Value != nil {
		l.value("value", *a.Value)
	}
	if a.Limit != nil {
		l.value("limit", *a.Limit)
	}
	l.text("kind", a.Kind)
	l.text("severity", string(a.Severity))
	if ms, ok := boundMillis(a.Began); ok {
		l.integer("began", ms)
	}
	l.text("message", a.Message)
	l.text("items", commas(a.Items))
	l.text("by", a.By)
	l.text("comment", a.Comment)
	if a.UID != nil {
		l.integer("uid", int64(*a.UID))
	}
	if a.Late {
		l.key("late")
		l.dst = append(l.dst, "true"...)
	}
	l.text("cause", string(a.Cause))
	l.text("points", commas(a.Points))
	if a.ForS != 0 {
		l.integer("for_s", a.ForS)
	}
	if len(a.Texts) > 0 {
		l.text("texts", string(appendTextObject(nil, a.Texts)))
	}
}

// commas joins ids, which have none.
func commas[S ~string](ids []S) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return strings.Join(texts, ",")
}

func (l *line) stock(g Gateway, m *agent.Movement) {
	l.measurement(MeasurementStock)
	l.tag("gateway", string(g.Gateway))
	l.tag("item", string(m.Item))
	l.tag("site", string(g.Site))
	l.tag("zone", string(m.Zone))
	l.text("direction", string(m.Direction))
	l.integer("quantity", m.Quantity)
	l.integer("balance", m.Balance)
	l.text("reader", string(m.Reader))
	l.code(m.Code)
	l.text("by", m.By)
	l.text("comment", m.Comment)
}

// undated writes what the record holds under a measurement of its own, so that no chart
// takes its bound for its time.
func (l *line) undated(g Gateway, r *agent.Record, defs upstream.Definitions) error {
	l.measurement(MeasurementUndated)
	switch {
	case r.Type == agent.TypeReading:
		d, ok := defs.Definition(r.Reading.Def)
		if !ok {
			return ErrDefinition
		}
		l.tag("gateway", string(g.Gateway))
		l.tag("of", string(d.Quantity))
		l.tag("point", string(d.Point))
		l.tag("role", string(d.Role))
		l.tag("site", string(g.Site))
		l.tag("zone", string(d.Zone))
		if r.Reading.OK() {
			l.value("value", r.Reading.Value)
			if r.Reading.Raw != r.Reading.Value {
				l.value("raw", r.Reading.Raw)
			}
		} else {
			l.text("fault", r.Reading.Fault.String())
		}
		if r.Reading.Marks != 0 {
			l.text("marks", strings.Join(r.Reading.Marks.Words(), ","))
		}
	default:
		text, err := appendOther(nil, r)
		if err != nil {
			return fmt.Errorf("undated: %w", ErrEvent)
		}
		text[0] = '{'
		l.tag("gateway", string(g.Gateway))
		l.tag("of", string(r.Kind()))
		l.tag("site", string(g.Site))
		l.text("content", string(append(text, '}')))
	}
	at := r.At()
	l.text("boot", at.Boot.String())
	l.integer("mono", at.Mono.Milliseconds())
	if ms, ok := boundMillis(r.Undated.After); ok {
		l.integer("after", ms)
	}
	if ms, ok := boundMillis(r.Undated.Before); ok {
		l.integer("before", ms)
	}
	return nil
}
