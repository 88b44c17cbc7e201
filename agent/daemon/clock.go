package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/control"
)

// runClock dates records as soon as the clock can be trusted enough, and records its steps.
func (a *Agent) runClock(ctx context.Context) error {
	a.judgeClock(a.clock.Now())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.dateHeld(ctx)
	}()
	defer func() { <-done }()
	watched, ok := a.clock.(interface {
		Run(ctx context.Context, changed func(clock.Change)) error
	})
	if !ok {
		<-ctx.Done() // a clock that never steps
		return nil
	}
	return watched.Run(ctx, a.clockChanged)
}

func (a *Agent) clockChanged(c clock.Change) {
	a.recorder.Event(agent.Event{At: c.At, Kind: agent.EventClock, Clock: &agent.ClockEvent{
		Trust: c.At.Trust, Was: c.Was, OldOffset: c.Old.Milliseconds(), NewOffset: c.New.Milliseconds(), By: c.By,
	}})
	a.judgeClock(c.At)
}

// judgeClock sets the conditions, and dates what waited for a clock as good as this.
func (a *Agent) judgeClock(now agent.Instant) {
	for trust, code := range map[agent.ClockTrust]string{agent.ClockUnset: "clock-unset", agent.ClockHeld: "clock-held"} {
		if now.Trust == trust {
			a.health.Raise(code, "clock", "")
		} else {
			a.health.Clear(code, "clock")
		}
	}
	if now.Trust >= a.cfg.Clock.Trust {
		a.date(now)
	}
}

// dateHeld dates what waits for a confirmed clock with an unconfirmed one, once clock.wait is over.
func (a *Agent) dateHeld(ctx context.Context) {
	if a.cfg.Clock.Trust != agent.ClockSynced {
		return
	}
	for due := a.clock.Now().Mono + a.cfg.Clock.Wait; ; due += time.Second {
		if clock.Wait(ctx, a.clock, due) != nil {
			return
		}
		switch now := a.clock.Now(); now.Trust {
		case agent.ClockHeld:
			a.date(now)
			return
		case agent.ClockSynced:
			return
		}
	}
}

// date gives the records of this boot their wall time; the first call of a boot counts.
func (a *Agent) date(now agent.Instant) {
	a.store.Date(now.Boot, time.Duration(now.Wall.UnixNano())-now.Mono, now.Trust)
}

// setClock takes a person's word for the time.
func (a *Agent) setClock(_ context.Context, who control.Person, wall time.Time) error {
	system, ok := a.clock.(*clock.System)
	if !ok {
		return fmt.Errorf("%w: this agent runs on a clock of its own", control.ErrUsage)
	}
	if !wall.IsZero() && wall.Before(a.o.Built) {
		return fmt.Errorf("%w: %s is before this version was built (%s)", control.ErrUsage, wall.Format(time.RFC3339), a.o.Built.Format(time.RFC3339))
	}
	c := system.Set(wall, who.Name)
	if c.At.Trust == agent.ClockUnset {
		return fmt.Errorf("%w: the machine's clock is before this version was built (%s): say the time", control.ErrUsage, a.o.Built.Format(time.RFC3339))
	}
	a.recorder.Event(agent.Event{At: c.At, Kind: agent.EventAct, Act: &agent.Act{
		Verb: "clock set", Subject: "clock", By: who.Name, UID: who.UID, Comment: c.At.Wall.Format(time.RFC3339),
	}})
	a.clockChanged(c)
	return nil
}
