package forward

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/backoff"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

const (
	ackEvery     = time.Second      // the cursor is written at most this often
	ackScanEvery = time.Minute      // and this often if it only passed over what is not selected
	lookEvery    = 5 * time.Second  // without a wake-up
	undatedEvery = time.Second      // while a record waits for its date
	storeRetry   = time.Second      // after an error of the store
	budgetEvery  = 10 * time.Second // while the byte limit is used up
	requeueEvery = 5 * time.Second
)

// lane is one of a pump's two ways. fetch, deliver and acknowledge each have a goroutine.
type lane struct {
	p       *Pump
	name    upstream.Lane
	kinds   []agent.Kind
	windows chan window
	spare   spare
	whole   bool // fetch reads every kind and keeps in its windows what the lane does not carry

	// Owned by fetch.
	pos  agent.Position // everything up to here is in buf or in a window
	sent agent.Position // everything up to here is in a window
	buf  []agent.Record // no window has any of it
	last note           // after the newest window
	max  int            // bytes of size hint per window

	// Owned by deliver.
	unknown *backoff.Backoff
	lost    *backoff.Backoff
	refused *backoff.Backoff
	hurried bool // a refusal's pause was cut short since the last success
	live    *live

	ack acker

	// Guarded by p.mu.
	view     LaneSnapshot
	caughtUp bool // nothing waited at caughtAt
	caughtAt agent.Position
	fits     int // size of the largest batch that the far side took
	shrunk   int // the far side's own limit on batches, learned; 0: none
	rate     rate
}

func newLane(p *Pump, name upstream.Lane) *lane {
	seed := p.o.Seed
	for _, c := range []byte(name) {
		seed = seed*31 + uint64(c)
	}
	r := p.o.Retry
	l := &lane{
		p: p, name: name, kinds: p.o.Only.kinds(name), windows: make(chan window, 1), max: p.o.Batch.Bytes,
		spare:   newSpare(),
		unknown: backoff.New(r.Base, r.Max, r.Healthy, seed),
		lost:    backoff.New(r.Base, max(r.Max/4, r.Base), r.Healthy, seed+1),
		refused: backoff.New(r.Refused/2+1, r.Refused/2+1, r.Healthy, seed+2),
		ack:     acker{due: make(chan struct{}, 1)},
		view:    LaneSnapshot{Lane: name, State: StateIdle},
		rate:    rate{begun: p.o.Elapsed()},
	}
	if name == upstream.Main {
		l.live = newLive(r, seed+3)
	}
	return l
}

// load finds the lane's cursor, or makes one for a new upstream.
func (l *lane) load(ctx context.Context) error {
	o := &l.p.o
	p, text, ok, err := o.Store.CursorAt(ctx, o.ID, l.name)
	if err != nil {
		return fmt.Errorf("forward: cursor of %s/%s: %w", o.ID, l.name, err)
	}
	if !ok && o.From == FromNow {
		p = o.Store.Head()
		text = note{Epoch: p.Epoch}.text()
	}
	if !ok {
		if err := o.Store.Acked(ctx, o.ID, l.name, p, text); err != nil {
			return fmt.Errorf("forward: new cursor of %s/%s: %w", o.ID, l.name, err)
		}
	}
	l.pos, l.sent = p, p
	if len(text) > 0 {
		l.last = parseNote(text)
	}
	l.ack.cursor, l.ack.note = p, l.last
	l.p.mu.Lock()
	l.view.Position = p
	l.p.mu.Unlock()
	return nil
}

func (l *lane) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { l.fetch(ctx) })
	wg.Go(func() { l.deliverWindows(ctx) })
	wg.Go(func() { l.acknowledgeLoop(ctx) })
	wg.Wait()
	l.set(func(v *LaneSnapshot) { v.State = StateStopped })
}

// about are the attributes of a log line of this lane.
func (l *lane) about(err error, more ...slog.Attr) []slog.Attr {
	attrs := append([]slog.Attr{slog.String("upstream", string(l.p.o.ID)), slog.String("lane", string(l.name))}, more...)
	return append(attrs, slog.Any("err", err))
}

func (l *lane) set(change func(*LaneSnapshot)) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	change(&l.view)
}

// fetch cuts windows until ctx is done.
func (l *lane) fetch(ctx context.Context) {
	wake, stop := l.p.o.Store.Watch()
	defer func() { stop() }()
	failing := false
	for ctx.Err() == nil {
		drain := l.p.drain.wait()
		w, wait, err := l.next(ctx)
		if err != nil {
			level := slog.LevelDebug // the store's own conditions say so
			if !failing {
				level = slog.LevelWarn
			}
			if ctx.Err() == nil {
				l.p.o.Log.LogAttrs(ctx, level, "store not read", l.about(err)...)
			}
			wait = storeRetry
		}
		failing = err != nil
		if w != nil {
			select {
			case l.windows <- *w:
			case <-ctx.Done():
				return
			}
		}
		if wait == 0 {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case _, open := <-wake:
			if !open {
				stop()
				wake, stop = l.p.o.Store.Watch()
			}
		case <-drain:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// next returns the next window, if there is one, and how long to wait for a wake-up
// before asking again; 0: at once.
func (l *lane) next(ctx context.Context) (*window, time.Duration, error) {
	limit := l.limit()
	full, err := l.fill(ctx, limit)
	if err != nil {
		return nil, 0, err
	}
	if len(l.buf) == 0 {
		l.sent = l.pos
		w := &window{end: l.pos, note: l.last, caughtUp: !full}
		if full {
			return w, 0, nil // nothing selected so far; there is more
		}
		return w, lookEvery, nil
	}
	n, cut := cutWindow(l.buf, limit)
	if n == 0 {
		l.set(func(v *LaneSnapshot) { v.State = StateUndated })
		l.again() // it may be dated by then
		return nil, undatedEvery, nil
	}
	if wait := l.linger(&l.buf[0]); wait > 0 && !cut && !full {
		return nil, wait, nil
	}
	w := &window{end: l.buf[n-1].Position, at: l.buf[n-1].At(), note: l.last}
	if n == len(l.buf) {
		w.end = l.pos
	}
	records := l.buf[:n]
	if l.whole {
		w.whole, records = l.carried(records)
	}
	if len(records) > 0 {
		w.records = l.spare.take(len(records))
		w.batches, w.note = batches(l.name, records, w.records, l.last)
	}
	if l.buf = append(l.buf[:0], l.buf[n:]...); tooMuch(cap(l.buf), n) && len(l.buf) == 0 {
		l.buf = nil
	}
	l.sent, l.last = w.end, w.note
	return w, 0, nil
}

// again lets go of what is in buf, to read it once more.
func (l *lane) again() { l.pos, l.buf = l.sent, nil }

func (l *lane) limit() int {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if l.shrunk > 0 {
		return min(l.max, l.shrunk)
	}
	return l.max
}

// fill reads on until there is a window's worth of selected records, or no more. full
// says that there may be more in the store.
func (l *lane) fill(ctx context.Context, limit int) (full bool, err error) {
	if len(l.kinds) == 0 {
		if head := l.p.o.Store.Head(); !head.IsZero() {
			l.pos = head
		}
		return false, nil
	}
	size := 0
	for i := range l.buf {
		size += wire.SizeHint(&l.buf[i])
	}
	if size > limit {
		return true, nil
	}
	count := min(max((limit-size)/80, 16), 8192)
	head := l.p.o.Store.Head()
	kinds := l.kinds
	if l.whole {
		kinds = agent.Kinds()
	}
	before, after := len(l.buf), l.pos
	records, err := l.p.o.Store.AppendAfter(ctx, l.buf, after, count, kinds...)
	if err != nil {
		l.again() // the store may still write to it
		return false, fmt.Errorf("forward: read after %s: %w", after, err)
	}
	l.buf = records
	if len(records) == before {
		// Nothing of these kinds up to head, unless the store was away or replaced meanwhile.
		if now := l.p.o.Store.Head(); before == 0 && !head.IsZero() && now.Epoch == head.Epoch {
			l.pos = head
		}
		return false, nil
	}
	l.pos = records[len(records)-1].Position
	if !l.whole {
		l.buf = l.selected(records, before)
	}
	return len(records)-before >= count, nil
}

// selected are the records without those from the given one on that are not for this upstream.
func (l *lane) selected(records []agent.Record, from int) []agent.Record {
	n := from
	for i := from; i < len(records); i++ {
		if !l.p.o.Only.selects(&records[i], l.p.o.Definitions) {
			continue
		}
		if n != i {
			records[n] = records[i]
		}
		n++
	}
	return records[:n]
}

// carried tells the positions of all the records, and which of them the lane carries.
func (l *lane) carried(records []agent.Record) (whole []agent.Position, carried []agent.Record) {
	whole = make([]agent.Position, len(records))
	for i := range records {
		r := &records[i]
		whole[i] = r.Position
		if slices.Contains(l.kinds, r.Kind()) && l.p.o.Only.selects(r, l.p.o.Definitions) {
			carried = append(carried, *r)
		}
	}
	return whole, carried
}

// linger is how long the oldest record of a window may still wait for company.
func (l *lane) linger(oldest *agent.Record) time.Duration {
	if l.name == upstream.Urgent || l.p.isDraining() {
		return 0
	}
	now, at := l.p.o.Now(), oldest.At()
	if now.Boot != at.Boot {
		return 0
	}
	return min(l.p.o.Batch.Linger-(now.Mono-at.Mono), l.p.o.Batch.Linger)
}

// deliverWindows brings window after window to the far side until ctx is done.
func (l *lane) deliverWindows(ctx context.Context) {
	requeue := time.NewTicker(requeueEvery)
	defer requeue.Stop()
	defer func() { l.live.close() }()
	l.requeued(ctx)
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-requeue.C:
			l.requeued(ctx)
		case w := <-l.live.windows():
			err = l.deliverLive(ctx, w)
		case w := <-l.windows:
			if err = l.deliverWindow(ctx, w); err == nil {
				err = l.takeTurns(ctx)
			}
		}
		if err != nil {
			return
		}
	}
}

// takeTurns delivers the live window that waits, if one does, so that it waits for one of
// the lane's windows at most.
func (l *lane) takeTurns(ctx context.Context) error {
	select {
	case w := <-l.live.windows():
		return l.deliverLive(ctx, w)
	default:
		return nil
	}
}

// deliverWindow brings a window to the far side, without what live windows brought already,
// and moves the cursor past it. The error is ctx's.
func (l *lane) deliverWindow(ctx context.Context, w window) error {
	n := 0
	for _, b := range w.batches {
		pieces := []upstream.Batch{b}
		if l.live != nil {
			pieces = l.live.taken.without(b)
		}
		for _, piece := range pieces {
			if _, err := l.deliver(ctx, piece); err != nil {
				return err
			}
			n += len(piece.Records)
		}
	}
	l.count(n)
	l.took(w)
	l.passed(ctx, &w)
	l.spare.put(w.records)
	return nil
}

// count counts records that were taken or set aside.
func (l *lane) count(n int) {
	if n == 0 {
		return
	}
	now, elapsed := l.p.o.Now(), l.p.o.Elapsed()
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.view.Taken += uint64(n)
	l.view.LastSuccess = now
	l.rate.add(elapsed, n)
}

// took moves the cursor past the window.
func (l *lane) took(w window) {
	l.ack.moved(w.end, w.note, len(w.batches) > 0)
	l.p.mu.Lock()
	l.view.Position = w.end
	if l.caughtUp = w.caughtUp; w.caughtUp {
		l.caughtAt = w.end
		l.view.State = StateIdle
	}
	l.p.mu.Unlock()
	l.p.moved.send()
}

// requeued sends again what a person asked for.
func (l *lane) requeued(ctx context.Context) {
	o := &l.p.o
	records, err := o.Store.Requeued(ctx, o.ID, 256)
	if err != nil {
		return // the store's own conditions say so; asked again soon
	}
	for i := range records {
		r := &records[i]
		if (r.Kind() == agent.KindAlarms) != (l.name == upstream.Urgent) || r.Waiting() {
			continue
		}
		setAside, err := l.deliver(ctx, alone(l.name, r))
		if err != nil {
			return
		}
		if setAside > 0 {
			continue
		}
		if err := o.Store.Settled(ctx, o.ID, r.Position); err != nil {
			o.Log.LogAttrs(ctx, slog.LevelWarn, "requeued record not settled", l.about(err, slog.String("position", r.Position.String()))...)
		}
	}
}

// alone is a batch of one record out of its turn: its prev names no record.
func alone(lane upstream.Lane, r *agent.Record) upstream.Batch {
	return upstream.Batch{Lane: lane, Kind: r.Kind(), Epoch: r.Position.Epoch, Records: []agent.Record{*r}}
}
