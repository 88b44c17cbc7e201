package receive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/internal/backoff"
	"github.com/frostline/frostline/internal/durable"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/sync/wire"
)

// Options say what a receiver listens to and where it keeps what it hears.
type Options struct {
	Dir     string           // ledger, journal, set-aside messages; made if absent
	Broker  mqttconn.Options // URL, identity, TLS; the rest is the receiver's own
	Filters []string         // topics; empty: those of every gateway, frostline/v1/+/+/+
	Sink    func(add func(*wire.Batch)) (Sink, error)
	Digests int // newest contents remembered per gateway; 0: 4096
	Clock   clock.Clock
	OnAlarm func(Alarm) // may be nil; alarms are also lines in alarms.jsonl
	Log     *slog.Logger

	Elapsed func() time.Duration // real monotonic time, for silence; nil: clock.Elapsed
}

// maxPacket is more than the largest batch that a gateway can be configured to send (16 MiB,
// cut by estimates of its records' sizes). A larger packet ends the connection, and the kept
// session brings it again: a broker of many parties should have a limit of its own.
const maxPacket = 32 << 20

// Receiver takes records from a broker. Run runs it once.
type Receiver struct {
	o       Options
	ledger  *Ledger
	journal *journal
	sink    Sink
	silence *silence
	backoff *backoff.Backoff

	connected atomic.Bool
	unusable  atomic.Int64 // messages that were set aside
	heard     atomic.Bool  // something, since ledger.json was written
	changed   atomic.Bool  // some gateway's state, since ledger.json was written
}

// New opens the receiver's directory and brings the ledger to where it was.
func New(o Options) (*Receiver, error) {
	if len(o.Filters) == 0 {
		o.Filters = []string{"frostline/v1/+/+/+"}
	}
	if o.Elapsed == nil {
		o.Elapsed = clock.Elapsed
	}
	if o.Digests == 0 {
		o.Digests = 4096
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	r := &Receiver{o: o, ledger: NewLedger(o.Digests), silence: newSilence(), backoff: backoff.New(time.Second, 30*time.Second, time.Minute, rand.Uint64())}
	var err error
	if r.journal, err = openJournal(o.Dir, r.ledger); err != nil {
		return nil, err
	}
	r.sink, err = o.Sink(func(b *wire.Batch) { r.ledger.Add(EntryOf(b)) })
	if err != nil {
		return nil, errors.Join(err, r.journal.close())
	}
	// What the sink knew and the journal did not must be in the ledger before the sink begins
	// another file: after the next power cut it is not asked for this one again.
	if err := r.journal.fold(); err != nil {
		return nil, errors.Join(err, r.sink.Close(), r.journal.close())
	}
	for _, a := range r.ledger.Accounts() {
		r.silence.watch(wire.Gateway{Site: a.Site, Gateway: a.Gateway}, a.AlwaysOn, o.Elapsed())
	}
	r.silence.setDeaf(true, o.Elapsed())
	return r, nil
}

// Ledger is what came and what is missing.
func (r *Receiver) Ledger() *Ledger { return r.ledger }

// Connected reports whether the receiver has its broker.
func (r *Receiver) Connected() bool { return r.connected.Load() }

// Unusable is how many messages could not be understood and were set aside.
func (r *Receiver) Unusable() int64 { return r.unusable.Load() }

// Run receives until ctx is done, then closes sink and ledger. A broker that cannot be
// reached is tried again for ever; only a ledger that cannot be closed is an error.
func (r *Receiver) Run(ctx context.Context) error {
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		r.watchSilence(ctx)
	}()
	for ctx.Err() == nil {
		err := r.connection(ctx)
		if ctx.Err() != nil {
			break
		}
		r.o.Log.Warn("broker lost", slog.Any("err", err))
		select {
		case <-ctx.Done():
		case <-time.After(r.backoff.Failed(clock.Elapsed())):
		}
	}
	<-watching
	return errors.Join(r.sink.Close(), r.journal.close())
}

// connection receives over one connection until it ends.
func (r *Receiver) connection(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	o := r.o.Broker
	o.KeepSession = true
	o.MaxPacket = maxPacket
	o.OnMessage = func(m mqttconn.Message) {
		if err := r.Take(ctx, m.Topic, m.Payload, m.Retained); err != nil {
			cancel(err) // not acknowledged: it comes again over the next connection
			return
		}
		m.Ack()
	}
	conn, err := mqttconn.Dial(ctx, o)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Subscribe(ctx, r.o.Filters...); err != nil {
		return err
	}
	r.hears(true)
	defer r.hears(false)
	r.backoff.Worked(clock.Elapsed())
	select {
	case <-ctx.Done():
	case <-conn.Lost():
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return conn.Err()
}

func (r *Receiver) hears(yes bool) {
	r.connected.Store(yes)
	r.silence.setDeaf(!yes, r.o.Elapsed())
}

// Take handles one message and returns nil once its effect is durable. An error means that
// it must come again; a message that can never be understood is set aside and is no error.
// A retained message was said earlier: it is no sign of life.
func (r *Receiver) Take(ctx context.Context, topic string, payload []byte, retained bool) error {
	if len(payload) == 0 {
		return nil // a cleared retained message
	}
	err := r.take(ctx, topic, payload, retained)
	var bad *unusableError
	if errors.As(err, &bad) {
		return r.setAside(topic, payload, bad.err)
	}
	return err
}

// unusableError says that a message can never be understood.
type unusableError struct{ err error }

func (e *unusableError) Error() string { return e.err.Error() }

func (r *Receiver) take(ctx context.Context, topic string, payload []byte, retained bool) error {
	g, last, err := parseTopic(topic)
	if err != nil {
		return &unusableError{err}
	}
	switch last {
	case "status":
		s, err := wire.ParseStatus(payload)
		if err == nil && (wire.Gateway{Site: s.Site, Gateway: s.Gateway}) != g {
			err = errTopic
		}
		if err != nil {
			return &unusableError{err}
		}
		r.status(g, s, retained)
		return nil
	case "info":
		from, info, err := wire.ParseInfo(payload)
		if err == nil && from != g {
			err = errTopic
		}
		if err != nil {
			return &unusableError{err}
		}
		r.ledger.Info(g, info)
		r.silence.watch(g, info.AlwaysOn, r.o.Elapsed())
		return nil
	}
	b, err := wire.ParseBatch(payload)
	if err == nil && b.From != g {
		err = errTopic
	}
	if err != nil {
		return &unusableError{err}
	}
	if err := r.batch(ctx, &b); err != nil {
		return err
	}
	r.alive(g)
	return nil
}

var errTopic = errors.New("receive: the message names another gateway than its topic")

// parseTopic is the gateway and the last part of "frostline/v1/<site>/<gateway>/<last>".
func parseTopic(topic string) (wire.Gateway, string, error) {
	part := strings.Split(topic, "/")
	if len(part) != 5 || part[0] != "frostline" || part[1] != "v1" {
		return wire.Gateway{}, "", fmt.Errorf("receive: topic %q: want frostline/v1/<site>/<gateway>/<what>", topic)
	}
	return wire.Gateway{Site: agent.SiteID(part[2]), Gateway: agent.GatewayID(part[3])}, part[4], nil
}

func (r *Receiver) status(g wire.Gateway, s wire.Status, retained bool) {
	if !r.ledger.Status(s) {
		return
	}
	if s.State == wire.Offline || retained {
		r.changed.Store(true)
	}
	if s.State == wire.Offline {
		r.silence.wentOffline(g, r.o.Elapsed())
		return
	}
	r.silence.know(g, s.EveryS, r.o.Elapsed())
	if !retained {
		r.alive(g)
	}
}

// batch writes what is new of a batch, each record once.
func (r *Receiver) batch(ctx context.Context, b *wire.Batch) error {
	lines := make([][]byte, len(b.Records))
	for i := range b.Records {
		line, err := wire.AppendRecord(nil, b.From, &b.Records[i], b)
		if err != nil {
			return &unusableError{err}
		}
		lines[i] = line
	}
	fresh, doubled := r.ledger.Sort(b, lines)
	for _, pos := range doubled {
		r.alarm(b.From, "position-doubled", agent.Raised, "position "+pos.String()+" came with two contents: two gateways with one name, or a copied store")
	}
	if len(fresh) > 0 {
		part := *b
		part.Records = nil
		var text [][]byte
		for _, i := range fresh {
			part.Records = append(part.Records, b.Records[i])
			text = append(text, lines[i])
		}
		if err := r.sink.Write(ctx, &part, text); err != nil {
			return err
		}
	}
	if len(b.Records) == 0 && b.Prev == 0 {
		return nil
	}
	return r.journal.add(EntryOf(b))
}

func (r *Receiver) alive(g wire.Gateway) {
	r.ledger.Heard(g, r.o.Clock.Now().Wall)
	r.heard.Store(true)
	if r.silence.heard(g, r.o.Elapsed()) {
		r.changed.Store(true)
		r.alarm(g, "gateway-silent", agent.Cleared, "heard again")
	}
}

func (r *Receiver) watchSilence(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for ticks := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		silent := r.silence.silent(r.o.Elapsed())
		for _, g := range sorted(silent) {
			r.ledger.Silent(g)
			r.changed.Store(true)
			r.alarm(g, "gateway-silent", agent.Raised, silent[g])
		}
		ticks++
		r.foldIfDue(ticks%foldEvery == 0)
	}
}

// foldIfDue writes ledger.json if a gateway's state changed or, where lastSeen says so, if
// one was only heard.
func (r *Receiver) foldIfDue(lastSeen bool) {
	if !r.changed.Swap(false) && !(lastSeen && r.heard.Swap(false)) {
		return
	}
	if err := r.journal.fold(); err != nil {
		r.heard.Store(true) // with the next round of those who were heard
		r.o.Log.Warn("ledger not written", slog.Any("err", err))
	}
}

// foldEvery is after how many seconds ledger.json says when gateways were last heard.
const foldEvery = 10

// alarm tells the operator: log, alarms.jsonl and OnAlarm.
func (r *Receiver) alarm(g wire.Gateway, name string, tr agent.Transition, detail string) {
	a := Alarm{
		T: r.o.Clock.Now().Wall, Site: g.Site, Gateway: g.Gateway, Alarm: name, Transition: tr,
		LastSeen: r.ledger.LastSeen(g), Detail: detail,
	}
	r.o.Log.Warn("gateway alarm", slog.String("site", string(g.Site)), slog.String("gateway", string(g.Gateway)),
		slog.String("alarm", name), slog.String("transition", string(tr)), slog.String("detail", detail))
	if line, err := json.Marshal(a); err == nil {
		if err := appendLine(filepath.Join(r.o.Dir, "alarms.jsonl"), line); err != nil {
			r.o.Log.Error("gateway alarm not written", slog.Any("err", err))
		}
	}
	if r.o.OnAlarm != nil {
		r.o.OnAlarm(a)
	}
}

// setAside keeps a message that cannot be understood: nothing unreadable is deleted.
func (r *Receiver) setAside(topic string, payload []byte, cause error) error {
	n := r.unusable.Add(1)
	dir := filepath.Join(r.o.Dir, "unusable")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	name := fmt.Sprintf("%s-%04d", r.o.Clock.Now().Wall.Format("20060102T150405.000"), n)
	text := bytes.Join([][]byte{[]byte(topic), []byte(cause.Error()), payload}, []byte{'\n'})
	if err := durable.WriteFile(filepath.Join(dir, name), text, 0o640); err != nil {
		return fmt.Errorf("receive: set a message aside: %w", err)
	}
	r.o.Log.Error("message set aside", slog.String("topic", topic), slog.String("file", name), slog.Any("err", cause))
	return nil
}

func appendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
