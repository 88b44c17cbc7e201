package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/store"
)

// announceWithin is how long an announcement waits for its commit: a disk that hangs must
// not silence an alarm. The promise is 250 ms; what is left is for the way to the output.
const announceWithin = 200 * time.Millisecond

// pendingState is the name under which the store keeps what is not announced yet. It is
// committed with the transitions themselves, so that a power cut between commit and
// announcement only makes them late.
const pendingState = "announcements"

// mostPending bounds what is kept for a late announcement; the oldest give way.
const mostPending = 200

// pendingNotice is a transition that some output has not taken yet.
type pendingNotice struct {
	Wall  time.Time        `json:"t,omitzero"`
	Event agent.AlarmEvent `json:"alarm"`

	// Of a level of the escalation; as of announce.Notice.
	Only    []string             `json:"only,omitempty"`
	To      []announce.Recipient `json:"to,omitempty"`
	Level   int                  `json:"level,omitempty"`
	WaitedS int64                `json:"waited_s,omitempty"`
	Advice  string               `json:"advice,omitempty"`
	Late    bool                 `json:"late,omitempty"`

	at       agent.Instant
	sounding agent.Severity
	standing []announce.Standing
	ticket   *store.Ticket // nil for those of an earlier life
	since    time.Duration // real time
}

// announcer brings transitions to the outputs, after their commit or 250 ms later.
type announcer struct {
	site       agent.SiteID
	gateway    agent.GatewayID
	zones      map[agent.ZoneID]string
	others     []string // outputs that are told transitions at once; nil: all
	boards     bool     // some output shows how all alarms stand
	drills     *drills
	now        func() agent.Instant
	store      *store.DB
	dispatcher *announce.Dispatcher
	log        *slog.Logger

	mu      sync.Mutex
	queue   []*pendingNotice // to be dispatched, in order
	pending []*pendingNotice // not yet taken by every output
	unread  bool             // what an earlier life left could not be read yet
	wake    chan struct{}    // capacity 1
}

func newAnnouncer(a *Agent) *announcer {
	n := &announcer{
		site: a.cfg.Site, gateway: a.cfg.Gateway, zones: map[agent.ZoneID]string{}, now: a.clock.Now,
		store: a.store, log: a.log, drills: a.drills, wake: make(chan struct{}, 1),
	}
	for _, z := range a.cfg.Zones {
		n.zones[z.ID] = z.Name
	}
	outputs := make([]announce.Named, len(a.cfg.Outputs))
	for i := range a.cfg.Outputs {
		o := &a.cfg.Outputs[i]
		outputs[i] = announce.Named{ID: o.ID, Output: &lateOutput{a: a, cfg: o}, Settings: o.Settings}
		if s, ok := o.Settings.(announce.Showing); ok {
			n.boards = n.boards || s.ShowsStanding()
		}
	}
	n.dispatcher = announce.New(outputs, a.health, a.log, announce.InZone(a.cfg.Location))
	return n
}

// expect notes transitions that are about to be appended, and what levels tell, and returns the
// state to commit with them; none while what an earlier life left could not be read.
func (n *announcer) expect(events []agent.Event, alarms *alarm.Engine, levels ...*pendingNotice) []store.AppendOption {
	n.mu.Lock()
	defer n.mu.Unlock()
	sounding := alarms.Sounding()
	var standing []announce.Standing
	for i := range events {
		if events[i].Alarm == nil || !events[i].Alarm.Reaches() {
			continue
		}
		if n.boards && standing == nil {
			standing = n.show(alarms.Active())
		}
		n.pending = append(n.pending, &pendingNotice{
			Wall: events[i].At.Wall, Event: *events[i].Alarm, at: events[i].At, sounding: sounding, standing: standing,
			since: clock.Elapsed(), Only: n.others,
		})
	}
	n.pending = append(n.pending, levels...)
	if over := len(n.pending) - mostPending; over > 0 {
		n.pending = n.pending[over:]
	}
	if n.unread {
		return nil
	}
	return []store.AppendOption{store.WithState(pendingState, n.blob())}
}

// blob is what is pending. The caller holds mu.
func (n *announcer) blob() []byte {
	blob, err := json.Marshal(n.pending)
	if err != nil {
		panic("daemon: pending announcements always marshal: " + err.Error())
	}
	return blob
}

// appended queues what was expected and is now under way to the disk.
func (n *announcer) appended(ticket *store.Ticket) {
	n.mu.Lock()
	for _, p := range n.pending {
		if p.ticket == nil && p.since != 0 {
			p.ticket = ticket
			n.queue = append(n.queue, p)
		}
	}
	n.mu.Unlock()
	n.poke()
}

func (n *announcer) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// begin queues what an earlier life committed and did not announce, marked late. What cannot
// be read does not keep the agent from starting.
func (n *announcer) begin(ctx context.Context) {
	blob, ok, err := n.store.State(ctx, pendingState)
	var old []*pendingNotice
	if err == nil && ok {
		err = json.Unmarshal(blob, &old)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.unread = errors.Is(err, store.ErrUnavailable); err != nil {
		n.log.Error("announcements of an earlier life not readable", slog.Any("err", err))
		return
	}
	for _, p := range old {
		p.Event.Late = true
		p.Late = p.Level > 0
		p.at = agent.Instant{Wall: p.Wall}
	}
	n.pending = append(old, n.pending...)
	n.queue = append(old, n.queue...)
}

// Run dispatches until ctx is done.
func (n *announcer) Run(ctx context.Context) error {
	outputs := make(chan error, 1)
	go func() { outputs <- n.dispatcher.Run(ctx) }()
	n.poke()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-n.wake:
			n.dispatch(ctx)
		}
	}
	return <-outputs
}

// dispatch hands on what is queued, each after its commit or its time.
func (n *announcer) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		n.mu.Lock()
		if len(n.queue) == 0 {
			n.mu.Unlock()
			return
		}
		p := n.queue[0]
		n.queue = n.queue[1:]
		n.mu.Unlock()
		if p.ticket != nil {
			wait, cancel := context.WithTimeout(ctx, announceWithin-(clock.Elapsed()-p.since))
			_ = p.ticket.Wait(wait) // whatever the disk says, the alarm goes out now
			cancel()
		}
		sounding := p.sounding
		if n.drills.running() {
			sounding = agent.SeverityCritical
		}
		first := n.dispatcher.Announce(announce.Notice{
			Site: n.site, Gateway: n.gateway, At: p.at, Event: &p.Event, ZoneName: n.zones[p.Event.Zone],
			Sounding: sounding, Standing: p.standing, Only: p.Only, To: p.To, Level: p.Level, Waited: time.Duration(p.WaitedS) * time.Second,
			Advice: p.Advice, Late: p.Late, Done: func() { n.taken(p) },
		})
		if !first {
			n.taken(p)
		}
	}
}

// taken notes that every output has the notice or has given it up.
func (n *announcer) taken(done *pendingNotice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, p := range n.pending {
		if p == done {
			n.pending = append(n.pending[:i:i], n.pending[i+1:]...)
			break
		}
	}
	if !n.unread {
		n.store.SaveState(pendingState, n.blob())
	}
}

// standing tells the outputs that follow the state how things stand after a start; what an
// earlier life left to be announced leaves them as they stand.
func (n *announcer) standing(active []alarm.Status, sounding agent.Severity, levels *escalation) {
	standing := n.show(active)
	n.mu.Lock()
	for _, p := range n.queue {
		p.sounding, p.standing = sounding, standing
		if len(p.Only) == 1 && levels.named(p.Only[0]) {
			p.sounding = levels.sounding(p.Only[0])
		}
	}
	n.mu.Unlock()
	notice := announce.Notice{Site: n.site, Gateway: n.gateway, At: n.now(), Sounding: sounding, Standing: standing, Only: n.others}
	n.dispatcher.Announce(notice)
	for i := range levels.cfg.Outputs {
		if id := levels.cfg.Outputs[i].ID; levels.named(id) {
			notice.Only, notice.Sounding = []string{id}, levels.sounding(id)
			n.dispatcher.Announce(notice)
		}
	}
}

// show is how alarms stand, for the outputs that show it.
func (n *announcer) show(active []alarm.Status) []announce.Standing {
	standing := make([]announce.Standing, 0, len(active))
	for i := range active {
		if a := &active[i]; a.Cause == "" || a.Cause == a.ID { // another one's message spoke for the rest
			standing = append(standing, announce.Standing{ZoneName: n.zones[a.Zone], Alarm: agent.AlarmEvent{
				ID: a.ID, Alarm: a.Alarm, Kind: a.Kind, Severity: a.Severity, Zone: a.Zone, Point: a.Point, Item: a.Item,
				State: a.State, Value: a.Value, Limit: a.Limit, Began: a.Began, Message: a.Message, Texts: a.Texts, Items: a.Items,
				By: a.By, Comment: a.Comment,
			}})
		}
	}
	return standing
}

// lateOutput opens its output with the first notice, and again after that failed: a pin that
// is not there must not keep the agent from starting.
type lateOutput struct {
	a    *Agent
	cfg  *config.Output
	open announce.Output
}

// Announce implements announce.Output.
func (o *lateOutput) Announce(ctx context.Context, n announce.Notice) error {
	if o.open == nil {
		driver := o.a.drivers.outputs[o.cfg.Driver]
		opened, err := driver.Open(ctx, o.host(), o.cfg.Settings)
		if err != nil {
			return fmt.Errorf("daemon: output %s: %w", o.cfg.ID, err)
		}
		o.open = opened
	}
	return o.open.Announce(ctx, n)
}

// host is what the output may use. A nil pointer of a bus that is not there must not become
// an interface.
func (o *lateOutput) host() announce.Host {
	return announce.Host{
		ID: o.cfg.ID, Site: o.a.cfg.Site, Gateway: o.a.cfg.Gateway, Secret: config.Resolve,
		Now: o.a.clock.Now, Zone: o.a.cfg.Location, Voice: o.cfg.Voice(), Log: o.a.log,
		Pin: func(name string) (announce.Pin, error) {
			p, err := o.a.host.Pin(name)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
		Input: func(name string) (announce.Input, error) {
			p, err := o.a.host.Pin(name)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
		I2C: func(name string) (announce.I2C, error) {
			b, err := o.a.host.I2C(name)
			if err != nil {
				return nil, err
			}
			return b, nil
		},
		Serial: func(device string, baud int) (announce.Serial, error) {
			l, err := o.a.host.Serial(device, baud)
			if err != nil {
				return nil, err
			}
			return l, nil
		},
	}
}

// Close implements announce.Output.
func (o *lateOutput) Close() error {
	if o.open == nil {
		return nil
	}
	return o.open.Close()
}
