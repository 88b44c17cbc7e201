package profile_test

import (
	"testing"

	"github.com/frostline/frostline/agent/daemon"
	"github.com/frostline/frostline/agent/profile"
	"github.com/frostline/frostline/configs"
)

// Every profile loads with the alarms that the agent has.
func TestProfilesFitTheAgent(t *testing.T) {
	l := profile.NewLibrary(configs.Profiles(), daemon.Known())
	for _, id := range l.Names() {
		if _, err := l.Open(id); err != nil {
			t.Errorf("%v", err)
		}
	}
}
