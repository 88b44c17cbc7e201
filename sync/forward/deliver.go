package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// deaths is how often a connection may die under one batch before the batch is taken apart.
const deaths = 3

// Conditions that the pump itself raises.
const (
	conditionUnreachable    = "upstream-unreachable"
	conditionUnacknowledged = "upstream-unacknowledged"
	conditionBudget         = "upstream-budget"
	conditionBusy           = "upstream-busy"
)

// longestLater bounds what a far side may ask for.
const longestLater = time.Hour

// part is a batch, or a piece of one.
type part struct {
	upstream.Batch
	lost     int    // connections that died under it in a row
	evidence uint64 // successes of the upstream when the first one had died
}

// deliver brings the batch to the far side, in pieces where it must, and returns once each
// record was taken or set aside; setAside counts the latter. The error is ctx's.
func (l *lane) deliver(ctx context.Context, b upstream.Batch) (setAside int, err error) {
	parts := []part{{Batch: b}}
	for len(parts) > 0 {
		n, err := l.afford(ctx, parts[0].Records)
		if err != nil {
			return setAside, err
		}
		if n < len(parts[0].Records) {
			parts = halve(parts, n)
		}
		err = l.attempt(ctx, &parts[0].Batch)
		if err != nil && ctx.Err() != nil {
			return setAside, ctx.Err()
		}
		var aside int
		parts, aside, err = l.settle(ctx, parts, err)
		setAside += aside
		if err != nil {
			return setAside, err
		}
	}
	return setAside, nil
}

// halve cuts the first part after its first n records.
func halve(parts []part, n int) []part {
	head, tail := split(parts[0].Batch, n)
	return append([]part{{Batch: head}, {Batch: tail}}, parts[1:]...)
}

// settle does what the end of an attempt at the first part asks for, and returns the parts
// that remain.
func (l *lane) settle(ctx context.Context, parts []part, end error) (rest []part, setAside int, err error) {
	first := &parts[0]
	n := len(first.Records)
	var rejected *upstream.Rejected
	var bad *wire.RecordError
	var tooLarge *upstream.TooLarge
	var refused *upstream.Refused
	var later *upstream.Later
	switch {
	case end == nil:
		l.succeeded()
		return parts[1:], 0, nil
	case errors.As(end, &rejected) && len(rejected.Records) > 0:
		l.succeeded()
		n, err := l.setAside(ctx, rejected)
		if err != nil {
			return parts, n, err
		}
		return parts[1:], n, nil
	case errors.As(end, &bad) && find(first.Records, bad.Position) >= 0:
		if err := l.quarantine(ctx, bad.Position, bad.Err.Error()); err != nil {
			return parts, 0, err
		}
		return without(parts, find(first.Records, bad.Position)), 1, nil
	case errors.As(end, &tooLarge) && n > 1:
		l.shrink(first.Records)
		return halve(parts, (n+1)/2), 0, nil
	case errors.As(end, &tooLarge):
		err := l.quarantine(ctx, first.Records[0].Position, end.Error())
		return parts[1:], 1, err
	case errors.As(end, &refused):
		l.failed(ctx, refused.Code, refused.Err, StateRefused) // the code stands beside it wherever it is shown
		return parts, 0, l.pauseRefused(ctx, l.p.o.Retry.Refused/2+l.refused.Failed(l.p.o.Elapsed()))
	case errors.As(end, &later):
		l.failed(ctx, conditionBusy, end, StateRetrying)
		wait := min(later.After, longestLater) + l.unknown.Failed(l.p.o.Elapsed())
		return parts, 0, sleep(ctx, wait)
	}
	return l.settleUnknown(ctx, parts, end)
}

// settleUnknown waits and, where connections keep dying under the first part, takes it apart.
func (l *lane) settleUnknown(ctx context.Context, parts []part, end error) (rest []part, setAside int, err error) {
	first := &parts[0]
	code := conditionUnreachable
	if errors.Is(end, context.DeadlineExceeded) {
		code = conditionUnacknowledged
	}
	successes := l.p.link.count()
	l.failed(ctx, code, end, StateRetrying)
	var lost *upstream.Lost
	if !errors.As(end, &lost) {
		return parts, 0, l.pause(ctx, l.unknown.Failed(l.p.o.Elapsed()))
	}
	if first.lost == 0 {
		first.evidence = successes
	}
	first.lost++
	othersPassed := successes != first.evidence
	if err := l.pause(ctx, l.lost.Failed(l.p.o.Elapsed())); err != nil {
		return parts, 0, err
	}
	n := len(first.Records)
	if first.lost < deaths {
		return parts, 0, nil
	}
	if n > 1 {
		return halve(parts, (n+1)/2), 0, nil
	}
	if !othersPassed {
		l.sendNext(ctx, first)
		return parts, 0, ctx.Err()
	}
	err = l.quarantine(ctx, first.Records[0].Position, fmt.Sprintf("%d connections died under it: %v", first.lost, end))
	return parts[1:], 1, err
}

// sendNext sends the record after a single one under which connections die, before its
// turn: if it passes and the single one then kills a connection once more, the record is
// to blame and not the link. It comes again in its turn, with equal content.
func (l *lane) sendNext(ctx context.Context, single *part) {
	at := single.Records[0].Position
	records, err := l.p.o.Store.AppendAfter(ctx, nil, at, 64, l.kinds...)
	if err != nil {
		return
	}
	for i := range records {
		r := &records[i]
		if r.Waiting() || !l.p.o.Only.selects(r, l.p.o.Definitions) {
			continue
		}
		b := alone(l.name, r)
		var rejected *upstream.Rejected
		if err := l.attempt(ctx, &b); err == nil || errors.As(err, &rejected) {
			l.succeeded()
		}
		return
	}
}

func find(records []agent.Record, p agent.Position) int {
	for i := range records {
		if records[i].Position == p {
			return i
		}
	}
	return -1
}

// without takes record i out of the first part, leaving what was before and after it.
func without(parts []part, i int) []part {
	rest := parts[1:]
	b := parts[0].Batch
	var pieces []part
	if i > 0 {
		head, _ := split(b, i)
		pieces = append(pieces, part{Batch: head})
	}
	if i+1 < len(b.Records) {
		_, tail := split(b, i+1)
		pieces = append(pieces, part{Batch: tail})
	}
	return append(pieces, rest...)
}

// shrink learns that the far side takes no batch of this size, unless it took as large a
// one before: then it is the content.
func (l *lane) shrink(records []agent.Record) {
	size := int(hintOf(records))
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if size > l.fits {
		l.shrunk = max(size/2, l.fits, 4<<10)
	}
}

// attempt delivers once, within the deadline.
func (l *lane) attempt(ctx context.Context, b *upstream.Batch) error {
	newest := b.Records[len(b.Records)-1].Position
	b.Hist = l.p.link.attempt(newest, l.p.o.Store.Head)
	l.set(func(v *LaneSnapshot) {
		if v.State == StateIdle || v.State == StateBudget || v.State == StateUndated {
			v.State = StateDelivering
		}
	})
	before := l.p.o.Meter.total()
	c, cancel := context.WithTimeout(ctx, l.p.o.Deadline)
	defer cancel()
	err := l.p.o.Upstream.Deliver(c, *b)
	if err == nil {
		size := hintOf(b.Records)
		l.p.budget.learn(size, l.p.o.Meter.total()-before)
		l.p.mu.Lock()
		l.fits = max(l.fits, int(size))
		l.p.mu.Unlock()
	}
	if err != nil && c.Err() != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}

func (l *lane) succeeded() {
	now := l.p.o.Elapsed()
	l.hurried = false
	l.unknown.Worked(now)
	l.lost.Worked(now)
	l.refused.Worked(now)
	l.p.link.success()
	l.set(func(v *LaneSnapshot) { v.State, v.Error = StateDelivering, "" })
	l.p.clear(l.name, func(code string) bool { return code != conditionBudget })
}

func (l *lane) failed(ctx context.Context, code string, err error, state State) {
	l.live.close()             // the next one begins at the head of the moment the link is back
	if state == StateRefused { // a refusal needs a connection
		l.p.link.refusal()
	} else {
		l.p.link.failure()
	}
	first := false
	l.set(func(v *LaneSnapshot) {
		first = v.Error == ""
		v.State, v.Error = state, err.Error()
	})
	l.p.clear(l.name, func(c string) bool { return c != conditionBudget && c != code })
	l.p.raise(l.name, code, err.Error())
	level := slog.LevelDebug
	if first {
		level = slog.LevelWarn
	}
	l.p.o.Log.LogAttrs(ctx, level, "delivery failed", l.about(err)...)
}

// pause waits; the other lane's first success after a failure ends it, but not before the
// least pause, lest a lane that alone fails keeps pace with one that works.
func (l *lane) pause(ctx context.Context, d time.Duration) error {
	worked := l.p.link.worked.wait()
	least := min(d, l.p.o.Retry.Base/2)
	if err := sleep(ctx, least); err != nil {
		return err
	}
	timer := time.NewTimer(d - least)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-worked:
	}
	return nil
}

// pauseRefused waits like pause. But a lane that is refused while the other works is hurried
// once only, lest it asks as often as the other delivers.
func (l *lane) pauseRefused(ctx context.Context, d time.Duration) error {
	if l.hurried {
		return sleep(ctx, d)
	}
	worked := l.p.link.worked.wait()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-worked:
		l.hurried = true
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// setAside quarantines the records that the far side rejected.
func (l *lane) setAside(ctx context.Context, rejected *upstream.Rejected) (n int, err error) {
	for _, r := range rejected.Records {
		if err := l.quarantine(ctx, r.Position, r.Reason); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// quarantine sets a record aside, however long the store takes.
func (l *lane) quarantine(ctx context.Context, p agent.Position, reason string) error {
	o := &l.p.o
	for {
		err := o.Store.Quarantine(ctx, o.ID, p, reason)
		if err == nil {
			break
		}
		o.Log.LogAttrs(ctx, slog.LevelWarn, "record not quarantined", l.about(err, slog.String("position", p.String()))...)
		if err := sleep(ctx, storeRetry); err != nil {
			return err
		}
	}
	l.set(func(v *LaneSnapshot) { v.SetAside++ })
	o.Conditions.Raise(conditionRejected, fmt.Sprintf("%s: %s", p, reason))
	o.Log.LogAttrs(ctx, slog.LevelWarn, "record set aside", l.about(errors.New(reason), slog.String("position", p.String()))...)
	return nil
}

// fitting is how many of the records, from the first on, the byte limit allows now; -1: it
// allows nothing at all. Old backlog has a share of its own.
func (l *lane) fitting(records []agent.Record, backlog bool) int {
	if l.p.o.Limit.Bytes <= 0 {
		return len(records)
	}
	allowed := l.p.budget.allows(l.name, backlog, l.p.o.Now())
	n, size := -1, hintOf(nil)
	for size <= allowed {
		if n++; n == len(records) {
			break
		}
		size += int64(wire.SizeHint(&records[n]))
	}
	return n
}

// afford waits until the byte limit allows at least the first record, and returns how many
// it allows.
func (l *lane) afford(ctx context.Context, records []agent.Record) (int, error) {
	if l.p.o.Limit.Bytes <= 0 {
		return len(records), nil
	}
	for {
		backlog := l.name == upstream.Main && l.age(records[len(records)-1].At()) > oldBacklog
		if n := l.fitting(records, backlog); n > 0 {
			l.p.clear(l.name, func(code string) bool { return code == conditionBudget })
			return n, nil
		}
		l.set(func(v *LaneSnapshot) { v.State = StateBudget })
		limit := l.p.o.Limit
		detail := fmt.Sprintf("%d bytes per %s", limit.Bytes, limit.Per)
		if backlog {
			detail += "; the backlog's share of them is used"
			l.openLive(ctx)
		}
		l.p.raise(l.name, conditionBudget, detail)
		if err := l.meanwhile(ctx, budgetEvery); err != nil {
			return 0, err
		}
	}
}
