package forward

import (
	"context"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
	"github.com/frostline/frostline/sync/wire"
)

// encoder is an upstream that encodes as MQTT does and waits a round trip per batch.
type encoder struct {
	defs upstreamtest.Definitions
	buf  []byte
}

func (e *encoder) Deliver(_ context.Context, b upstream.Batch) (err error) {
	e.buf, err = wire.AppendBatch(e.buf[:0], wire.Gateway{Site: "s1", Gateway: "gw-01"}, b, e.defs)
	<-time.After(300 * time.Microsecond)
	return err
}

func (e *encoder) Close() error { return nil }

// What the pump and the encoding alone cost in a drain; the budget is 150 000 records/s
// with the store and a real broker.
func BenchmarkDrain(b *testing.B) {
	const n = 200_000
	r := newRig(b)
	r.o.Elapsed = nil
	var records []agent.Record
	for seq := agent.Seq(1); seq <= n; seq++ {
		records = append(records, r.defs.Record(agent.KindReadings, seq))
	}
	r.store.commit(records...)
	r.o.Batch.Bytes = 0
	b.ReportAllocs()
	for b.Loop() {
		r.store.cursors = map[upstream.Lane]agent.Position{}
		r.o.Upstream = &encoder{defs: r.defs}
		p, stop := r.start()
		r.drain(p, time.Minute)
		stop()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
