package upstreamtest

import (
	"testing"

	"github.com/frostline/frostline/sync/upstream"
)

// The fake is held to the suite that it is used beside.
func TestFake(t *testing.T) {
	Run(t, func(_ *testing.T, h upstream.Host) (upstream.Upstream, Far) {
		f := &Fake{Definitions: h.Definitions}
		return f, f.Far()
	})
}
