package peers

import (
	"context"
	"testing"
	"time"
)

// Await polls until ok returns true and fails the test after a generous time: what names
// what was waited for.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v in vain: %s", startWithin, what)
		case <-look.C:
		}
	}
}
