package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

// TestModel compares the store with a plain slice over random lives: appends of all kinds,
// urgent or not, cursors, clean and unclean ends, clocks that step.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		base, err := os.MkdirTemp("", "model-*")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(base)
		m := &model{rt: rt, base: base, clock: clock.NewFake(began), cursors: map[Cursor]agent.Position{}}
		m.open(filepath.Join(base, "0"))
		defer func() { m.stop() }() //nolint:errcheck // its error was looked at where it matters
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"append", "append", "append", "ack", "clean", "crash", "step", "read"}).Draw(rt, "step") {
			case "append":
				m.append()
			case "ack":
				m.ack()
			case "clean":
				if err := m.stop(); err != nil {
					rt.Fatal(err)
				}
				m.open(m.dir)
			case "crash":
				m.crash()
			case "step":
				m.clock.Step(m.clock.Now().Wall.Add(time.Duration(rapid.IntRange(-3600, 3600).Draw(rt, "by"))*time.Second), agent.ClockSynced)
			case "read":
				m.compare()
			}
		}
		m.compare()
	})
}

type model struct {
	rt      *rapid.T
	base    string
	dir     string
	lives   int
	clock   *clock.Fake
	db      *DB
	stop    func() error
	want    []agent.Record // without positions
	cursors map[Cursor]agent.Position
}

func (m *model) open(dir string) {
	m.dir = dir
	o := options(dir, m.clock)
	db, err := Open(context.Background(), o)
	if err != nil {
		m.rt.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	m.db = db
	stopped := false
	m.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
}

// crash goes on with a copy of the files as they are between two commits.
func (m *model) crash() {
	m.lives++
	next := filepath.Join(m.base, fmt.Sprint(m.lives))
	if err := os.MkdirAll(next, 0o750); err != nil {
		m.rt.Fatal(err)
	}
	for _, name := range []string{fileName, fileName + "-wal"} {
		b, err := os.ReadFile(filepath.Join(m.dir, name))
		if err != nil && !os.IsNotExist(err) {
			m.rt.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(next, name), b, 0o640); err != nil {
			m.rt.Fatal(err)
		}
	}
	m.stop() //nolint:errcheck // the copy goes on
	m.open(next)
}

func (m *model) append() {
	var records []agent.Record
	for range rapid.IntRange(1, 30).Draw(m.rt, "records") {
		m.clock.Advance(time.Duration(rapid.IntRange(0, 5000).Draw(m.rt, "ms")) * time.Millisecond)
		at := m.clock.Now()
		switch rapid.SampledFrom([]string{"reading", "reading", "reading", "burst", "scan", "alarm", "stock", "event"}).Draw(m.rt, "kind") {
		case "burst":
			records = append(records, readings(at, rapid.IntRange(1, 1200).Draw(m.rt, "burst"), 1)...)
		case "reading":
			r := agent.Reading{Def: definition(rapid.IntRange(0, 5).Draw(m.rt, "def")).ID, At: at, Marks: agent.Marks(rapid.Uint16().Draw(m.rt, "marks"))}
			if rapid.Bool().Draw(m.rt, "ok") {
				r.Value = agent.Value(rapid.Int64().Draw(m.rt, "value"))
				r.Raw = agent.Value(rapid.Int64().Draw(m.rt, "raw"))
			} else {
				r.Fault = agent.Fault(rapid.IntRange(1, 255).Draw(m.rt, "fault"))
			}
			records = append(records, agent.OfReading(r))
		case "scan":
			records = append(records, scanned(at, rapid.String().Draw(m.rt, "code")))
		case "alarm":
			records = append(records, alarm(at, rapid.StringMatching("[a-z]{1,8}").Draw(m.rt, "id")))
		case "stock":
			records = append(records, agent.OfEvent(agent.Event{At: at, Kind: agent.EventStock, Stock: &agent.Movement{Item: "i", Quantity: rapid.Int64().Draw(m.rt, "n")}}))
		case "event":
			records = append(records, agent.OfEvent(agent.Event{At: at, Kind: agent.EventChange, Change: &agent.StateChange{Subject: "s", State: "lost"}}))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.db.Append(records, Urgent()).Wait(ctx); err != nil {
		m.rt.Fatal(err)
	}
	m.want = append(m.want, records...)
}

func (m *model) ack() {
	head := m.db.Head()
	c := Cursor{Upstream: "u", Lane: rapid.SampledFrom([]string{"urgent", "main"}).Draw(m.rt, "lane")}
	if head.IsZero() {
		return
	}
	if err := m.db.Acked(context.Background(), c, head, nil); err != nil {
		m.rt.Fatal(err)
	}
	m.cursors[c] = head
}

func (m *model) compare() {
	var got []agent.Record
	var p agent.Position
	next := map[agent.Epoch]agent.Seq{}
	for {
		page, err := m.db.After(context.Background(), p, rapid.IntRange(1, 700).Draw(m.rt, "page"))
		if err != nil {
			m.rt.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			p = r.Position
			if p.Seq != next[p.Epoch]+1 {
				m.rt.Fatalf("position %s after seq %d", p, next[p.Epoch])
			}
			next[p.Epoch] = p.Seq
			if r.Type != agent.TypeEvent || r.Event.Epoch == nil {
				got = append(got, r)
			}
		}
	}
	if len(got) != len(m.want) {
		m.rt.Fatalf("%d records, want %d", len(got), len(m.want))
	}
	for i := range got {
		w := m.want[i]
		w.Position = got[i].Position
		if !same(w, got[i]) {
			m.rt.Fatalf("record %d is %+v, want %+v", i, got[i], w)
		}
		if s := w.Scan; s != nil && s.Code != got[i].Scan.Code {
			m.rt.Fatalf("scan %q, want %q", got[i].Scan.Code, s.Code)
		}
	}
}

// FuzzDecodePack holds the decoder to: any bytes give records or an error.
func FuzzDecodePack(f *testing.F) {
	at := clock.NewFake(began).Now()
	number := func(id agent.DefID) uint64 { return uint64(id)%7 + 1 }
	for _, records := range [][]agent.Record{
		readings(at, 5, -4_250_000), {scanned(at, "x\x1dy")}, {alarm(at, "a"), alarm(at, "b")},
		{agent.OfReading(agent.Reading{Def: 1, At: at, Fault: agent.FaultCRC, Marks: agent.MarkLate})},
	} {
		h := packHead{kind: codeOf(records[0].Kind()), pos: agent.Position{Epoch: 1, Seq: 1}, n: len(records), base: millis(at.Mono)}
		body, err := encodePack(h, records, number)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	defs := newNumbers()
	for i := range uint64(9) {
		defs.add(i+1, agent.DefID(i+1))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		decodeHead(body) //nolint:errcheck // it must not panic
		h, rest, err := parseHead(body)
		if err != nil {
			return
		}
		records, err := decodeRecords(nil, &h, rest, timing{}, 0, h.n, &defs)
		if err == nil && len(records) != h.n {
			t.Fatalf("%d records of %d without an error", len(records), h.n)
		}
	})
}

func TestPackKeepsEveryReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		defs := newNumbers()
		boot := clock.NewBootID()
		var records []agent.Record
		for range rapid.IntRange(1, maxPack).Draw(rt, "n") {
			n := rapid.Uint64Range(1, 1<<40).Draw(rt, "number")
			id := agent.DefID(n)
			defs.add(n, id)
			r := agent.Reading{Def: id, At: agent.Instant{Boot: boot, Mono: time.Duration(rapid.Int64Range(0, 1<<40).Draw(rt, "mono")) * time.Millisecond}}
			r.Marks = agent.Marks(rapid.Uint16().Draw(rt, "marks"))
			if f := rapid.IntRange(0, 20).Draw(rt, "fault"); f > 15 {
				r.Fault = agent.Fault(f)
			} else {
				r.Value, r.Raw = agent.Value(rapid.Int64().Draw(rt, "v")), agent.Value(rapid.Int64().Draw(rt, "raw"))
			}
			records = append(records, agent.OfReading(r))
		}
		h := packHead{clockContext: clockContext{boot: boot}, kind: codeReadings, pos: agent.Position{Epoch: 5, Seq: 9}, n: len(records), base: millis(records[0].At().Mono)}
		body, err := encodePack(h, records, func(id agent.DefID) uint64 { return defs.of[id] })
		if err != nil {
			rt.Fatal(err)
		}
		got, rest, err := decodeHead(body)
		if err != nil || got != h {
			rt.Fatalf("head %+v, %v", got, err)
		}
		back, err := decodeRecords(nil, &got, rest, timing{}, 0, h.n, &defs)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range records {
			if back[i].Reading != records[i].Reading {
				rt.Fatalf("reading %d is %+v, was %+v", i, back[i].Reading, records[i].Reading)
			}
		}
		flip := rapid.IntRange(0, len(body)*8-1).Draw(rt, "bit")
		body[flip/8] ^= 1 << (flip % 8)
		if _, _, err := decodeHead(body); err == nil {
			rt.Fatalf("bit %d flipped and not noticed", flip)
		}
	})
}
