package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/sample"
)

// late is how far a lane may be behind before it counts as stuck. A lane that cannot read
// its device declares failures on time; one that does neither for so long hangs.
const late = 30 * time.Second

// watchdog tells systemd that the agent does its work: every lane produces values or
// declared failures on time, the rules are stepped, and the store has committed or has
// declared itself out of order. A sick disk is declared, so it never feeds a restart loop.
type watchdog struct {
	now      func() agent.Instant
	lanes    []*sample.Lane
	recorder interface {
		Responds(ctx context.Context) bool
	}
	store interface{ Stalled() (time.Duration, bool) } // neither committed nor declared itself out of order
	log   *slog.Logger
}

// Run feeds the watchdog while everything works, until ctx is done. Where systemd watches
// nobody it returns at once.
func (w *watchdog) Run(ctx context.Context) error {
	every, err := sdnotify.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return nil //nolint:nilerr // a malformed WATCHDOG_USEC means that nobody watches
	}
	ticker := time.NewTicker(every / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if reason := w.stuck(ctx); reason != "" {
			w.log.Error("watchdog not fed", slog.String("reason", reason))
			continue
		}
		if _, err := sdnotify.SdNotify(false, sdnotify.SdNotifyWatchdog); err != nil {
			w.log.Warn("watchdog cannot be fed", slog.Any("err", err))
		}
	}
}

// stuck says what does not do its work, empty if everything does.
func (w *watchdog) stuck(ctx context.Context) string {
	mono := w.now().Mono
	for _, l := range w.lanes {
		if d := l.Behind(mono); d > late {
			return fmt.Sprintf("sensor %s has produced neither values nor faults for %s beyond its interval", l.ID(), d.Round(time.Second))
		}
	}
	if !w.recorder.Responds(ctx) {
		return "the rules are not stepped"
	}
	if d, stalled := w.store.Stalled(); stalled {
		return fmt.Sprintf("the store has neither committed nor declared itself out of order for %s", d.Round(time.Second))
	}
	return ""
}

// notify tells systemd a state word; without systemd it does nothing.
func notify(log *slog.Logger, state string) {
	if _, err := sdnotify.SdNotify(false, state); err != nil {
		log.Warn("systemd cannot be told", slog.String("state", state), slog.Any("err", err))
	}
}
