package wire

import (
	"testing"
	"time"
)

// The budgets of the design: bytes per reading on the wire in compact encoding. The MQTT
// frame and the broker's acknowledgement are counted with it.
func TestCompactMeetsItsBudgets(t *testing.T) {
	const frame = 5 + 2 + len("frostline/v1/shanghai-dc1/gw-01/readings.c") + 2 + 4
	for _, c := range []struct {
		name          string
		points, ticks int
		fine          bool
		budget        float64
	}{
		{"live, hundredths", 100, 1, false, 20},
		{"live, 16-bit sensor", 100, 1, true, 20},
		{"backlog, hundredths", 100, 40, false, 4},
		{"backlog, 16-bit sensor", 100, 40, true, 4},
		{"backlog, few sensors", 4, 300, true, 4},
	} {
		b, defs := series(c.points, c.ticks, 10*time.Second, c.fine)
		msg, err := AppendCompact(nil, testGateway, b, defs)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := AppendBatch(nil, testGateway, b, defs)
		if err != nil {
			t.Fatal(err)
		}
		n := float64(len(b.Records))
		per := float64(len(msg)+frame) / n
		t.Logf("%s: %.2f B per reading compact, %.1f plain", c.name, per, float64(len(plain)+frame)/n)
		if per > c.budget {
			t.Errorf("%s: %.2f B per reading, budget %.0f", c.name, per, c.budget)
		}
	}
}

func BenchmarkAppendBatch(b *testing.B) {
	batch, defs := series(100, 12, 10*time.Second, true)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendBatch(buf[:0], testGateway, batch, defs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(batch.Records))/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(len(buf))/float64(len(batch.Records)), "B/record")
}

func BenchmarkAppendCompact(b *testing.B) {
	batch, defs := series(100, 12, 10*time.Second, true)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendCompact(buf[:0], testGateway, batch, defs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(batch.Records))/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkAppendLine(b *testing.B) {
	batch, defs := series(100, 12, 10*time.Second, true)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		for i := range batch.Records {
			var err error
			if buf, err = AppendLine(buf, testGateway, &batch.Records[i], defs); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(batch.Records))/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkParseBatch(b *testing.B) {
	batch, defs := series(100, 12, 10*time.Second, true)
	for _, enc := range []string{"plain", "compact"} {
		b.Run(enc, func(b *testing.B) {
			msg, err := AppendBatch(nil, testGateway, batch, defs)
			if enc == "compact" {
				msg, err = AppendCompact(nil, testGateway, batch, defs)
			}
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseBatch(msg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(batch.Records))/b.Elapsed().Seconds(), "records/s")
		})
	}
}
