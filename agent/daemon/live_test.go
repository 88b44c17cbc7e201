package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
)

// narrow is a link to a real Mosquitto on which a message moves when the test lets it.
type narrow struct {
	*peers.Proxy
	let  chan struct{} // lets one message through
	wide chan struct{} // closed: lets all through
}

func newNarrow(t *testing.T, target string) *narrow {
	n := &narrow{Proxy: peers.NewProxy(t, target), let: make(chan struct{}), wide: make(chan struct{})}
	n.Up = func(chunk []byte) ([]byte, error) {
		select {
		case <-n.let:
		case <-n.wide:
		}
		return chunk, nil
	}
	t.Cleanup(n.widen)
	return n
}

func (n *narrow) widen() {
	select {
	case <-n.wide:
	default:
		close(n.wide)
	}
}

// pass lets up to so many messages through, as far as they come.
func (n *narrow) pass(messages int) {
	idle := time.NewTimer(100 * time.Millisecond)
	defer idle.Stop()
	for range messages {
		select {
		case n.let <- struct{}{}:
		case <-idle.C:
			return
		}
	}
}

// The link comes back with a long backlog: what is measured now arrives before the backlog has, the link
// breaks, the agent is started anew, and in the end the ledger closes.
func TestWhatIsMeasuredNowArrivesBeforeTheBacklog(t *testing.T) {
	t.Parallel()
	broker := peers.Mosquitto(t, peers.BrokerOptions{})
	link := newNarrow(t, broker.Addr())
	recv := receiver(t, mqttconn.Options{URL: broker.URL()})
	r := newRig(t)
	with := func(batch string) string {
		return "sensors: [{id: many, driver: synthetic, points: 20, every: 10s}]\nupstreams:\n" +
			fmt.Sprintf("  - {id: hq, driver: mqtt, url: %q, timeout: 30s, heartbeat: 1h, batch: {bytes: %s, linger: 50ms}}\n", "mqtt://"+link.Addr(), batch)
	}
	link.Refuse()
	r.start(with("4KiB"))
	r.measured(20)
	for range 400 {
		r.tick(10*time.Second, 20)
	}
	r.durable()
	end := r.agent.store.Head()
	link.Accept()

	live := func() (at agent.Position) {
		eventually(t, "a reading of now arrives", func() bool {
			for range 5 {
				r.tick(10*time.Second, 20)
				r.linger()
				link.pass(5)
			}
			at = r.agent.store.Head()
			for ; at.Seq > end.Seq; at.Seq-- {
				if recv.Ledger().Has(gateway, at) {
					return true
				}
			}
			return false
		})
		if recv.Ledger().Has(gateway, end) {
			t.Fatal("the backlog arrived first")
		}
		return at
	}
	live()
	link.Cut()
	r.tick(10*time.Second, 20)
	at := live()
	if a := account(recv); a.Missing != 0 || a.Doubled != 0 {
		t.Errorf("ledger while both drain: %+v", a)
	}
	link.Refuse()
	r.stop()
	if recv.Ledger().Has(gateway, end) {
		t.Fatal("the backlog has arrived")
	}
	link.Accept()
	link.widen()
	r.start(with("100KiB"))
	r.measured(20)
	r.linger()
	r.allArrive(recv)
	if a := account(recv); a.Repeats == 0 || a.Gone != 0 {
		t.Errorf("after %s came before its turn and the agent was started anew: %+v", at, a)
	}
}
