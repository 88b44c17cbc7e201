package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

var update = flag.Bool("update", false, "write the golden files anew: a difference is a change of the format")

const docs = "../../docs/"

func at(seq agent.Seq, r agent.Record) agent.Record {
	r.Position = agent.Position{Epoch: testEpoch, Seq: seq}
	return r
}

func value(v agent.Value) *agent.Value { return &v }

func number(n int) *int { return &n }

var testBoot = agent.BootID{0x5b, 0x0e, 0x1c, 0x9a, 0x77, 0x21, 0x4d, 0x3e, 0x9f, 0x10, 0x2a, 0x6c, 0x8d, 0x4e, 0x5f, 0x60}

// goldenBatches are one batch per topic, and the special ones.
func goldenBatches() (map[string]upstream.Batch, defMap) {
	defs := defMap{}
	temp := defs.add(agent.Definition{Point: "cr1-air/temperature", Quantity: agent.Temperature, Zone: "cold-room-1", Role: agent.RoleAir, Driver: "sht4x"})
	hum := defs.add(agent.Definition{Point: "cr1-air/humidity", Quantity: agent.Humidity, Zone: "cold-room-1", Role: agent.RoleAir, Driver: "sht4x"})
	moved := defs.add(agent.Definition{Point: "cr1-air/temperature", Quantity: agent.Temperature, Zone: "freezer", Role: agent.RoleProduct, Driver: "sht4x"})
	door := defs.add(agent.Definition{Point: "dock-door/contact", Quantity: agent.Door, Driver: "gpio"})
	held := synced(2000)
	held.Trust = agent.ClockHeld
	undatedAt := agent.Instant{Boot: testBoot, Mono: 61_500 * time.Millisecond}
	undated := func(r agent.Record) agent.Record {
		r.Undated = &agent.Undated{After: testTime, Before: testTime.Add(time.Hour)}
		return r
	}
	reading := func(def agent.DefID, at agent.Instant, v agent.Value) agent.Record {
		return agent.OfReading(agent.Reading{Def: def, At: at, Value: v, Raw: v})
	}
	event := func(e agent.Event) agent.Record { return agent.OfEvent(e) }
	return map[string]upstream.Batch{
		"readings": {Kind: agent.KindReadings, Prev: 97, Records: []agent.Record{
			at(101, reading(temp, synced(0), 4_250_000)),
			at(102, agent.OfReading(agent.Reading{Def: hum, At: synced(0), Fault: agent.FaultCRC})),
		}},
		"readings-more": {Kind: agent.KindReadings, Prev: 102, Hist: true, Records: []agent.Record{
			at(103, agent.OfReading(agent.Reading{Def: temp, At: synced(1000), Value: -18_000_001, Raw: -18_300_001, Marks: agent.MarkFlatline | agent.MarkLate})),
			at(107, reading(door, held, agent.Unit)),
			at(108, reading(moved, held, 5*agent.Unit)),
		}},
		"readings-undated": {Kind: agent.KindReadings, Prev: 108, Records: []agent.Record{
			at(109, undated(reading(temp, undatedAt, 4_000_000))),
		}},
		"scans": {Kind: agent.KindScans, Prev: 0, Records: []agent.Record{
			at(111, agent.OfScan(agent.Scan{Reader: "dock-a", Zone: "dock", At: synced(0), Code: "E2801160600002084E3B1C5A", Symbology: agent.SymbologyEPC, Antenna: 2, RSSI: -61, SourceAt: testTime.Add(-20 * time.Millisecond)})),
			at(112, agent.OfScan(agent.Scan{Reader: "dock-b", At: synced(5), Code: "]C1010400638133393110AB\x1d17261231", Symbology: agent.SymbologyUnknown})),
			at(113, agent.OfScan(agent.Scan{Reader: "dock-b", At: synced(9), Code: "caf\xe9", Symbology: agent.SymbologyUnknown})),
		}},
		"alarms": {Lane: upstream.Urgent, Kind: agent.KindAlarms, Prev: 55, Records: []agent.Record{
			at(121, event(agent.Event{At: synced(0), Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
				ID: "cr1-high:cr1-air/temperature:5b0e1c9a:7", Alarm: "cr1-high", Kind: "limit", Severity: agent.SeverityCritical, Zone: "cold-room-1",
				Point: "cr1-air/temperature", Transition: agent.Raised, State: agent.StateUnack, Value: value(8_300_000), Limit: value(8_000_000),
				Began: testTime.Add(-5 * time.Minute), Message: "Vaccine cold room above 8 °C for 5 min", Items: []agent.ItemID{"mmr-10", "hpv-1"}, Late: true,
			}})),
			at(122, event(agent.Event{At: synced(60_000), Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
				ID: "cr1-high:cr1-air/temperature:5b0e1c9a:7", Alarm: "cr1-high", Kind: "limit", Severity: agent.SeverityCritical, Zone: "cold-room-1",
				Point: "cr1-air/temperature", Transition: agent.Acknowledged, State: agent.StateAck, By: "li.wei", Comment: "door was open", UID: number(1000),
			}})),
			at(123, event(agent.Event{At: synced(61_000), Kind: agent.EventGap, Gap: &agent.Gap{
				Reason: agent.GapRetention, Ranges: []agent.Range{{Epoch: testEpoch, First: 1, Last: 40, Kind: agent.KindReadings}},
				Counts: []agent.Tally{{Kind: agent.KindReadings, Count: 40}}, From: testTime.Add(-time.Hour), To: testTime, Source: "store", Detail: "keep.bytes",
			}})),
			at(124, event(agent.Event{At: synced(62_000), Kind: agent.EventAct, Act: &agent.Act{Verb: "requeue", Subject: "upstream/hq-mqtt", By: "li.wei", UID: 1000, Comment: "ACL mended"}})),
			at(125, event(agent.Event{At: synced(63_000), Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
				ID: "sensor-fault:cr1-air:5b0e1c9a:8", Alarm: "sensor-fault", Kind: "sensor-fault", Severity: agent.SeverityWarning, Zone: "cold-room-1",
				Point: "cr1-air/humidity", Transition: agent.Raised, State: agent.StateUnack, Message: "i2c-1: no value from 2 sensors (3 points) for 1 min (fault: bus-stuck): cr1-air, cr1-shelf",
				Points: []agent.PointID{"cr1-air/humidity", "cr1-air/temperature", "cr1-shelf/temperature"},
				Texts:  map[string]string{"zh": "i2c-1：2 个传感器（3 个测点）已 1 分钟没有有效读数（故障：总线卡死）：cr1-air、cr1-shelf"},
			}})),
			at(126, event(agent.Event{At: synced(63_000), Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
				ID: "sensor-fault:cr1-shelf:5b0e1c9a:9", Alarm: "sensor-fault", Kind: "sensor-fault", Severity: agent.SeverityWarning, Zone: "cold-room-1",
				Point: "cr1-shelf/temperature", Transition: agent.Raised, State: agent.StateUnack, Message: "cold-room-1: no value from cr1-shelf (temperature) for 1 min (fault: bus-stuck)",
				Cause: "sensor-fault:cr1-air:5b0e1c9a:8", Texts: map[string]string{"zh": "cold-room-1：cr1-shelf（温度）已 1 分钟没有有效读数（故障：总线卡死）"},
			}})),
			at(127, event(agent.Event{At: synced(64_000), Kind: agent.EventAlarm, Alarm: &agent.AlarmEvent{
				ID: "cr1-high:cr1-air/temperature:5b0e1c9a:7", Alarm: "cr1-high", Kind: "limit", Severity: agent.SeverityCritical, Zone: "cold-room-1",
				Point: "cr1-air/temperature", Transition: agent.Shelved, State: agent.StateShelved, By: "li.wei", Comment: "defrost by hand", UID: number(1000), ForS: 1800,
			}})),
		}},
		"stock": {Kind: agent.KindStock, Prev: 77, Records: []agent.Record{
			at(131, event(agent.Event{At: synced(0), Kind: agent.EventStock, Stock: &agent.Movement{
				Item: "mmr-10", Zone: "cold-room-1", Direction: agent.DirectionIn, Quantity: 12, Balance: 40, Reader: "dock-a", Code: "04006381333931",
			}})),
			at(132, event(agent.Event{At: synced(1), Kind: agent.EventStock, Stock: &agent.Movement{
				Item: "mmr-10", Zone: "cold-room-1", Direction: agent.DirectionCount, Quantity: 39, Balance: 39, By: "li.wei", Comment: "one broken",
			}})),
		}},
		"events": {Kind: agent.KindEvents, Prev: 0, Records: []agent.Record{
			at(1, event(agent.Event{At: synced(0), Kind: agent.EventEpoch, Epoch: &agent.EpochEvent{Previous: 0x0123456789abcdef, LastSeq: 4711, Reason: "unclean"}})),
			at(2, event(agent.Event{At: synced(0), Kind: agent.EventDefinition, Definition: ptr(agent.Definition{
				Point: "cr1-air/temperature", Quantity: agent.Temperature, Zone: "cold-room-1", Role: agent.RoleAir, Driver: "sht4x",
				Serial: "0f3a21b4", Certificate: "CAL-2025-118", Calibration: agent.Calibration{Offset: -120_000},
			}.Identified())})),
			at(3, event(agent.Event{At: synced(10), Kind: agent.EventClock, Clock: &agent.ClockEvent{Trust: agent.ClockSynced, Was: agent.ClockHeld, OldOffset: 1763751599000, NewOffset: 1763751600000, By: "kernel"}})),
			at(4, event(agent.Event{At: synced(20), Kind: agent.EventChange, Change: &agent.StateChange{Subject: "sensor/cr1-air", State: "lost", Detail: "absent"}})),
		}},
		"trips": {Lane: upstream.Urgent, Kind: agent.KindAlarms, Prev: 127, Records: []agent.Record{
			at(141, event(agent.Event{At: synced(0), Kind: agent.EventTrip, Trip: &agent.TripEvent{
				ID: "truck-7-20251121t190000z-17", N: 1, Transition: agent.TripStarted, Phase: agent.PhasePreCool, Cause: agent.CausePerson,
				Shipment: "4711", Carrier: "Nord", Lane: "north", Vehicle: "B-XY 7", Seal: "S9",
				Compartments: []agent.TripCompartment{{Zone: "front", Profile: "vaccine-2-8", Low: value(2_000_000), High: value(8_000_000)}, {Zone: "rear", Profile: "frozen"}},
				Stops: []agent.TripStop{
					{Name: "Clinic", Lat: value(52_520_008), Lon: value(13_404_954), RadiusM: 200, Due: testTime.Add(time.Hour)},
					{Name: "Hospital", AfterS: 10_800},
				},
				CorridorM: 500, By: "li.wei", UID: number(1000), Message: "trip truck-7-20251121t190000z-17 started",
			}})),
			at(142, event(agent.Event{At: synced(60_000), Kind: agent.EventTrip, Trip: &agent.TripEvent{
				ID: "truck-7-20251121t190000z-17", N: 2, Transition: agent.TripUnready, Phase: agent.PhaseUnderWay, Cause: agent.CausePlan,
				Compartments: []agent.TripCompartment{
					{Zone: "front", Profile: "vaccine-2-8", Low: value(2_000_000), High: value(8_000_000), State: agent.CompartmentOutOfRange, Point: "front-air/temperature", Value: value(9_500_000)},
				},
			}})),
			at(143, event(agent.Event{At: synced(61_000), Kind: agent.EventTrip, Trip: &agent.TripEvent{
				ID: "truck-7-20251121t190000z-17", N: 3, Transition: agent.TripDeviated, Phase: agent.PhaseUnderWay, Cause: agent.CausePlan,
				Stop: "Clinic", Deviation: agent.DeviationLate, Level: 1, LateS: 1800, Late: true,
			}})),
			at(144, event(agent.Event{At: synced(62_000), Kind: agent.EventTrip, Trip: &agent.TripEvent{
				ID: "truck-7-20251121t190000z-17", N: 4, Transition: agent.TripDeviated, Phase: agent.PhaseUnderWay, Cause: agent.CausePlan,
				Deviation: agent.DeviationCorridor, Level: 2, DistanceM: 740, Lat: value(52_530_000), Lon: value(-1_250_000),
			}})),
			at(145, event(agent.Event{At: synced(63_000), Kind: agent.EventTrip, Trip: &agent.TripEvent{
				ID: "truck-7-20251121t190000z-17", N: 5, Transition: agent.TripArrived, Phase: agent.PhaseUnderWay, Cause: agent.CauseGeofence,
				Source: "Clinic", Stop: "Clinic", LateS: -120,
			}})),
			at(146, event(agent.Event{At: synced(64_000), Kind: agent.EventExcursion, Excursion: &agent.ExcursionEvent{
				ID: "cold-room-1:5b0e1c9a:7", N: 4, Transition: agent.CaseDisposed, State: agent.ExcursionUnknown, Zone: "cold-room-1",
				Trip: "truck-7-20251121t190000z-17", Began: testTime.Add(-time.Hour), Ended: testTime, OutS: 3600,
				Outside: []agent.ExcursionPoint{{
					Point: "cr1-air/temperature", Alarm: "cr1-high:cr1-air/temperature:5b0e1c9a:7", Limit: value(8_000_000), Worst: value(11_300_000), Dead: true,
				}},
				Items: []agent.ItemID{"mmr-10", "hpv-1"}, Cause: agent.CausePowerFailed, CauseBy: "li.wei", Evaluation: "stability data cover it",
				Disposition: agent.DispositionUseFirst, By: "ada.roth", Comment: "by April", UID: number(1001), Message: "cold-room-1: goods to be used first",
			}})),
		}},
		"empty": {Kind: agent.KindReadings},
	}, defs
}

func ptr[T any](v T) *T { return &v }

func goldenInfo() upstream.Info {
	def := agent.Definition{Point: "cr1-air/temperature", Quantity: agent.Temperature, Zone: "cold-room-1", Role: agent.RoleAir, Driver: "sht4x"}.Identified()
	return upstream.Info{
		Version: "1.0.0", Timezone: "Asia/Shanghai",
		Zones:   []upstream.InfoZone{{ID: "cold-room-1", Name: "Vaccine cold room"}},
		Points:  []upstream.InfoPoint{{Definition: def, Unit: "°C", Every: 10_000}},
		Readers: []upstream.InfoReader{{ID: "dock-a", Zone: "dock", Direction: agent.DirectionIn}},
		Alarms:  []upstream.InfoAlarm{{ID: "cr1-high", Kind: "limit", Zone: "cold-room-1", Severity: agent.SeverityCritical, Rule: "temperature above 8 for 5m"}},
		Kinds:   []agent.Kind{agent.KindReadings, agent.KindAlarms}, AlwaysOn: true,
	}
}

// goldens are all messages by file name.
func goldens(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	all, defs := goldenBatches()
	var lines, records []byte
	names := []string{"readings", "readings-more", "readings-undated", "scans", "alarms", "stock", "events", "trips", "empty"}
	for _, name := range names {
		b := all[name]
		b.Epoch = testEpoch
		plain, err := AppendBatch(nil, testGateway, b, defs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files["batch-"+name+".json"] = plain
		compact, err := AppendCompact(nil, testGateway, b, defs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files["batch-"+name+".c.hex"] = []byte(hex.EncodeToString(compact))
		for i := range b.Records {
			if lines, err = AppendLine(lines, testGateway, &b.Records[i], defs); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if records, err = AppendRecord(records, testGateway, &b.Records[i], defs); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			records = append(records, '\n')
		}
	}
	files["lines.txt"] = bytes.TrimSuffix(lines, []byte("\n"))
	files["records.jsonl"] = bytes.TrimSuffix(records, []byte("\n"))
	st := upstream.Status{Now: synced(0), Last: agent.Position{Epoch: testEpoch, Seq: 132}, Waiting: 3}
	files["status-online.json"] = NewStatus(testGateway, st, Online, testBoot, 2, 30).Append(nil)
	st.Now = agent.Instant{}
	files["status-will.json"] = NewStatus(testGateway, st, Offline, testBoot, 2, 30).Append(nil)
	info, err := AppendInfo(nil, testGateway, goldenInfo())
	if err != nil {
		t.Fatal(err)
	}
	files["info.json"] = info
	return files
}

func TestGoldenFiles(t *testing.T) {
	for name, got := range goldens(t) {
		path := filepath.Join("testdata", name)
		got = append(got, '\n')
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.HasSuffix(name, ".c.hex") {
			continue // the compressor may change; TestGoldenFilesDecode reads the old bytes
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the format changed\n got %s\nwant %s", name, got, want)
		}
	}
}

// What was written once is read for ever.
func TestGoldenFilesDecode(t *testing.T) {
	files, err := filepath.Glob("testdata/batch-*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden batches: %v", err)
	}
	for _, path := range files {
		data := goldenFile(t, path)
		b, err := ParseBatch(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		plain := goldenFile(t, strings.TrimSuffix(strings.TrimSuffix(path, ".c.hex"), ".json")+".json")
		if again := reencode(t, &b); !bytes.Equal(again, plain) {
			t.Errorf("%s read and written again:\n%s\nwant\n%s", path, again, plain)
		}
	}
	lines := bytes.Split(goldenFile(t, "testdata/records.jsonl"), []byte("\n"))
	for _, line := range lines {
		b, err := ParseRecord(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		again, err := AppendRecord(nil, b.From, &b.Records[0], &b)
		if err != nil || !bytes.Equal(again, line) {
			t.Errorf("record read and written again (%v):\n%s\nwant\n%s", err, again, line)
		}
	}
	for _, name := range []string{"testdata/status-online.json", "testdata/status-will.json"} {
		s, err := ParseStatus(goldenFile(t, name))
		if err != nil || !bytes.Equal(s.Append(nil), goldenFile(t, name)) {
			t.Errorf("%s: %v %+v", name, err, s)
		}
	}
	g, info, err := ParseInfo(goldenFile(t, "testdata/info.json"))
	if again, err2 := AppendInfo(nil, g, info); err != nil || err2 != nil || !bytes.Equal(again, goldenFile(t, "testdata/info.json")) {
		t.Errorf("info: %v %v %s", err, err2, again)
	}
}

func goldenFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	if strings.HasSuffix(path, ".hex") {
		raw, err := hex.DecodeString(string(data))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return raw
	}
	return data
}

func reencode(t testing.TB, b *Batch) []byte {
	t.Helper()
	out, err := AppendBatch(nil, b.From, upstream.Batch{Epoch: b.Epoch, Prev: b.Prev, Hist: b.Hist, Records: b.Records}, b)
	if err != nil {
		t.Fatalf("encode again: %v", err)
	}
	return out
}

// The examples of the design, word for word, are a subset of what is written and are read.
func TestTheDesignsExample(t *testing.T) {
	const example = `{"site":"s1","gateway":"gw-01","epoch":"3f9c1d2e4b5a6978","first":101,"last":102,"prev":97,"records":[{"seq":101,"t":1763751600000,"point":"cr1-air/temperature","zone":"cold-room-1","v":4.25},{"seq":102,"t":1763751600000,"point":"cr1-air/humidity","zone":"cold-room-1","fault":"crc"}]}`
	got := string(goldens(t)["batch-readings.json"])
	points := regexp.MustCompile(`"points":\{.*\}\},`)
	if without := points.ReplaceAllString(got, ""); without != example {
		t.Errorf("without points:\n%s\nwant\n%s", without, example)
	}
}

func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const base = "https://frostline.example/wire/v1/"
	all := map[string]*jsonschema.Schema{}
	names := []string{"record", "batch", "status", "info"}
	for _, name := range names {
		f, err := os.Open(docs + "wire/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.AddResource(base+name+".schema.json", doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, name := range names {
		s, err := c.Compile(base + name + ".schema.json")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = s
	}
	return all
}

func TestGoldenFilesSatisfyTheSchemas(t *testing.T) {
	all := schemas(t)
	text := map[string]string{}
	var schemaText strings.Builder
	for name := range all {
		raw, err := os.ReadFile(docs + "wire/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		schemaText.Write(raw)
	}
	for name, data := range goldens(t) {
		switch {
		case name == "records.jsonl":
			for _, line := range strings.Split(string(data), "\n") {
				validate(t, all["record"], name, []byte(line))
			}
		case strings.HasSuffix(name, ".json"):
			kind, _, _ := strings.Cut(strings.TrimSuffix(name, ".json"), "-")
			validate(t, all[kind], name, data)
		default:
			continue
		}
		text[name] = string(data)
	}
	key := regexp.MustCompile(`"([a-z_]+)":`)
	for name, data := range text {
		for _, m := range key.FindAllStringSubmatch(data, -1) {
			if !strings.Contains(schemaText.String(), `"`+m[1]+`"`) {
				t.Errorf("%s: no schema knows the key %q", name, m[1])
			}
		}
	}
	for name, bad := range map[string]string{
		"batch":  `{"site":"s1","gateway":"gw-01","epoch":"3f9c1d2e4b5a6978","first":1,"last":1,"prev":0,"records":[{"seq":1,"t":1,"point":"a/b"}]}`,
		"record": `{"seq":1,"t":null,"point":"a/b","v":1}`,
		"status": `{"site":"s1"}`,
		"info":   `{"site":"s1","gateway":"G","version":"1","always_on":true}`,
	} {
		if err := check(all[name], []byte(bad)); err == nil {
			t.Errorf("the %s schema takes %s", name, bad)
		}
	}
}

func validate(t *testing.T, s *jsonschema.Schema, name string, data []byte) {
	t.Helper()
	if err := check(s, data); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func check(s *jsonschema.Schema, data []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// Every example in docs/wire.md is a golden file, and every JSON golden file is an example.
func TestTheReferenceShowsTheGoldenFiles(t *testing.T) {
	text, err := os.ReadFile(docs + "wire.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)<!-- golden: (\\S+) -->\n```[a-z]*\n(.*?)\n```")
	shown := map[string]bool{}
	for _, m := range example.FindAllSubmatch(text, -1) {
		name := string(m[1])
		shown[name] = true
		want := goldenFile(t, filepath.Join("testdata", name))
		got := m[2]
		if strings.HasSuffix(name, ".json") {
			var buf bytes.Buffer
			if err := json.Compact(&buf, got); err != nil {
				t.Errorf("wire.md: %s: %v", name, err)
				continue
			}
			got = buf.Bytes()
		}
		if !bytes.Equal(got, want) {
			t.Errorf("wire.md shows for %s\n%s\nwant\n%s", name, got, want)
		}
	}
	for name := range goldens(t) {
		if !shown[name] && !strings.HasSuffix(name, ".c.hex") && name != "records.jsonl" {
			t.Errorf("wire.md does not show %s", name)
		}
	}
}
