package receive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var def = agent.Definition{Point: "cr1/temperature", Quantity: agent.Temperature, Zone: "cold-room-1", Role: agent.RoleAir, Driver: "test"}.Identified()

type oneDef struct{}

func (oneDef) Definition(id agent.DefID) (agent.Definition, bool) { return def, id == def.ID }

// message is a batch of readings first … last as a gateway sends it.
func message(t *testing.T, first, last agent.Seq) []byte {
	t.Helper()
	b := upstream.Batch{Kind: agent.KindReadings, Epoch: 7, Prev: first - 1}
	for seq := first; seq <= last; seq++ {
		at := agent.Instant{Wall: time.Unix(1_760_000_000+int64(seq), 0).UTC(), Trust: agent.ClockSynced}
		v := agent.Value(seq) * 1000
		r := agent.OfReading(agent.Reading{Def: def.ID, At: at, Value: v, Raw: v})
		r.Position = agent.Position{Epoch: 7, Seq: seq}
		b.Records = append(b.Records, r)
	}
	text, err := wire.AppendBatch(nil, gw, b, oneDef{})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const readings = "frostline/v1/s1/gw-01/readings"

func open(t *testing.T, dir string, wrap func(Sink) Sink) *Receiver {
	t.Helper()
	r, err := New(Options{
		Dir: dir, Broker: mqttconn.Options{URL: "mqtt://127.0.0.1:1", ClientID: "receiver"},
		Clock: clock.NewFake(time.Unix(1_760_000_000, 0)), Log: slog.New(slog.DiscardHandler),
		Sink: func(add func(*wire.Batch)) (Sink, error) {
			s, err := OpenLines(dir, add)
			if err != nil || wrap == nil {
				return s, err
			}
			return wrap(s), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func take(t *testing.T, r *Receiver, topic string, payload []byte) {
	t.Helper()
	if err := r.Take(t.Context(), topic, payload, false); err != nil {
		t.Fatal(err)
	}
}

// written counts the lines of each position over all files.
func written(t *testing.T, dir string) map[agent.Seq]int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "records-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	count := map[agent.Seq]int{}
	for _, name := range names {
		if err := readLines(name, func(b *wire.Batch) { count[b.Records[0].Position.Seq]++ }); err != nil {
			t.Fatal(err)
		}
	}
	return count
}

// batch writes a message's records to the sink alone, as if the process ended then.
func batch(t *testing.T, r *Receiver, payload []byte) {
	t.Helper()
	b, err := wire.ParseBatch(payload)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for i := range b.Records {
		line, err := wire.AppendRecord(nil, gw, &b.Records[i], &b)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := r.sink.Write(t.Context(), &b, lines); err != nil {
		t.Fatal(err)
	}
}

func TestEachRecordIsWrittenOnceOverRepeatsAndCrashes(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, nil)
	take(t, r, readings, message(t, 1, 100))
	take(t, r, readings, message(t, 51, 150)) // overlaps
	take(t, r, readings, message(t, 1, 150))  // a replay

	// The process is killed between the sink's write and the journal: simulated by writing
	// to the sink alone. The message was not acknowledged and comes again.
	batch(t, r, message(t, 151, 160))

	r = open(t, dir, nil)
	take(t, r, readings, message(t, 151, 170))
	p := page(t, r.Ledger())
	if p.Received != 170 || p.Missing != 0 || p.Doubled != 0 {
		t.Fatalf("%+v", p)
	}
	count := written(t, dir)
	for seq := agent.Seq(1); seq <= 170; seq++ {
		if count[seq] != 1 {
			t.Fatalf("position %d was written %d times", seq, count[seq])
		}
	}
}

// failing is a Sink that refuses its first writes.
type failing struct {
	Sink
	refuse int
}

var errRefused = errors.New("refused")

func (f *failing) Write(ctx context.Context, b *wire.Batch, lines [][]byte) error {
	if f.refuse > 0 {
		f.refuse--
		return errRefused
	}
	return f.Sink.Write(ctx, b, lines)
}

func TestAFailedWriteIsNotAcknowledged(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, func(s Sink) Sink { return &failing{s, 2} })
	msg := message(t, 1, 10)
	for range 2 {
		if err := r.Take(t.Context(), readings, msg, false); !errors.Is(err, errRefused) {
			t.Fatalf("%v, want the sink's error", err)
		}
		if p := page(t, r.Ledger()); p.Received != 0 {
			t.Fatalf("the ledger counts what is not written: %+v", p)
		}
	}
	take(t, r, readings, msg)
	if p := page(t, r.Ledger()); p.Received != 10 {
		t.Fatalf("%+v", p)
	}
}

func TestWhatCannotBeUnderstoodIsSetAsideAndHoldsNothingUp(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, nil)
	for topic, payload := range map[string]string{
		readings:                           `{"site":"s1"`,
		"frostline/v1/s1/gw-02/readings":   string(message(t, 1, 1)), // names another gateway
		"frostline/v1/s1/gw-01/status":     `{}`,
		"frostline/v1/s1/gw-01/info":       `[]`,
		"frostline/v2/s1/gw-01/readings":   `{}`,
		"frostline/v1/s1/gw-01/readings.c": "\xff\x00\x01",
	} {
		take(t, r, topic, []byte(payload))
	}
	if r.Unusable() != 6 {
		t.Fatalf("%d set aside, want 6", r.Unusable())
	}
	names, err := os.ReadDir(filepath.Join(dir, "unusable"))
	if err != nil || len(names) != 6 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, n := range names {
		text, err := os.ReadFile(filepath.Join(dir, "unusable", n.Name()))
		if err != nil || bytes.Count(text, []byte{'\n'}) < 2 {
			t.Fatalf("%s: %q, %v", n.Name(), text, err)
		}
	}
	take(t, r, readings, message(t, 1, 3))
	if got := written(t, dir); len(got) != 3 {
		t.Fatalf("afterwards %d records", len(got))
	}
}

func TestTwoGatewaysWithOneNameAreNoticed(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, nil)
	var alarms []Alarm
	r.o.OnAlarm = func(a Alarm) { alarms = append(alarms, a) }
	take(t, r, readings, message(t, 1, 5))
	other := bytes.Replace(message(t, 1, 5), []byte(`"v":0.003`), []byte(`"v":9`), 1)
	take(t, r, readings, other)
	if len(alarms) != 1 || alarms[0].Alarm != "position-doubled" || alarms[0].Gateway != "gw-01" {
		t.Fatalf("%+v", alarms)
	}
	if p := page(t, r.Ledger()); p.Doubled != 1 || p.Received != 5 {
		t.Fatalf("%+v", p)
	}
}

func TestOneThousandGateways(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, nil)
	for i := range 1000 {
		g := fmt.Sprintf("gw-%04d", i)
		msg := bytes.Replace(message(t, 1, 2), []byte("gw-01"), []byte(g), 1)
		take(t, r, "frostline/v1/s1/"+g+"/readings", msg)
	}
	again := open(t, dir, nil)
	pages := again.Ledger().Accounts()
	if len(pages) != 1000 {
		t.Fatalf("%d accounts after a restart", len(pages))
	}
	for _, p := range pages {
		if p.Received != 2 || p.Expected != 2 {
			t.Fatalf("%+v", p)
		}
	}
}
