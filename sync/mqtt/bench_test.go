package mqtt

import (
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

// BenchmarkDeliver is one batch to a real Mosquitto and its PUBACK back; records/s is the
// figure to compare with the budget for the drain after an outage.
func BenchmarkDeliver(b *testing.B) {
	broker := peers.Mosquitto(b, peers.BrokerOptions{})
	for _, encoding := range []string{EncodingPlain, EncodingCompact} {
		b.Run(encoding, func(b *testing.B) {
			const n = 1000
			defs := upstreamtest.Points()
			c := *Driver.Config().(*Config)
			c.URL, c.Encoding = broker.URL(), encoding
			up, err := Driver.Open(b.Context(), upstreamtest.Host(defs), &c)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = up.Close() }()
			batch := defs.Batch(agent.KindReadings, 1, n)
			batch.Lane = upstream.Main
			b.ReportAllocs()
			for b.Loop() {
				if err := up.Deliver(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
