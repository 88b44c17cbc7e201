package daemon

import (
	"slices"
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
	held    []alarm.Trouble // those that are here, in the order in which they came
}

func newTroubles() *troubles { return &troubles{wake: make(chan struct{}, 1)} }

// put notes that a condition begins or ends.
func (t *troubles) put(c health.Active, here bool) {
	t.mu.Lock()
	one := alarm.Trouble{Code: c.Code, Subject: c.Subject, Title: c.Title, Here: here}
	t.waiting = append(t.waiting, one)
	t.held = slices.DeleteFunc(t.held, func(o alarm.Trouble) bool { return o.Code == c.Code && o.Subject == c.Subject })
	if here {
		t.held = append(t.held, one)
	}
	t.mu.Unlock()
	t.rouse()
}

// again has what holds told anew, to rules that have not heard of it.
func (t *troubles) again() {
	t.mu.Lock()
	t.waiting = slices.Clone(t.held)
	t.mu.Unlock()
	t.rouse()
}

func (t *troubles) rouse() {
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
