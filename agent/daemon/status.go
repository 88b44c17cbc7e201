package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/health"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sync/wire"
)

// statusWithin is how long status waits for a disk.
const statusWithin = 2 * time.Second

// Status is what the agent is, measures and worries about now. It is told whatever the disk does.
func (a *Agent) Status(ctx context.Context) (control.Status, error) {
	now := a.clock.Now()
	s := control.Status{
		Site: a.cfg.Site, Gateway: a.cfg.Gateway, Running: true, Version: a.version, Now: now.Wall, Timezone: a.cfg.Timezone, Clock: new(now.Trust), Boot: now.Boot,
		UptimeS: new(int64((now.Mono - a.began) / time.Second)),
		Zones:   a.board.zones(zonesOf(a.cfg), now), Conditions: a.health.Active(),
	}
	s.Alarms, s.Stock = a.recorder.standing()
	s.Trip, s.Cases = a.recorder.journeys()
	head := a.store.Head()
	s.Store = control.Store{Epoch: head.Epoch, Last: head.Seq, InMemory: a.store.InMemory()}
	// What the store counts is left out while it cannot be read: what is wrong must be told then too.
	ctx, cancel := context.WithTimeout(ctx, statusWithin)
	defer cancel()
	if !a.health.Holds("store-hanging", "store") {
		if stat, err := a.store.Stat(ctx); err == nil {
			s.Store.Records, s.Store.Bytes, s.Store.SetAside = total(stat.Records), stat.Bytes+stat.WALBytes, stat.SetAside
		}
	}
	s.Upstreams = make([]control.Upstream, len(a.deliveries))
	for i, d := range a.deliveries {
		s.Upstreams[i] = d.status(ctx)
	}
	return s, nil
}

func total(kinds map[agent.Kind]int64) int64 {
	var n int64
	for _, count := range kinds {
		n += count
	}
	return n
}

func zonesOf(cfg *config.Config) []control.Zone {
	zones := make([]control.Zone, len(cfg.Zones))
	for i, z := range cfg.Zones {
		zones[i] = control.Zone{ID: z.ID, Name: z.Name}
	}
	return zones
}

// standing is how alarms and stock stand.
func (r *recorder) standing() ([]control.Alarm, []control.StockLine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rules.active(), r.rules.balances()
}

// journeys are the open trip, nil if there is none, and the open cases.
func (r *recorder) journeys() (*control.Trip, []agent.ExcursionEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rules.trips.open(), r.rules.trips.cases.Cases()
}

// Counts is what passed since the start: readings including faults, and alarms raised.
func (a *Agent) Counts() (readings, raised int64) {
	c := a.recorder.counts()
	return c.Readings, c.Raised
}

// Inspect reads what can be known of an agent that does not run from its store.
func Inspect(ctx context.Context, cfg *config.Config) (control.Status, error) {
	r, err := store.OpenReadOnly(ctx, cfg.Store.Dir)
	if err != nil {
		return control.Status{}, err
	}
	defer r.Close()
	rules, err := newRules(cfg, r)
	if err != nil {
		return control.Status{}, err
	}
	rec := &recorder{board: newBoard(definitions(cfg), r.Definition), rules: rules, log: slog.New(slog.DiscardHandler)}
	if err := recall(ctx, r, rec.board); err != nil {
		return control.Status{}, err
	}
	if _, err := rec.replay(ctx, r); err != nil {
		return control.Status{}, err
	}
	stat, err := r.Stat(ctx)
	if err != nil {
		return control.Status{}, err
	}
	head := r.Head()
	s := control.Status{
		Site: cfg.Site, Gateway: cfg.Gateway, Timezone: cfg.Timezone, Zones: rec.board.zones(zonesOf(cfg), agent.Instant{}),
		Store: control.Store{
			Epoch: head.Epoch, Last: head.Seq, Records: total(stat.Records), Bytes: stat.Bytes + stat.WALBytes, SetAside: stat.SetAside,
		},
		Upstreams: []control.Upstream{}, Conditions: []health.Active{},
	}
	s.Alarms, s.Stock = rec.standing()
	s.Trip, s.Cases = rec.journeys()
	for _, u := range cfg.Upstreams {
		up := control.Upstream{ID: u.ID, Driver: u.Driver, State: "stopped"}
		for lane, kinds := range map[string][]agent.Kind{
			"urgent": {agent.KindAlarms},
			"main":   {agent.KindReadings, agent.KindScans, agent.KindEvents, agent.KindStock},
		} {
			n, err := r.Waiting(ctx, store.Cursor{Upstream: u.ID, Lane: lane}, kinds...)
			if err != nil {
				return s, err
			}
			up.Waiting += n
		}
		s.Upstreams = append(s.Upstreams, up)
	}
	return s, nil
}

// recalled is how many of the newest records are looked through for the last values.
const recalled = 20_000

// recall puts the last recorded values on the board, from the newest records of the running epoch.
func recall(ctx context.Context, r *store.Reader, b *board) error {
	from := r.Head()
	if from.Seq -= min(from.Seq, recalled); from.Epoch == 0 {
		return nil
	}
	records, err := r.After(ctx, from, recalled, agent.KindReadings)
	if err != nil {
		return fmt.Errorf("daemon: inspect: %w", err)
	}
	for i := range records {
		b.take([]agent.Reading{records[i].Reading})
	}
	return nil
}

// verbs are what the control socket offers.
func (a *Agent) verbs() control.Agent {
	return control.Agent{
		Status:   a.Status,
		Ack:      a.ack,
		Alarm:    a.command,
		Trips:    a,
		Drills:   a,
		Stat:     func(ctx context.Context) (any, error) { return a.store.Stat(ctx) },
		Backup:   a.backup,
		Requeue:  a.requeue,
		Forget:   a.forget,
		SetClock: a.setClock,
		Reload:   a.reload,
		Tail:     a.tail,
	}
}

func (a *Agent) ack(ctx context.Context, who control.Person, req control.AckRequest) (control.AckReply, error) {
	if a.drills.answers(req.ID, who) {
		return control.AckReply{Acknowledged: []agent.AlarmEventID{a.drills.id()}}, nil
	}
	all := req.ID == "all"
	ids := []string{req.ID}
	if all {
		ids = a.recorder.unacknowledged()
	}
	reply := control.AckReply{Acknowledged: []agent.AlarmEventID{}}
	var last *store.Ticket // commits keep their order: when the last is on disk, all are
	for _, id := range ids {
		done, ticket, err := a.recorder.command(alarm.Command{Do: agent.Acknowledged, ID: id, By: who.Name, Comment: req.Comment}, who.UID)
		if all && (errors.Is(err, alarm.ErrUnknown) || errors.Is(err, alarm.ErrAcknowledged)) {
			continue // over or raised anew meanwhile
		}
		if errors.Is(err, alarm.ErrNobody) || errors.Is(err, alarm.ErrNoComment) {
			return reply, fmt.Errorf("%w: %w", control.ErrUsage, err)
		}
		if err != nil {
			return reply, err
		}
		reply.Acknowledged = append(reply.Acknowledged, done...)
		last = ticket
	}
	if last == nil {
		return reply, nil
	}
	return reply, waitFor(ctx, last)
}

// command does what a person asks for about an alarm beside acknowledging it.
func (a *Agent) command(ctx context.Context, who control.Person, req control.AlarmRequest) (control.AlarmReply, error) {
	reply := control.AlarmReply{Alarms: []agent.AlarmEventID{}}
	if req.Do == agent.Acknowledged {
		return reply, fmt.Errorf("%w: acknowledge with /v1/ack", control.ErrUsage)
	}
	done, ticket, err := a.recorder.command(alarm.Command{
		Do: req.Do, ID: req.ID, By: who.Name, Comment: req.Comment, For: time.Duration(req.ForS) * time.Second,
	}, who.UID)
	for _, usage := range []error{alarm.ErrNoName, alarm.ErrNoReason, alarm.ErrShelfTime, alarm.ErrCommand} {
		if errors.Is(err, usage) {
			return reply, fmt.Errorf("%w: %w", control.ErrUsage, err)
		}
	}
	if err != nil {
		return reply, err
	}
	reply.Alarms = done
	return reply, waitFor(ctx, ticket)
}

// waitFor waits until what a person did is on disk, or says that it is not there yet.
func waitFor(ctx context.Context, t *store.Ticket) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := t.Wait(ctx); err != nil {
		return fmt.Errorf("done, but not on disk yet: %w", err)
	}
	return nil
}

// unacknowledged lists the occurrences that wait for a person.
func (r *recorder) unacknowledged() []string {
	alarms, _ := r.standing()
	var ids []string
	for _, al := range alarms {
		if al.State == agent.StateUnack || al.State == agent.StateRtnUnack {
			ids = append(ids, string(al.ID))
		}
	}
	return ids
}

// act records what a person did.
func (a *Agent) act(who control.Person, verb, subject string) {
	a.recorder.Event(agent.Event{At: a.clock.Now(), Kind: agent.EventAct,
		Act: &agent.Act{Verb: verb, Subject: subject, By: who.Name, UID: who.UID}})
}

func (a *Agent) backup(ctx context.Context, who control.Person, file string) error {
	if !filepath.IsAbs(file) {
		return fmt.Errorf("%w: %s: want an absolute path", control.ErrUsage, file)
	}
	if err := a.store.Backup(ctx, file); err != nil {
		return err
	}
	a.act(who, "backup", file)
	return nil
}

func (a *Agent) requeue(ctx context.Context, who control.Person, id string) (int64, error) {
	if err := a.knows(id); err != nil {
		return 0, err
	}
	n, err := a.store.Requeue(ctx, agent.UpstreamID(id))
	if err == nil && n > 0 {
		a.act(who, "requeue", "upstream/"+id)
	}
	return int64(n), err
}

func (a *Agent) forget(ctx context.Context, who control.Person, id string) error {
	if a.knows(id) == nil {
		return fmt.Errorf("%w: upstream %s is in the config; take it out first", control.ErrUsage, id)
	}
	stat, err := a.store.Stat(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(stat.Cursors, func(c store.CursorStat) bool { return string(c.Upstream) == id }) {
		return fmt.Errorf("no upstream %s is remembered", id)
	}
	if err := a.store.Forget(ctx, agent.UpstreamID(id)); err != nil {
		return err
	}
	a.act(who, "forget", "upstream/"+id)
	return nil
}

func (a *Agent) knows(id string) error {
	for _, d := range a.deliveries {
		if string(d.cfg.ID) == id {
			return nil
		}
	}
	return fmt.Errorf("%w: no upstream %s in the config", control.ErrUsage, id)
}

func (a *Agent) reload(ctx context.Context, who control.Person) error {
	if err := a.Reload(ctx); err != nil {
		return err
	}
	a.act(who, "reload", "config")
	return nil
}

// tail hands on records as they are committed, from the present on.
func (a *Agent) tail(ctx context.Context, line func([]byte) error) error {
	wake, stop := a.store.Watch()
	defer stop()
	g := wire.Gateway{Site: a.cfg.Site, Gateway: a.cfg.Gateway}
	for at := a.store.Head(); ; {
		records, err := a.store.After(ctx, at, 1000)
		if err != nil {
			return err
		}
		for i := range records {
			at = records[i].Position
			if records[i].Waiting() {
				continue // it has no date yet; it can be exported later
			}
			text, err := wire.AppendRecord(nil, g, &records[i], a.store)
			if err != nil {
				return err
			}
			if err := line(text); err != nil {
				return err
			}
		}
		if len(records) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		}
	}
}
