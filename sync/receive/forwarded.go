package receive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// Forwarded is a Sink that hands records to an upstream, such as InfluxDB, as if they
// came from their gateway: one upstream per gateway, opened when it first speaks.
type Forwarded struct {
	open func(ctx context.Context, g wire.Gateway, defs upstream.Definitions) (upstream.Upstream, error)
	ups  map[wire.Gateway]*forwarded
	dir  string
	log  *slog.Logger
}

type forwarded struct {
	up   upstream.Upstream
	defs definitions
}

// definitions are all definitions a gateway has used so far.
type definitions map[agent.DefID]agent.Definition

// Definition implements upstream.Definitions.
func (d definitions) Definition(id agent.DefID) (agent.Definition, bool) {
	def, ok := d[id]
	return def, ok
}

// NewForwarded makes the sink. open makes the upstream of one gateway; what it rejects is
// kept in dir.
func NewForwarded(dir string, open func(context.Context, wire.Gateway, upstream.Definitions) (upstream.Upstream, error), log *slog.Logger) *Forwarded {
	return &Forwarded{open: open, ups: map[wire.Gateway]*forwarded{}, dir: dir, log: log}
}

// Write implements Sink. A record that the far side rejects for ever is kept in
// rejected.jsonl and its reason logged; it counts as written, since nothing else may wait for it.
func (f *Forwarded) Write(ctx context.Context, b *wire.Batch, lines [][]byte) error {
	u := f.ups[b.From]
	if u == nil {
		u = &forwarded{defs: definitions{}}
		var err error
		if u.up, err = f.open(ctx, b.From, u.defs); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		f.ups[b.From] = u
	}
	for i := range b.Records {
		if r := &b.Records[i]; r.Type == agent.TypeReading {
			if d, ok := b.Definition(r.Reading.Def); ok {
				u.defs[r.Reading.Def] = d
			}
		}
	}
	return f.deliver(ctx, u.up, b, lines)
}

// deliver brings the batch to the far side, in halves where it is too large. After an error
// it is not known what was taken: all of it comes again.
func (f *Forwarded) deliver(ctx context.Context, up upstream.Upstream, b *wire.Batch, lines [][]byte) error {
	err := up.Deliver(ctx, upstream.Batch{
		Lane: upstream.Main, Kind: b.Records[0].Kind(), Epoch: b.Epoch, Prev: b.Prev, Hist: b.Hist, Records: b.Records,
	})
	var rejected *upstream.Rejected
	var tooLarge *upstream.TooLarge
	var bad *wire.RecordError
	switch {
	case errors.As(err, &rejected):
		return f.keep(b, lines, rejected)
	case errors.As(err, &tooLarge) && len(b.Records) > 1:
		half, rest := *b, *b
		n := (len(b.Records) + 1) / 2
		half.Records, rest.Records = b.Records[:n], b.Records[n:]
		rest.Prev = half.Records[n-1].Position.Seq
		if err := f.deliver(ctx, up, &half, lines[:n]); err != nil {
			return err
		}
		return f.deliver(ctx, up, &rest, lines[n:])
	case errors.As(err, &tooLarge):
		return f.keep(b, lines, rejection(b.Records[0].Position, err))
	case errors.As(err, &bad):
		return f.without(ctx, up, b, lines, bad)
	}
	return err
}

// without delivers the batch but for a record that cannot be encoded, which is kept.
func (f *Forwarded) without(ctx context.Context, up upstream.Upstream, b *wire.Batch, lines [][]byte, bad *wire.RecordError) error {
	i := slices.IndexFunc(b.Records, func(r agent.Record) bool { return r.Position == bad.Position })
	if i < 0 {
		return bad
	}
	if err := f.keep(b, lines, rejection(bad.Position, bad.Err)); err != nil {
		return err
	}
	rest := *b
	rest.Records = slices.Delete(slices.Clone(b.Records), i, i+1)
	if len(rest.Records) == 0 {
		return nil
	}
	return f.deliver(ctx, up, &rest, slices.Delete(slices.Clone(lines), i, i+1))
}

func rejection(p agent.Position, reason error) *upstream.Rejected {
	return &upstream.Rejected{Records: []upstream.RejectedRecord{{Position: p, Reason: reason.Error()}}}
}

// keep writes rejected records to rejected.jsonl, as they came.
func (f *Forwarded) keep(b *wire.Batch, lines [][]byte, rejected *upstream.Rejected) error {
	reasons := map[agent.Position]string{}
	for _, r := range rejected.Records {
		reasons[r.Position] = r.Reason
	}
	for i := range b.Records {
		reason, is := reasons[b.Records[i].Position]
		if !is {
			continue
		}
		f.log.Error("record rejected for ever", slog.String("gateway", string(b.From.Gateway)),
			slog.String("position", b.Records[i].Position.String()), slog.String("reason", reason))
		if err := appendLine(filepath.Join(f.dir, "rejected.jsonl"), lines[i]); err != nil {
			return fmt.Errorf("receive: keep a rejected record: %w", err)
		}
	}
	return nil
}

// Close closes every upstream.
func (f *Forwarded) Close() error {
	var errs []error
	for _, u := range f.ups {
		errs = append(errs, u.up.Close())
	}
	f.ups = map[wire.Gateway]*forwarded{}
	return errors.Join(errs...)
}
