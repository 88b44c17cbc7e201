package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// raceOptions keep every process under the race detector from waiting a second at its end.
const raceOptions = "atexit_sleep_ms=0"

// TestMain lets the test binary stand in for the command, so that the scripts run the very
// code under test, race detector included.
func TestMain(m *testing.M) {
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", raceOptions) // a variable can always be set
	}
	testscript.Main(tidy{m}, map[string]func(){"frostline": main})
}

// tidy runs the tests and then looks for goroutines that they left behind.
type tidy struct{ *testing.M }

func (t tidy) Run() int {
	code := t.M.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}
