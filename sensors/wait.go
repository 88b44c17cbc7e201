package sensors

import (
	"context"
	"time"
)

// Wait returns nil after d, or ctx's error before: for the short times that a chip asks
// for within a Read. Conversions belong between Start and Read.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
