package daemon

import (
	"log/slog"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
)

// What people do on the spot, with gloves on: a badge acknowledges, a button silences.

// nobodysUID stands in an act that nobody did over the control socket.
const nobodysUID = -1

// badge acknowledges, in the name of the person whose badge was scanned, everything that waits for
// somebody in the reader's zone or in none; at a reader without a zone, everything. The caller
// holds mu.
func (r *recorder) badge(s *agent.Scan) []agent.Event {
	p, is := r.rules.badges.of(s.Code)
	if !is {
		return nil
	}
	r.drills.answer(control.Person{Name: p.Name, UID: nobodysUID}, "badge at "+string(s.Reader))
	zone := r.zoneOf(s.Reader)
	var events []agent.Event
	for _, a := range r.rules.alarms.Active() {
		if !waits(&a) || zone != "" && a.Zone != "" && a.Zone != zone {
			continue
		}
		out, err := r.rules.command(s.At, alarm.Command{
			Do: agent.Acknowledged, ID: string(a.ID), By: p.Name, Comment: "badge at " + string(s.Reader),
		})
		events = append(events, out.Events...)
		r.wants(out.Next)
		if err != nil { // another one's acknowledgement covered it
			r.log.Debug("badge acknowledged nothing", slog.String("alarm", string(a.ID)), slog.Any("err", err))
		}
	}
	return events
}

func (r *recorder) zoneOf(reader agent.ReaderID) agent.ZoneID {
	for i := range r.calls.cfg.Scanners {
		if s := &r.calls.cfg.Scanners[i]; s.ID == reader {
			return s.Zone
		}
	}
	return ""
}

// mute silences what sounds, and is the record of it. The caller holds mu.
func (r *recorder) mute(at agent.Instant) agent.Record {
	m := r.calls.cfg.Mute
	for _, output := range r.calls.mutes() {
		r.announcer.dispatcher.Announce(announce.Notice{
			Site: r.announcer.site, Gateway: r.announcer.gateway, At: at, Sounding: r.sounding(output), Only: []string{output}, Mute: m.For,
		})
	}
	return agent.OfEvent(agent.Event{At: at, Kind: agent.EventChange, Change: &agent.StateChange{
		Subject: "mute", State: "muted", Detail: "by " + string(m.Point) + " for " + config.Duration(m.For),
	}})
}

// climb has the levels that alarms have reached told. The caller holds mu.
func (r *recorder) climb() {
	r.calls.reconcile(r.clock.Now(), r.rules.alarms.Active())
	if len(r.calls.calls) > 0 {
		r.append(nil, nil, true)
	}
}

// arm wakes Run if a moment is earlier than it would wake by itself. The caller holds mu.
func (r *recorder) arm(next time.Duration) {
	if next == 0 || next >= r.armed {
		return
	}
	r.armed = next
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// sounding is the highest severity of what an output has to sound for. The caller holds mu.
func (r *recorder) sounding(output string) agent.Severity {
	if r.drills.running() {
		return agent.SeverityCritical
	}
	if r.calls.named(output) {
		return r.calls.sounding(output)
	}
	return r.rules.alarms.Sounding()
}
