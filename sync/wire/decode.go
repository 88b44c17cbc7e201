package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// ParseBatch reads a batch in either encoding; the first byte tells which. It is strict
// where a mistake would lose or double a record (ids, epoch, positions, a reading with
// neither value nor fault) and ignores keys it does not know.
func ParseBatch(data []byte) (Batch, error) {
	var b Batch
	var err error
	if len(data) > 0 && data[0] == compactVersion {
		b, err = parseCompact(data)
	} else {
		b, err = parsePlain(data)
	}
	if err != nil {
		return Batch{}, fmt.Errorf("wire: parse batch: %w", err)
	}
	return b, nil
}

// ParseRecord reads one line of AppendRecord: a batch of that one record.
func ParseRecord(line []byte) (Batch, error) {
	var from struct { // an alarm has points of its own, so a whole plainHead cannot be read here
		Site    agent.SiteID    `json:"site"`
		Gateway agent.GatewayID `json:"gateway"`
		Epoch   *agent.Epoch    `json:"epoch"`
	}
	if err := unmarshal(line, &from); err != nil {
		return Batch{}, fmt.Errorf("wire: parse record: %w", err)
	}
	head := plainHead{Site: from.Site, Gateway: from.Gateway, Epoch: from.Epoch, Records: []json.RawMessage{line}}
	b, err := head.batch()
	if err != nil {
		return Batch{}, fmt.Errorf("wire: parse record: %w", err)
	}
	b.First = b.Records[0].Position.Seq
	b.Last, b.Prev = b.First, b.First-1
	return b, nil
}

type plainHead struct {
	Site    agent.SiteID               `json:"site"`
	Gateway agent.GatewayID            `json:"gateway"`
	Epoch   *agent.Epoch               `json:"epoch"`
	First   agent.Seq                  `json:"first"`
	Last    agent.Seq                  `json:"last"`
	Prev    agent.Seq                  `json:"prev"`
	Hist    bool                       `json:"hist"`
	Points  map[agent.PointID]plainDef `json:"points"`
	Records []json.RawMessage          `json:"records"`
}

// plainDef is what a batch or a record tells of a definition, beside point and zone.
type plainDef struct {
	Def      agent.DefID    `json:"def"`
	Quantity agent.Quantity `json:"quantity"`
	Role     agent.Role     `json:"role"`
}

func unmarshal(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return nil
}

func syntax(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrSyntax, fmt.Errorf(format, args...))
}

func parsePlain(data []byte) (Batch, error) {
	var head plainHead
	if err := unmarshal(data, &head); err != nil {
		return Batch{}, err
	}
	b, err := head.batch()
	if err != nil {
		return Batch{}, err
	}
	return b, b.checkRange()
}

func (h *plainHead) batch() (Batch, error) {
	b := Batch{From: Gateway{h.Site, h.Gateway}, First: h.First, Last: h.Last, Prev: h.Prev, Hist: h.Hist}
	if err := b.From.check(); err != nil {
		return b, err
	}
	if h.Epoch == nil {
		return b, syntax("no epoch")
	}
	b.Epoch = *h.Epoch
	if h.Records == nil {
		return b, syntax("no records")
	}
	if len(h.Records) > MaxRecords {
		return b, ErrTooMany
	}
	d := decoder{epoch: b.Epoch, points: h.Points, defs: map[agent.DefID]agent.Definition{}, quick: map[string]quickPoint{}}
	b.Records = make([]agent.Record, len(h.Records))
	for i, raw := range h.Records {
		if err := d.record(raw, &b.Records[i]); err != nil {
			return b, fmt.Errorf("record %d: %w", i, err)
		}
	}
	b.defs = d.defs
	return b, nil
}

func (g Gateway) check() error {
	if err := agent.CheckID(string(g.Site)); err != nil {
		return syntax("site: %w", err)
	}
	if err := agent.CheckID(string(g.Gateway)); err != nil {
		return syntax("gateway: %w", err)
	}
	return nil
}

// checkRange holds first, last, prev and the positions of the records against each other.
func (b *Batch) checkRange() error {
	if len(b.Records) == 0 {
		if b.First != 0 || b.Last != 0 {
			return syntax("empty batch from %d to %d", b.First, b.Last)
		}
		return nil
	}
	if b.Epoch == 0 {
		return syntax("records of epoch zero")
	}
	before := b.Prev
	for i := range b.Records {
		seq := b.Records[i].Position.Seq
		if seq <= before {
			return syntax("seq %d after %d", seq, before)
		}
		before = seq
	}
	if first, last := ends(b.Records); first != b.First || last != b.Last {
		return syntax("records from %d to %d in a batch from %d to %d", first, last, b.First, b.Last)
	}
	return nil
}

type decoder struct {
	epoch  agent.Epoch
	points map[agent.PointID]plainDef
	defs   map[agent.DefID]agent.Definition
	quick  map[string]quickPoint // points of readings met before, without a definition of their own
}

// plainRecord has every key of readings and scans, and those that all records share.
type plainRecord struct {
	Seq       agent.Seq       `json:"seq"`
	T         *int64          `json:"t"`
	Event     agent.EventKind `json:"event"`
	Point     agent.PointID   `json:"point"`
	Zone      agent.ZoneID    `json:"zone"`
	V         *agent.Value    `json:"v"`
	Raw       *agent.Value    `json:"raw"`
	Fault     string          `json:"fault"`
	Marks     []string        `json:"marks"`
	Clock     string          `json:"clock"`
	Def       *agent.DefID    `json:"def"`
	Quantity  json.RawMessage `json:"quantity"` // a word on readings, a number on stock
	Role      agent.Role      `json:"role"`
	Boot      *agent.BootID   `json:"boot"`
	Mono      int64           `json:"mono"`
	After     *int64          `json:"after"`
	Before    *int64          `json:"before"`
	Reader    agent.ReaderID  `json:"reader"`
	Code      *string         `json:"code"`
	CodeHex   hexBytes        `json:"code_hex"`
	Symbology agent.Symbology `json:"symbology"`
	Antenna   int             `json:"antenna"`
	RSSI      int             `json:"rssi"`
	SourceAt  *int64          `json:"source_at"`
}

func (d *decoder) record(raw []byte, r *agent.Record) error {
	if d.quickReading(raw, r) {
		return nil
	}
	p, err := frame(raw)
	if err != nil {
		return err
	}
	if p.Seq == 0 {
		return syntax("no seq")
	}
	r.Position = agent.Position{Epoch: d.epoch, Seq: p.Seq}
	at, err := p.instant(r)
	if err != nil {
		return err
	}
	switch {
	case p.Event != "":
		r.Type = agent.TypeEvent
		r.Event = &agent.Event{At: at, Kind: p.Event}
		return decodeEvent(raw, r.Event)
	case p.Point != "":
		r.Type = agent.TypeReading
		r.Reading.At = at
		return d.reading(p, &r.Reading)
	case p.Reader != "":
		if p.Code == nil {
			return syntax("scan without code")
		}
		if err := checkIDs(string(p.Reader), string(p.Zone)); err != nil {
			return err
		}
		r.Type = agent.TypeScan
		r.Scan = &agent.Scan{
			Reader: p.Reader, Zone: p.Zone, At: at, SourceAt: optionalTime(p.SourceAt), Code: p.CodeHex.or(*p.Code),
			Symbology: p.Symbology, Antenna: p.Antenna, RSSI: p.RSSI,
		}
		return nil
	}
	return syntax("neither reading nor scan nor event")
}

// frame reads a record. In an event of an unknown kind a key may hold anything; there only
// the keys that all records share are read.
func frame(raw []byte) (*plainRecord, error) {
	p := new(plainRecord)
	err := unmarshal(raw, p)
	if err == nil {
		return p, nil
	}
	var f struct {
		Seq    agent.Seq       `json:"seq"`
		T      *int64          `json:"t"`
		Event  agent.EventKind `json:"event"`
		Clock  string          `json:"clock"`
		Boot   *agent.BootID   `json:"boot"`
		Mono   int64           `json:"mono"`
		After  *int64          `json:"after"`
		Before *int64          `json:"before"`
	}
	if unmarshal(raw, &f) != nil || f.Event == "" || knownEvent(f.Event) {
		return nil, err
	}
	return &plainRecord{
		Seq: f.Seq, T: f.T, Event: f.Event, Clock: f.Clock, Boot: f.Boot, Mono: f.Mono, After: f.After, Before: f.Before,
	}, nil
}

// checkIDs holds what will stand in tags and file names to the narrow alphabet of ids;
// empty ones are absent.
func checkIDs(ids ...string) error {
	for _, id := range ids {
		if id == "" {
			continue
		}
		if err := agent.CheckID(id); err != nil {
			return syntax("%w", err)
		}
	}
	return nil
}

// define adds what a reading tells of its definition.
func (d *decoder) define(def agent.Definition) error {
	if have, ok := d.defs[def.ID]; ok {
		if have != def {
			return syntax("definition %s with two contents", def.ID)
		}
		return nil
	}
	sensor, name, _ := strings.Cut(string(def.Point), "/")
	if def.ID == 0 || def.Quantity == "" || sensor == "" || name == "" {
		return syntax("point %q without definition", def.Point)
	}
	if err := checkIDs(sensor, name, string(def.Zone), string(def.Quantity), string(def.Role)); err != nil {
		return err
	}
	d.defs[def.ID] = def
	return nil
}

// maxMillis keeps times inside what time.Time and nanoseconds in 64 bits can say: 1 November 2243.
const maxMillis = int64(1) << 43

func (p *plainRecord) instant(r *agent.Record) (agent.Instant, error) {
	for _, ms := range []*int64{p.T, p.After, p.Before, p.SourceAt, &p.Mono} {
		if ms != nil && (*ms > maxMillis || *ms < -maxMillis) {
			return agent.Instant{}, syntax("time %d", *ms)
		}
	}
	if p.T != nil {
		at := agent.Instant{Wall: ofMillis(*p.T), Trust: agent.ClockSynced}
		if p.Clock == agent.ClockHeld.String() {
			at.Trust = agent.ClockHeld
		}
		return at, nil
	}
	if p.Boot == nil {
		return agent.Instant{}, syntax("neither t nor boot")
	}
	r.Undated = &agent.Undated{After: optionalTime(p.After), Before: optionalTime(p.Before)}
	return agent.Instant{Mono: time.Duration(p.Mono) * time.Millisecond, Boot: *p.Boot}, nil
}

func optionalTime(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return ofMillis(*ms)
}

func (d *decoder) reading(p *plainRecord, r *agent.Reading) error {
	facts := d.points[p.Point]
	if p.Def != nil {
		facts = plainDef{Def: *p.Def, Role: p.Role}
		if err := unmarshal(p.Quantity, &facts.Quantity); err != nil {
			return err
		}
	}
	r.Def = facts.Def
	err := d.define(agent.Definition{ID: facts.Def, Point: p.Point, Zone: p.Zone, Quantity: facts.Quantity, Role: facts.Role})
	if err != nil {
		return err
	}
	if p.Def == nil && d.quick != nil {
		d.quick[string(p.Point)] = quickPoint{facts.Def, p.Zone}
	}
	for _, word := range p.Marks {
		m, err := agent.ParseMark(word)
		if err != nil {
			m = UnknownMark
		}
		r.Marks |= m
	}
	switch {
	case p.Fault != "" && p.V == nil:
		f, err := agent.ParseFault(p.Fault)
		if err != nil || f == agent.FaultNone {
			f = UnknownFault // never a value
		}
		r.Fault = f
	case p.Fault == "" && p.V != nil:
		r.Value, r.Raw = *p.V, *p.V
		if p.Raw != nil {
			r.Raw = *p.Raw
		}
	default:
		return syntax("point %q needs either v or fault", p.Point)
	}
	return nil
}
