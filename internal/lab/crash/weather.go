package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/frostline/frostline/internal/lab"
	"github.com/frostline/frostline/internal/peers"
)

// weather is a network and a broker that are not to be relied on. One goroutine runs it.
type weather struct {
	broker *peers.Broker
	relay  *peers.Proxy
	random *rand.Rand
	flaps  int
}

// run makes trouble until ctx is done, and then leaves everything working.
func (w *weather) run(ctx context.Context) error {
	for {
		if lab.Sleep(ctx, w.between(300, 2500)) != nil {
			return nil
		}
		w.flaps++
		switch w.random.IntN(8) {
		case 0, 1, 2:
			w.relay.Cut()
		case 3:
			w.relay.Refuse()
			_ = lab.Sleep(ctx, w.between(50, 800)) // the end of ctx is seen above
			w.relay.Accept()
		case 4, 5:
			w.relay.Hold()
			_ = lab.Sleep(ctx, w.between(50, 1500)) // as above
			w.relay.Flow()
		default:
			// Politely: a broker that is killed forgets what it has acknowledged.
			w.broker.Stop()
			_ = lab.Sleep(ctx, w.between(50, 800)) // as above
			if err := w.broker.Launch(); err != nil {
				return err
			}
		}
	}
}

func (w *weather) between(least, most int) time.Duration {
	return time.Duration(least+w.random.IntN(most-least)) * time.Millisecond
}
