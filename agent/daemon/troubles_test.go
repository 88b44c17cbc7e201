package daemon

import (
	"fmt"
	"testing"

	"github.com/frostline/frostline/agent/health"
)

// TestTroublesAreToldAgain: rules that take the place of others hear of everything that holds,
// once, and of nothing that is over.
func TestTroublesAreToldAgain(t *testing.T) {
	c := func(code, subject string) health.Active { return health.Active{Code: code, Subject: subject} }
	troubles := newTroubles()
	troubles.put(c("store-unreadable", "store"), true)
	troubles.put(c("upstream-login", "hq"), true)
	troubles.take()
	troubles.put(c("store-unreadable", "store"), false)
	troubles.put(c("upstream-login", "hq"), true)
	troubles.again()
	if got := fmt.Sprint(troubles.take()); got != "[{upstream-login hq  true}]" {
		t.Error(got)
	}
	select {
	case <-troubles.wake:
	default:
		t.Error("nobody is woken")
	}
}
