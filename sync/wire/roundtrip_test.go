package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// drawInstant gives an instant as it comes back from the wire.
func drawInstant(t *rapid.T, r *agent.Record) agent.Instant {
	if rapid.IntRange(0, 9).Draw(t, "dated") == 0 {
		bound := func(name string) time.Time {
			if rapid.Bool().Draw(t, name) {
				return ofMillis(rapid.Int64Range(-maxMillis, maxMillis).Draw(t, name))
			}
			return time.Time{}
		}
		r.Undated = &agent.Undated{After: bound("after"), Before: bound("before")}
		mono := rapid.Int64Range(0, maxMillis).Draw(t, "mono")
		boots := []agent.BootID{{}, {1}, {2, 3}}
		return agent.Instant{Boot: rapid.SampledFrom(boots).Draw(t, "boot"), Mono: time.Duration(mono) * time.Millisecond}
	}
	trust := rapid.SampledFrom([]agent.ClockTrust{agent.ClockHeld, agent.ClockSynced}).Draw(t, "trust")
	return agent.Instant{Wall: ofMillis(rapid.Int64Range(-maxMillis, maxMillis).Draw(t, "t")), Trust: trust}
}

func drawReading(t *rapid.T, r *agent.Record, ids []agent.DefID) {
	value := rapid.OneOf(rapid.Int64Min(math.MinInt64+1), rapid.Map(rapid.Int64Range(-100, 100), func(n int64) int64 { return n * 10_000 }))
	reading := agent.Reading{
		Def: rapid.SampledFrom(ids).Draw(t, "def"), At: drawInstant(t, r),
		Marks: agent.Marks(rapid.SampledFrom([]int{0, 0, 0, 1, 5, 1 << 15, math.MaxUint16}).Draw(t, "marks")),
	}
	if rapid.IntRange(0, 4).Draw(t, "ok") == 0 {
		reading.Fault = agent.Fault(rapid.IntRange(1, 255).Draw(t, "fault"))
	} else {
		reading.Value = agent.Value(value.Draw(t, "v"))
		reading.Raw = reading.Value
		if rapid.Bool().Draw(t, "has raw") {
			reading.Raw = agent.Value(value.Draw(t, "raw"))
		}
	}
	r.Type, r.Reading = agent.TypeReading, reading
}

func drawOther(t *rapid.T, r *agent.Record) {
	at := drawInstant(t, r)
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a\"b\\c", "\x00\x1d\n", "\u2028", "<&>"}))
	code := rapid.OneOf(text, rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	switch rapid.IntRange(0, 5).Draw(t, "other") {
	case 0:
		r.Type = agent.TypeScan
		r.Scan = &agent.Scan{Reader: "dock-a", At: at, Code: code.Draw(t, "code"), Symbology: agent.Symbology(text.Draw(t, "symbology")), RSSI: rapid.Int().Draw(t, "rssi")}
		return
	case 1:
		v := agent.Value(rapid.Int64Min(math.MinInt64+1).Draw(t, "v"))
		r.Event = &agent.Event{Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
			ID: "a:b:1", Alarm: "a", Transition: agent.Raised, State: agent.StateUnack, Value: &v, Message: text.Draw(t, "message"),
			By: text.Draw(t, "by"), Comment: text.Draw(t, "comment"), UID: rapid.Ptr(rapid.Int(), true).Draw(t, "uid"), Late: rapid.Bool().Draw(t, "late"),
			Cause: agent.AlarmEventID(text.Draw(t, "cause")), Points: []agent.PointID{"a/b", "c/d"}, ForS: rapid.Int64().Draw(t, "for"),
			Texts: map[string]string{"zh": text.Draw(t, "zh"), "en-f": text.Draw(t, "en-f")},
		}}
	case 2:
		r.Event = &agent.Event{Kind: agent.EventStock, Stock: &agent.Movement{
			Item: "milk", Direction: agent.DirectionOut, Quantity: rapid.Int64().Draw(t, "quantity"), Code: code.Draw(t, "code"),
		}}
	case 3:
		v := agent.Value(rapid.Int64Min(math.MinInt64+1).Draw(t, "v"))
		stop := agent.TripStop{Name: text.Draw(t, "stop"), Lat: &v, Due: ofMillis(1), AfterS: rapid.Int64().Draw(t, "after")}
		r.Event = &agent.Event{Kind: agent.EventTrip, Trip: &agent.TripEvent{
			ID: "a", N: 1, Transition: agent.TripStarted, Phase: agent.PhaseLoading, Source: text.Draw(t, "source"), Stops: []agent.TripStop{stop, {}},
			Compartments: []agent.TripCompartment{{Zone: "a", Value: &v}}, LateS: rapid.Int64().Draw(t, "late"), Late: rapid.Bool().Draw(t, "told late"),
		}}
	case 4:
		v := agent.Value(rapid.Int64Min(math.MinInt64+1).Draw(t, "v"))
		r.Event = &agent.Event{Kind: agent.EventExcursion, Excursion: &agent.ExcursionEvent{
			ID: "a:b:1", N: 2, Transition: agent.CaseEnded, State: agent.ExcursionReturned, Ended: ofMillis(7), Evaluation: text.Draw(t, "evaluation"),
			Outside: []agent.ExcursionPoint{{Point: "a/b", Worst: &v}, {Dead: true}}, Items: []agent.ItemID{"a"}, UID: rapid.Ptr(rapid.Int(), true).Draw(t, "uid"),
		}}
	default:
		r.Event = &agent.Event{Kind: agent.EventGap, Gap: &agent.Gap{
			Reason: agent.GapMemory, Detail: text.Draw(t, "detail"), From: ofMillis(0),
			Ranges: []agent.Range{{Epoch: 1, First: 2, Last: math.MaxUint64, Kind: agent.KindScans}},
		}}
	}
	r.Type, r.Event.At = agent.TypeEvent, at
}

// Both encodings of any batch decode to the batch itself.
func TestBothEncodingsDecodeToTheSame(t *testing.T) {
	_, defs := goldenBatches()
	var ids []agent.DefID
	for id := range defs {
		ids = append(ids, id)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := upstream.Batch{
			Epoch: agent.Epoch(rapid.Uint64Min(1).Draw(t, "epoch")), Prev: agent.Seq(rapid.Uint64Max(1<<40).Draw(t, "prev")),
			Hist: rapid.Bool().Draw(t, "hist"),
		}
		readings := rapid.Bool().Draw(t, "readings")
		seq := b.Prev
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			seq += 1 + agent.Seq(rapid.Uint64Max(1000).Draw(t, "step"))
			var r agent.Record
			if readings || rapid.Bool().Draw(t, "mixed") {
				drawReading(t, &r, ids)
			} else {
				drawOther(t, &r)
			}
			r.Position = agent.Position{Epoch: b.Epoch, Seq: seq}
			b.Records = append(b.Records, r)
		}
		plain, err := AppendBatch([]byte("before"), testGateway, b, defs)
		if err != nil {
			t.Fatalf("plain: %v", err)
		}
		compact, err := AppendCompact(nil, testGateway, b, defs)
		if err != nil {
			t.Fatalf("compact: %v", err)
		}
		p, err := ParseBatch(bytes.TrimPrefix(plain, []byte("before")))
		if err != nil {
			t.Fatalf("parse plain: %v\n%s", err, plain)
		}
		c, err := ParseBatch(compact)
		if err != nil {
			t.Fatalf("parse compact: %v", err)
		}
		if !reflect.DeepEqual(p, c) {
			t.Fatalf("plain and compact differ:\n%+v\n%+v", p, c)
		}
		withoutQuick(t, bytes.TrimPrefix(plain, []byte("before")), &p)
		if p.From != testGateway || p.Epoch != b.Epoch || p.Prev != b.Prev || p.Hist != b.Hist {
			t.Fatalf("frame %+v", p)
		}
		for i := range b.Records {
			if !reflect.DeepEqual(p.Records[i], b.Records[i]) {
				t.Fatalf("record %d:\n got %+v\nwant %+v", i, p.Records[i], b.Records[i])
			}
			if b.Records[i].Type != agent.TypeReading {
				continue
			}
			got, _ := p.Definition(b.Records[i].Reading.Def)
			want := defs[b.Records[i].Reading.Def]
			if got.Point != want.Point || got.Zone != want.Zone || got.Quantity != want.Quantity || got.Role != want.Role || got.ID != want.ID {
				t.Fatalf("definition %+v, want %+v", got, want)
			}
		}
	})
}

func TestWhatCannotBeEncodedIsNamed(t *testing.T) {
	_, defs := goldenBatches()
	var id agent.DefID
	for id = range defs {
		break
	}
	ok := at(1, agent.OfReading(agent.Reading{Def: id, At: synced(0)}))
	for name, c := range map[string]struct {
		bad  agent.Record
		want error
	}{
		"waiting":            {at(2, agent.OfReading(agent.Reading{Def: id})), ErrWaiting},
		"no definition":      {at(2, agent.OfReading(agent.Reading{Def: 99, At: synced(0)})), ErrDefinition},
		"event of nothing":   {at(2, agent.OfEvent(agent.Event{Kind: agent.EventAlarm, At: synced(0)})), ErrEvent},
		"unknown event kind": {at(2, agent.OfEvent(agent.Event{Kind: "trip", At: synced(0)})), ErrEvent},
	} {
		b := upstream.Batch{Epoch: testEpoch, Records: []agent.Record{ok, c.bad}}
		for how, encode := range map[string]func() ([]byte, error){
			"plain":   func() ([]byte, error) { return AppendBatch([]byte("x"), testGateway, b, defs) },
			"compact": func() ([]byte, error) { return AppendCompact([]byte("x"), testGateway, b, defs) },
			"record":  func() ([]byte, error) { return AppendRecord([]byte("x"), testGateway, &b.Records[1], defs) },
			"line":    func() ([]byte, error) { return AppendLine([]byte("x"), testGateway, &b.Records[1], defs) },
		} {
			out, err := encode()
			var re *RecordError
			if !errors.As(err, &re) || re.Position != c.bad.Position || !errors.Is(err, c.want) {
				t.Errorf("%s, %s: error %v, want %v of %s", name, how, err, c.want, c.bad.Position)
			}
			if string(out) != "x" {
				t.Errorf("%s, %s: appended %q beside the error", name, how, out[1:])
			}
		}
	}
	many := upstream.Batch{Epoch: testEpoch, Records: make([]agent.Record, MaxRecords+1)}
	if _, err := AppendBatch(nil, testGateway, many, defs); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many records: %v", err)
	}
	if _, err := AppendCompact(nil, testGateway, many, defs); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many records, compact: %v", err)
	}
}

// What a newer gateway sends is kept as far as it goes.
func TestANewerGatewayIsUnderstood(t *testing.T) {
	msg := `{"site":"s1","gateway":"gw-01","epoch":"3f9c1d2e4b5a6978","first":1,"last":4,"prev":0,"color":{"a":[1]},
	"points":{"a/b":{"def":"00000000000000aa","quantity":"ph","role":"pool","precision":2}},"records":[
	{"seq":1,"t":1763751600000,"point":"a/b","v":7.1,"marks":["flatline","haunted"],"mood":"blue"},
	{"seq":2,"t":1763751600000,"point":"a/b","fault":"struck-by-lightning"},
	{"seq":3,"t":1763751600000,"point":"a/b","fault":"fault-0"},
	{"seq":4,"t":1763751600000,"event":"voyage","v":{"nested":true},"marks":"x","trip":"t-1","zone":7}]}`
	b, err := ParseBatch([]byte(msg))
	if err != nil {
		t.Fatal(err)
	}
	if m := b.Records[0].Reading.Marks; m != agent.MarkFlatline|UnknownMark {
		t.Errorf("marks %v", m.Words())
	}
	for _, i := range []int{1, 2} {
		if f := b.Records[i].Reading.Fault; f != UnknownFault {
			t.Errorf("fault %v", f)
		}
	}
	if e := b.Records[3].Event; e.Kind != "voyage" || string(e.Other) != `{"marks":"x","trip":"t-1","v":{"nested":true},"zone":7}` {
		t.Errorf("event %s %s", e.Kind, e.Other)
	}
	line, err := AppendRecord(nil, b.From, &b.Records[3], &b)
	if want := `{"site":"s1","gateway":"gw-01","epoch":"3f9c1d2e4b5a6978","seq":4,"t":1763751600000,"event":"voyage","marks":"x","trip":"t-1","v":{"nested":true},"zone":7}`; err != nil || string(line) != want {
		t.Errorf("%v: %s", err, line)
	}
	if again, err := ParseBatch(reencode(t, &b)); err != nil || !reflect.DeepEqual(again, b) {
		t.Errorf("written and read again (%v): %+v\nwant %+v", err, again, b)
	}
}

func TestBadBatchesAreRefused(t *testing.T) {
	frame := func(rest string) string {
		return `{"site":"s1","gateway":"gw-01","epoch":"3f9c1d2e4b5a6978",` + rest + `}`
	}
	points := `"points":{"a/b":{"def":"00000000000000aa","quantity":"temperature"}},`
	for name, msg := range map[string]string{
		"nothing":              ``,
		"not json":             `hello`,
		"an array":             `[]`,
		"no records":           frame(`"first":1,"last":1,"prev":0`),
		"no epoch":             `{"site":"s1","gateway":"gw-01","first":0,"last":0,"prev":0,"records":[]}`,
		"bad epoch":            `{"site":"s1","gateway":"gw-01","epoch":"3f","first":0,"last":0,"prev":0,"records":[]}`,
		"site with a slash":    `{"site":"s/1","gateway":"gw-01","epoch":"3f9c1d2e4b5a6978","first":0,"last":0,"prev":0,"records":[]}`,
		"no gateway":           `{"site":"s1","epoch":"3f9c1d2e4b5a6978","first":0,"last":0,"prev":0,"records":[]}`,
		"empty with a range":   frame(`"first":1,"last":1,"prev":0,"records":[]`),
		"no seq":               frame(points + `"first":1,"last":1,"prev":0,"records":[{"t":1,"point":"a/b","v":1}]`),
		"seq not rising":       frame(points + `"first":2,"last":2,"prev":0,"records":[{"seq":2,"t":1,"point":"a/b","v":1},{"seq":2,"t":1,"point":"a/b","v":1}]`),
		"first is another":     frame(points + `"first":1,"last":2,"prev":0,"records":[{"seq":2,"t":1,"point":"a/b","v":1}]`),
		"last is another":      frame(points + `"first":2,"last":3,"prev":0,"records":[{"seq":2,"t":1,"point":"a/b","v":1}]`),
		"prev not before":      frame(points + `"first":2,"last":2,"prev":2,"records":[{"seq":2,"t":1,"point":"a/b","v":1}]`),
		"neither v nor fault":  frame(points + `"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"point":"a/b"}]`),
		"both v and fault":     frame(points + `"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"point":"a/b","v":1,"fault":"crc"}]`),
		"v with an exponent":   frame(points + `"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"point":"a/b","v":1e3}]`),
		"v out of range":       frame(points + `"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"point":"a/b","v":99999999999999}]`),
		"point unknown":        frame(`"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"point":"a/b","v":1}]`),
		"no time":              frame(points + `"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":null,"point":"a/b","v":1}]`),
		"time without end":     frame(points + `"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":9223372036854775807,"point":"a/b","v":1}]`),
		"no content":           frame(`"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1}]`),
		"zone with a newline":  frame(points + `"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"point":"a/b","zone":"x\ny","v":1}]`),
		"alarm without state":  frame(`"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"event":"alarm","id":"x","alarm":"y","transition":"raised"}]`),
		"scan without code":    frame(`"first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"reader":"r","symbology":"epc"}]`),
		"compact, cut":         "\x01",
		"compact, odd flags":   "\x01\xff\x00",
		"compact, no columns":  "\x01\x00\x02s1\x05gw-01\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x01\x01",
		"compact, other start": "\x02\x00",
	} {
		if _, err := ParseBatch([]byte(msg)); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: error %v, want ErrSyntax", name, err)
		} else if !strings.HasPrefix(err.Error(), "wire: parse batch: ") {
			t.Errorf("%s: error %q", name, err)
		}
	}
}

// Flipping any bit of a compact message gives an error or a batch, never a panic; cutting
// it anywhere gives an error.
func TestCompactSurvivesDamage(t *testing.T) {
	b, defs := series(5, 4, time.Second, true)
	msg, err := AppendCompact(nil, testGateway, b, defs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(msg) {
		if _, err := ParseBatch(msg[:i]); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", i, len(msg))
		}
		for bit := range 8 {
			bad := bytes.Clone(msg)
			bad[i] ^= 1 << bit
			_, _ = ParseBatch(bad)
		}
	}
	if _, err := ParseBatch(append(msg, 0)); err == nil {
		t.Error("a byte more: no error")
	}
}

func TestABombStaysSmall(t *testing.T) {
	huge, err := AppendCompact(nil, testGateway, upstream.Batch{Epoch: testEpoch, Records: []agent.Record{
		at(1, agent.OfEvent(agent.Event{At: synced(0), Kind: agent.EventAct, Act: &agent.Act{Verb: "x", By: "y", Comment: strings.Repeat("a", maxInflated-1000)}})),
	}}, defMap{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseBatch(huge); err != nil {
		t.Errorf("just below the limit: %v", err)
	}
	_, err = AppendCompact(nil, testGateway, upstream.Batch{Epoch: testEpoch, Records: []agent.Record{
		at(1, agent.OfEvent(agent.Event{At: synced(0), Kind: agent.EventAct, Act: &agent.Act{Verb: "x", By: "y", Comment: strings.Repeat("a", maxInflated)}})),
	}}, defMap{})
	if err == nil {
		t.Error("above the limit: no error")
	}
}

func TestSizeHintIsNear(t *testing.T) {
	b, defs := series(50, 20, time.Second, true)
	plain, err := AppendBatch(nil, testGateway, b, defs)
	if err != nil {
		t.Fatal(err)
	}
	hint := 0
	for i := range b.Records {
		hint += SizeHint(&b.Records[i])
	}
	if ratio := float64(hint) / float64(len(plain)); ratio < 0.8 || ratio > 1.2 {
		t.Errorf("hint %d for %d bytes", hint, len(plain))
	}
}
