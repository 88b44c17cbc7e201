package daemon

import (
	"sync"

	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/health"
)

// troubles carries declared conditions to the rules that watch the gateway itself. Whoever
// raises a condition may hold any lock, so nothing is stepped there: it waits here.
type troubles struct {
	wake chan struct{} // capacity 1: something waits

	mu      sync.Mutex
	waiting []alarm.Trouble
}

func newTroubles() *troubles { return &troubles{wake: make(chan struct{}, 1)} }

// put notes that a condition begins or ends.
func (t *troubles) put(c health.Active, here bool) {
	t.mu.Lock()
	t.waiting = append(t.waiting, alarm.Trouble{Code: c.Code, Subject: c.Subject, Title: c.Title, Here: here})
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take is what waits.
func (t *troubles) take() []alarm.Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.waiting
	t.waiting = nil
	return all
}
