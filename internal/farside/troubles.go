package farside

import (
	"fmt"
	"sync"
	"time"
)

// ShownWithin is how long something is waited for in silence. After that its absence is a
// condition, while the waiting may go on.
const ShownWithin = 4 * time.Second

// Conditions takes what is wrong.
type Conditions interface {
	Raise(code, detail string)
	Clear(code string)
}

// Troubles raises conditions and remembers which, so that they end together once all is
// well. Its methods are safe for use by several goroutines.
type Troubles struct {
	To Conditions

	mu     sync.Mutex
	raised map[string]bool
}

// Raise says that the condition holds.
func (t *Troubles) Raise(code, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.raise(code, detail)
}

func (t *Troubles) raise(code, detail string) {
	if t.raised == nil {
		t.raised = map[string]bool{}
	}
	t.raised[code] = true
	t.To.Raise(code, detail)
}

// Clear ends every condition raised so far.
func (t *Troubles) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for code := range t.raised {
		t.To.Clear(code)
	}
	t.raised = nil
}

// Expect raises the condition if done is not called within ShownWithin.
func (t *Troubles) Expect(code, detail string) (done func()) {
	over := false // guarded by t.mu
	timer := time.AfterFunc(ShownWithin, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !over {
			t.raise(code, fmt.Sprintf("%s for %v", detail, ShownWithin))
		}
	})
	return func() {
		timer.Stop()
		t.mu.Lock()
		defer t.mu.Unlock()
		over = true
	}
}
