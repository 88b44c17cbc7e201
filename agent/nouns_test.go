package agent

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestEveryQuantityIsComplete(t *testing.T) {
	if len(Quantities()) != 17 {
		t.Errorf("%d quantities; the table is only ever extended, and this number with it", len(Quantities()))
	}
	for _, q := range Quantities() {
		low, high := q.Range()
		if q.Kind() == 0 || low >= high || !q.Contains(high) || q.Contains(high+1) || q.Contains(low-1) {
			t.Errorf("%s: kind %d, range %v to %v", q, q.Kind(), low, high)
		}
	}
	if Quantity("warmth").Known() || Quantity("warmth").Contains(0) {
		t.Error("an unknown quantity passes for known")
	}
}

// The words are stored and sent: they may be added to, never changed.
func TestWordsAreFixed(t *testing.T) {
	faults := "absent crc short timeout bus-stuck not-ready power-on power range open-circuit short-circuit device protocol missed open io"
	got := ""
	for f := FaultAbsent; f <= FaultIO; f++ {
		got += " " + f.String()
		back, err := ParseFault(f.String())
		if err != nil || back != f {
			t.Errorf("fault %d: %v, %v", f, back, err)
		}
	}
	if got[1:] != faults {
		t.Errorf("faults are %q, want %q", got[1:], faults)
	}
	if back, err := ParseFault(Fault(200).String()); err != nil || back != 200 {
		t.Errorf("a fault of a newer version does not survive: %v, %v", back, err)
	}
	marks := Marks(1<<16 - 1).Words()
	if len(marks) != 16 || marks[0] != "implausible" || marks[5] != "calibration-expired" {
		t.Errorf("marks are %q", marks)
	}
	for i, w := range marks {
		if m, err := ParseMark(w); err != nil || m != 1<<i {
			t.Errorf("mark %q: %v, %v", w, m, err)
		}
	}
}

func TestEpochAndBootTexts(t *testing.T) {
	for _, e := range []Epoch{0, 1, 1<<64 - 1, 0x0123456789abcdef} {
		if back, err := ParseEpoch(e.String()); err != nil || back != e {
			t.Errorf("%v: %v, %v", e, back, err)
		}
	}
	for _, bad := range []string{"", "123", "0123456789abcdeg", "0123456789abcdef0", "-123456789abcdef"} {
		if _, err := ParseEpoch(bad); !errors.Is(err, ErrEpochSyntax) {
			t.Errorf("ParseEpoch(%q): %v", bad, err)
		}
	}
	id := BootID{0xde, 0xad, 15: 0xff}
	if back, err := ParseBootID(id.String()); err != nil || back != id {
		t.Errorf("%v: %v, %v", id, back, err)
	}
	for _, bad := range []string{"", "dead", "deadbeef-dead-dead-dead-deadbeefdeaX", "deadbeefxdead-dead-dead-deadbeefdead"} {
		if _, err := ParseBootID(bad); err == nil {
			t.Errorf("ParseBootID(%q) passes", bad)
		}
	}
}

func TestInstantsOfTwoBootsCompareByTrustedWallOnly(t *testing.T) {
	wall := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := Instant{Wall: wall, Mono: time.Hour, Boot: BootID{1}, Trust: ClockHeld}
	b := Instant{Wall: wall.Add(-time.Minute), Mono: time.Hour + time.Second, Boot: BootID{1}, Trust: ClockSynced}
	if d, ok := b.Sub(a); !ok || d != time.Second {
		t.Errorf("one boot: %v, %v; want the monotonic second", d, ok)
	}
	c := Instant{Wall: wall.Add(time.Hour), Mono: time.Second, Boot: BootID{2}, Trust: ClockHeld}
	if d, ok := c.Sub(a); !ok || d != time.Hour {
		t.Errorf("two boots: %v, %v; want the hour of wall time", d, ok)
	}
	c.Trust, c.Wall = ClockUnset, time.Time{}
	if _, ok := c.Sub(a); ok {
		t.Error("an unset clock was compared")
	}
}

func TestADefinitionsIDIsItsContent(t *testing.T) {
	d := Definition{Point: "a/temperature", Quantity: Temperature, Zone: "z", Driver: "sht4x"}.Identified()
	same := d
	same.ID = 0
	if same.Identified().ID != d.ID || d.ID == 0 {
		t.Error("one content has two ids")
	}
	moved := d
	moved.Zone = "y"
	if moved.Identified().ID == d.ID {
		t.Error("a change of zone keeps the id")
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Definition
	if err := json.Unmarshal(text, &back); err != nil || back != d {
		t.Errorf("%s: %+v, %v", text, back, err)
	}
	// The id is in stored packs and at the far side: it may never change for a content.
	if d.ID.String() != "a289475f627b0769" {
		t.Errorf("the id of a known definition is %s", d.ID)
	}
}

func TestKinds(t *testing.T) {
	cases := map[Kind]Record{
		KindReadings: OfReading(Reading{}),
		KindScans:    OfScan(Scan{}),
		KindAlarms:   OfEvent(Event{Kind: EventGap}),
		KindStock:    OfEvent(Event{Kind: EventStock}),
		KindEvents:   OfEvent(Event{Kind: EventClock}),
	}
	for want, r := range cases {
		if r.Kind() != want || r.Urgent() != (want == KindAlarms) {
			t.Errorf("kind %s, urgent %v; want %s", r.Kind(), r.Urgent(), want)
		}
	}
}

func TestCheckID(t *testing.T) {
	for _, ok := range []string{"gw-01", "0", "a_b"} {
		if err := CheckID(ok); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "-a", "A", "a/b", "a b", "a+", "#", string(make([]byte, 65))} {
		if err := CheckID(bad); !errors.Is(err, ErrID) {
			t.Errorf("CheckID(%q): %v", bad, err)
		}
	}
}
