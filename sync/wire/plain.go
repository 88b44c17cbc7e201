package wire

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// AppendBatch appends the batch in the plain encoding. An empty batch has "records":[]
// and 0 for first and last. The error is a *RecordError, or ErrTooMany; dst is then
// returned as it was given.
func AppendBatch(dst []byte, g Gateway, b upstream.Batch, defs upstream.Definitions) ([]byte, error) {
	out, err := appendBatch(dst, g, b, defs)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendBatch(dst []byte, g Gateway, b upstream.Batch, defs upstream.Definitions) ([]byte, error) {
	if len(b.Records) > MaxRecords {
		return nil, ErrTooMany
	}
	points, err := tabulate(b.Records, defs)
	if err != nil {
		return nil, err
	}
	points.spell()
	first, last := ends(b.Records)
	dst = append(dst, `{"site":`...)
	dst = appendString(dst, string(g.Site))
	dst = appendStr(dst, "gateway", string(g.Gateway))
	dst = appendEpoch(appendKey(dst, "epoch"), b.Epoch)
	dst = appendUint(dst, "first", uint64(first))
	dst = appendUint(dst, "last", uint64(last))
	dst = appendUint(dst, "prev", uint64(b.Prev))
	if b.Hist {
		dst = append(dst, `,"hist":true`...)
	}
	dst = points.appendJSON(dst)
	dst = append(dst, `,"records":[`...)
	for i := range b.Records {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendInBatch(dst, &b.Records[i], points); err != nil {
			return nil, err
		}
	}
	return append(dst, "]}"...), nil
}

func ends(records []agent.Record) (first, last agent.Seq) {
	if len(records) == 0 {
		return 0, 0
	}
	return records[0].Position.Seq, records[len(records)-1].Position.Seq
}

// pointTable lists the definitions that a batch of readings uses, in the order of their
// first use. The first definition of a point stands in the batch's "points"; a reading
// under a later one of the same point carries its own def, quantity and role.
type pointTable struct {
	index map[agent.DefID]int
	rows  []pointRow
}

type pointRow struct {
	def      agent.Definition
	fragment []byte // `,"point":…,"zone":…`
	own      []byte // `,"def":…,"quantity":…,"role":…` of a later definition of its point
}

func tabulate(records []agent.Record, defs upstream.Definitions) (*pointTable, error) {
	t := &pointTable{index: map[agent.DefID]int{}}
	for i := range records {
		r := &records[i]
		if r.Type != agent.TypeReading {
			continue
		}
		if _, ok := t.index[r.Reading.Def]; ok {
			continue
		}
		d, ok := defs.Definition(r.Reading.Def)
		if !ok {
			return nil, &RecordError{r.Position, ErrDefinition}
		}
		d.ID = r.Reading.Def
		t.index[d.ID] = len(t.rows)
		t.rows = append(t.rows, pointRow{def: d})
	}
	return t, nil
}

// spell writes the rows' JSON, all of it into one buffer.
func (t *pointTable) spell() {
	const usual = 96 // bytes of a row
	text := make([]byte, 0, usual*len(t.rows))
	seen := make(map[agent.PointID]bool, len(t.rows))
	for i := range t.rows {
		row := &t.rows[i]
		begin := len(text)
		text = appendStr(text, "point", string(row.def.Point))
		text = appendStrOpt(text, "zone", row.def.Zone)
		row.fragment = text[begin:]
		if seen[row.def.Point] {
			begin = len(text)
			text = appendKey(text, "def")
			text = appendFacts(text, &row.def)
			row.own = text[begin:]
		}
		seen[row.def.Point] = true
	}
}

// appendFacts appends the def's value and the keys that follow it.
func appendFacts(dst []byte, d *agent.Definition) []byte {
	dst = appendEpoch(dst, agent.Epoch(d.ID))
	dst = appendStr(dst, "quantity", string(d.Quantity))
	return appendStrOpt(dst, "role", d.Role)
}

func (t *pointTable) appendJSON(dst []byte) []byte {
	if len(t.rows) == 0 {
		return dst
	}
	dst = append(dst, `,"points":{`...)
	comma := false
	for i := range t.rows {
		row := &t.rows[i]
		if row.own != nil {
			continue
		}
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = appendString(dst, string(row.def.Point))
		dst = append(dst, `:{"def":`...)
		dst = append(appendFacts(dst, &row.def), '}')
	}
	return append(dst, '}')
}

// AppendRecord appends one record that speaks for itself, as a JSON object without a line
// end: a record of a batch preceded by site, gateway and epoch, and with def, quantity
// and role on every reading. Reading it back: ParseRecord.
func AppendRecord(dst []byte, g Gateway, r *agent.Record, defs upstream.Definitions) ([]byte, error) {
	out := append(dst, `{"site":`...)
	out = appendString(out, string(g.Site))
	out = appendStr(out, "gateway", string(g.Gateway))
	out = appendEpoch(appendKey(out, "epoch"), r.Position.Epoch)
	out = append(out, ',')
	var d agent.Definition
	if r.Type == agent.TypeReading {
		var ok bool
		if d, ok = defs.Definition(r.Reading.Def); !ok {
			return dst, &RecordError{r.Position, ErrDefinition}
		}
		d.ID = r.Reading.Def
	}
	out, err := appendSeqAndTime(out, r)
	if err != nil {
		return dst, err
	}
	if r.Type == agent.TypeReading {
		out = appendStr(out, "point", string(d.Point))
		out = appendStrOpt(out, "zone", d.Zone)
		out = appendReading(out, &r.Reading)
		out = appendFacts(appendKey(out, "def"), &d)
		return append(appendClock(out, r), '}'), nil
	}
	if out, err = appendOther(out, r); err != nil {
		return dst, err
	}
	return append(appendClock(out, r), '}'), nil
}

func appendInBatch(dst []byte, r *agent.Record, points *pointTable) ([]byte, error) {
	dst, err := appendSeqAndTime(append(dst, '{'), r)
	if err != nil {
		return nil, err
	}
	if r.Type != agent.TypeReading {
		if dst, err = appendOther(dst, r); err != nil {
			return nil, err
		}
		return append(appendClock(dst, r), '}'), nil
	}
	row := &points.rows[points.index[r.Reading.Def]]
	dst = append(dst, row.fragment...)
	dst = appendReading(dst, &r.Reading)
	dst = append(dst, row.own...)
	return append(appendClock(dst, r), '}'), nil
}

// appendSeqAndTime begins a record, without its brace.
func appendSeqAndTime(dst []byte, r *agent.Record) ([]byte, error) {
	if r.Waiting() {
		return nil, &RecordError{r.Position, ErrWaiting}
	}
	dst = append(dst, `"seq":`...)
	dst = strconv.AppendUint(dst, uint64(r.Position.Seq), 10)
	if r.Undated != nil {
		return append(dst, `,"t":null`...), nil
	}
	return appendInt(dst, "t", millis(r.At().Wall)), nil
}

func appendReading(dst []byte, r *agent.Reading) []byte {
	if !r.OK() {
		dst = appendStr(dst, "fault", r.Fault.String())
		return appendMarks(dst, r.Marks)
	}
	dst = r.Value.Append(append(dst, `,"v":`...))
	if r.Raw != r.Value {
		dst = r.Raw.Append(append(dst, `,"raw":`...))
	}
	return appendMarks(dst, r.Marks)
}

func appendMarks(dst []byte, m agent.Marks) []byte {
	if m == 0 {
		return dst
	}
	dst = append(dst, `,"marks":[`...)
	for i, w := range m.Words() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, w)
	}
	return append(dst, ']')
}

// appendClock ends a record: how far its time can be believed, or what bounds it.
func appendClock(dst []byte, r *agent.Record) []byte {
	at := r.At()
	if r.Undated == nil {
		if at.Trust == agent.ClockHeld {
			dst = append(dst, `,"clock":"held"`...)
		}
		return dst
	}
	dst = appendStr(dst, "boot", at.Boot.String())
	dst = appendInt(dst, "mono", at.Mono.Milliseconds())
	dst = appendTimeOpt(dst, "after", r.Undated.After)
	return appendTimeOpt(dst, "before", r.Undated.Before)
}

func appendOther(dst []byte, r *agent.Record) ([]byte, error) {
	switch {
	case r.Type == agent.TypeScan && r.Scan != nil:
		return appendScan(dst, r.Scan), nil
	case r.Type == agent.TypeEvent && r.Event != nil:
		if out, ok := appendEvent(dst, r.Event); ok {
			return out, nil
		}
	}
	return nil, &RecordError{r.Position, ErrEvent}
}

func appendScan(dst []byte, s *agent.Scan) []byte {
	dst = appendStr(dst, "reader", string(s.Reader))
	dst = appendStr(dst, "code", s.Code)
	dst = appendStr(dst, "symbology", string(s.Symbology))
	dst = appendIntOpt(dst, "antenna", int64(s.Antenna))
	dst = appendIntOpt(dst, "rssi", int64(s.RSSI))
	dst = appendStrOpt(dst, "zone", s.Zone)
	dst = appendTimeOpt(dst, "source_at", s.SourceAt)
	return appendCodeHex(dst, s.Code)
}

// appendCodeHex keeps a code exact that is no UTF-8.
func appendCodeHex(dst []byte, code string) []byte {
	if utf8.ValidString(code) {
		return dst
	}
	return appendStr(dst, "code_hex", hex.EncodeToString([]byte(code)))
}

// SizeHint is about how many bytes the record takes in the plain encoding, within a
// fifth for readings; it is what batches are cut by.
func SizeHint(r *agent.Record) int {
	switch r.Type {
	case agent.TypeReading:
		return 100
	case agent.TypeScan:
		return 120 + len(r.Scan.Code)
	}
	e := r.Event
	switch {
	case e.Alarm != nil:
		size := 400 + len(e.Alarm.Message) + len(e.Alarm.Comment) + 40*(len(e.Alarm.Items)+len(e.Alarm.Points))
		for _, text := range e.Alarm.Texts {
			size += 20 + len(text)
		}
		return size
	case e.Gap != nil:
		return 200 + len(e.Gap.Detail) + 80*len(e.Gap.Ranges) + 40*len(e.Gap.Counts)
	case e.Act != nil:
		return 200 + len(e.Act.Comment)
	case e.Trip != nil:
		return 300 + len(e.Trip.Message) + len(e.Trip.Comment) + 100*(len(e.Trip.Stops)+len(e.Trip.Compartments))
	case e.Excursion != nil:
		x := e.Excursion
		return 400 + len(x.Message) + len(x.Comment) + len(x.Evaluation) + 40*len(x.Items) + 150*len(x.Outside)
	}
	return 400 + len(e.Other)
}
