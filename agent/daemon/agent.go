package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/health"
	"github.com/frostline/frostline/agent/sample"
	"github.com/frostline/frostline/agent/store"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/emulated"
)

// Options are what an agent is built from. Config and Log are required.
type Options struct {
	Config  *config.Config
	Version string
	Built   time.Time   // floor of a clock that may be in 1970
	Clock   clock.Clock // nil: the machine's own
	Log     *slog.Logger

	// OnEmulated is told what begins and ends in the scripts of emulated buses. May be nil.
	OnEmulated func(emulated.Event)
	// Drain is how long a stop waits for upstreams to take what is left. 0: it does not wait;
	// the records are on disk.
	Drain time.Duration
	// Reload reads the config again, and has another agent run on it in the place of this one.
	// Agent.Reload asks for it. nil: not possible.
	Reload func() error

	fault   func(stage string) error // tests: the store's fault injection
	drivers *drivers                 // tests: in the place of the built-in ones
}

// Agent is a whole gateway. New builds it, Run runs it once.
type Agent struct {
	o       Options
	cfg     *config.Config
	version string
	log     *slog.Logger
	clock   clock.Clock
	drivers drivers
	began   time.Duration

	health     *health.Tracker
	troubles   *troubles
	store      *store.DB
	board      *board
	rules      *rules
	recorder   *recorder
	host       *bus.Host
	worlds     []*emulated.World
	lanes      []*sample.Lane
	scanners   []*sample.Scanner
	deliveries []*delivery
	announcer  *announcer
	drills     *drills
}

// New opens the store and builds everything, touching no hardware and no network. What it
// refuses is a config that cannot work, or a store that another agent has.
func New(ctx context.Context, o Options) (*Agent, error) {
	a := &Agent{o: o, cfg: o.Config, version: o.Version, log: o.Log, clock: o.Clock, drivers: builtIn()}
	if o.drivers != nil {
		a.drivers = *o.drivers
	}
	if a.clock == nil {
		a.clock = clock.NewSystem(o.Built)
	}
	a.began = a.clock.Now().Mono
	a.troubles = newTroubles()
	a.health = health.NewTracker(a.clock.Now, func(c health.Active, raised bool) {
		a.logCondition(c, raised)
		a.troubles.put(c, raised)
	})
	if err := a.openStore(ctx); err != nil {
		return nil, err
	}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *Agent) openStore(ctx context.Context) error {
	var err error
	a.store, err = store.Open(ctx, store.Options{
		Dir: a.cfg.Store.Dir, CommitWithin: a.cfg.Store.CommitWithin,
		Keep: store.Keep{Age: a.cfg.Store.Keep.Age, Bytes: int64(a.cfg.Store.Keep.Bytes), Free: int64(a.cfg.Store.Keep.Free)},
		Now:  a.clock.Now, DateFrom: a.cfg.Clock.Trust, MachineID: machineID(), Version: a.version,
		Upstreams: upstreamRefs(a.cfg), Conditions: a.health.For("store"), Log: a.log, Fault: a.o.fault,
	})
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	if system, ok := a.clock.(*clock.System); ok {
		system.RaiseFloor(a.store.Newest())
	}
	return nil
}

func upstreamRefs(cfg *config.Config) []store.UpstreamRef {
	refs := make([]store.UpstreamRef, len(cfg.Upstreams))
	for i, u := range cfg.Upstreams {
		refs[i] = store.UpstreamRef{ID: u.ID, FromNow: u.From == "now"}
	}
	return refs
}

// machineID tells a copied store from one that stayed; empty where the system has none.
func machineID() string {
	text, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func (a *Agent) build(ctx context.Context) error {
	defs := definitions(a.cfg)
	a.store.Define(defs)
	a.board = newBoard(defs, a.store.Definition)
	var err error
	if a.rules, err = newRules(a.cfg, a.store); err != nil {
		return err
	}
	if a.host, a.worlds, err = newHost(a.cfg, a.clock); err != nil {
		return err
	}
	a.drills = newDrills(a)
	a.announcer = newAnnouncer(a)
	a.announcer.begin(ctx)
	a.recorder = newRecorder(a)
	a.announcer.others = a.recorder.calls.others
	if err := a.recorder.begin(ctx); err != nil {
		return err
	}
	a.announcer.standing(a.recorder.rules.alarms.Active(), a.recorder.rules.alarms.Sounding(), a.recorder.calls)
	a.lanes = a.newLanes(a.host, a.clock.Now().Mono)
	a.scanners = a.newScanners(a.host)
	for i := range a.cfg.Upstreams {
		d, err := a.newDelivery(ctx, &a.cfg.Upstreams[i])
		if err != nil {
			return err
		}
		a.deliveries = append(a.deliveries, d)
	}
	return nil
}

// runControl serves the control socket. A disk that refuses to have one must not keep the
// agent from measuring: it is tried again.
func (a *Agent) runControl(ctx context.Context) error {
	for ctx.Err() == nil {
		server, err := control.Listen(a.cfg.Store.Dir, a.verbs(), a.log)
		if err == nil {
			err = server.Run(ctx)
		}
		if ctx.Err() != nil {
			break
		}
		a.log.Warn("control socket not served", slog.Any("err", err))
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
	return nil
}

// close frees what New opened, for an agent that is never run.
func (a *Agent) close() error {
	var errs []error
	for _, d := range a.deliveries {
		errs = append(errs, d.up.Close())
	}
	errs = append(errs, a.closeHardware(), a.store.Close())
	return errors.Join(errs...)
}

func (a *Agent) closeHardware() error {
	var errs []error
	for _, w := range a.worlds {
		errs = append(errs, w.Close())
	}
	if a.host != nil {
		errs = append(errs, a.host.Close())
	}
	return errors.Join(errs...)
}

// phase is a part of the agent whose goroutines end together.
type phase struct {
	group  *errgroup.Group
	ctx    context.Context
	cancel context.CancelFunc
}

func newPhase() *phase {
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	return &phase{g, ctx, cancel}
}

func (p *phase) run(f func(context.Context) error) { p.group.Go(func() error { return f(p.ctx) }) }

func (p *phase) stop() error {
	p.cancel()
	return p.group.Wait()
}

// ErrReplaced as the cause of a Run's end says that another agent goes on in the same process.
var ErrReplaced = errors.New("another agent goes on")

// Run runs the agent until ctx is done, and then stops from left to right: first measuring,
// then the rules, then delivery, at last the store, so that nothing that was measured is
// left behind. An error is a defect or a store that could not be closed. systemd is told
// that the service stops, unless the cause is ErrReplaced.
func (a *Agent) Run(ctx context.Context) error {
	left, middle, right, disk := newPhase(), newPhase(), newPhase(), newPhase()
	phases := []*phase{left, middle, right, disk}
	disk.run(a.store.Run)
	for _, d := range a.deliveries {
		right.run(d.Run)
	}
	right.run(a.announcer.Run)
	right.run(a.drills.Run)
	right.run(a.runControl)
	if a.cfg.Web.Listen != config.WebOff {
		right.run((&web{a.cfg.Web.Listen, a.Status, a.recorder.counts, a.health.For("web"), a.log}).Run)
	}
	middle.run(a.recorder.Run)
	middle.run(a.runClock)
	middle.run(a.watchBuses)
	for _, w := range a.worlds {
		left.run(func(ctx context.Context) error { return w.Run(ctx, a.clock, a.emulatedEvent) })
	}
	for _, l := range a.lanes {
		left.run(l.Run)
	}
	for _, s := range a.scanners {
		left.run(s.Run)
	}
	left.run((&watchdog{a.clock.Now, a.lanes, a.recorder, a.store, a.log}).Run)

	a.recorder.Event(a.change("agent", "started", a.version))
	notify(a.log, sdnotify.SdNotifyReady)
	a.log.Info("agent started", slog.String("site", string(a.cfg.Site)), slog.String("gateway", string(a.cfg.Gateway)),
		slog.Int("sensors", len(a.lanes)), slog.Int("scanners", len(a.scanners)), slog.Int("upstreams", len(a.deliveries)))
	waitAny(ctx, phases)
	if !errors.Is(context.Cause(ctx), ErrReplaced) {
		notify(a.log, sdnotify.SdNotifyStopping)
	}
	errs := []error{left.stop()}
	a.recorder.Event(a.change("agent", "stopped", ""))
	errs = append(errs, middle.stop())
	a.drain(a.recorder.checkpoint())
	errs = append(errs, right.stop(), disk.stop(), a.closeHardware())
	a.log.Info("agent stopped")
	return errors.Join(errs...)
}

// waitAny returns when ctx is done or any phase has ended by itself, which is a defect.
func waitAny(ctx context.Context, phases []*phase) {
	ended := make(chan struct{})
	var once sync.Once
	for _, p := range phases {
		defer context.AfterFunc(p.ctx, func() { once.Do(func() { close(ended) }) })()
	}
	select {
	case <-ctx.Done():
	case <-ended:
	}
}

// drain lets the upstreams take what is left, for a while.
func (a *Agent) drain(committed *store.Ticket) {
	if a.o.Drain == 0 {
		return // the store commits what is queued before it ends
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.o.Drain)
	defer cancel()
	if err := committed.Wait(ctx); err != nil {
		a.log.Warn("not everything is on disk yet", slog.Any("err", err))
	}
	var wg sync.WaitGroup
	for _, d := range a.deliveries {
		wg.Go(func() {
			if err := d.pump.Drain(ctx); err != nil {
				a.log.Info("records wait for the next start", slog.String("upstream", string(d.cfg.ID)), slog.Any("err", err))
			}
		})
	}
	wg.Wait()
}

func (a *Agent) emulatedEvent(e emulated.Event) {
	if a.o.OnEmulated != nil {
		a.o.OnEmulated(e)
	}
}

func (a *Agent) change(subject, state, detail string) agent.Event {
	return agent.Event{At: a.clock.Now(), Kind: agent.EventChange,
		Change: &agent.StateChange{Subject: subject, State: state, Detail: detail}}
}

// logCondition tells the journal once that a condition begins or ends.
func (a *Agent) logCondition(c health.Active, raised bool) {
	attrs := []any{slog.String("condition", c.Code), slog.String("subject", c.Subject), slog.String("detail", c.Detail)}
	if raised {
		a.log.Warn("condition raised", attrs...)
		return
	}
	a.log.Info("condition cleared", attrs...)
}

// reloadWithin is how long a reload waits for the disk.
const reloadWithin = 5 * time.Second

// Reload has the config read again. While the disk takes no records it refuses: those that
// are in memory end with the agent that measured them.
func (a *Agent) Reload(ctx context.Context) error {
	if a.o.Reload == nil {
		return fmt.Errorf("%w: this agent cannot reload its config", control.ErrUsage)
	}
	ctx, cancel := context.WithTimeout(ctx, reloadWithin)
	defer cancel()
	if err := a.recorder.checkpoint().Wait(ctx); err != nil {
		return fmt.Errorf("reload once the disk takes records again; those in memory would be lost: %w", err)
	}
	return a.o.Reload()
}

// Refuse says that a changed config was refused; the present one stays in force.
func (a *Agent) Refuse(err error) { a.health.Raise("config-refused", "config", err.Error()) }

// Dir is the store's directory.
func (a *Agent) Dir() string { return a.cfg.Store.Dir }

var _ sample.Sink = (*recorder)(nil)
