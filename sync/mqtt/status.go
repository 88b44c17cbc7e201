package mqtt

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// own is one of the gateway's topics by its last part.
func (u *Upstream) own(last string) string {
	return upstream.Topic(u.from.Site, u.from.Gateway, last)
}

func (u *Upstream) status() upstream.Status {
	if u.h.Status == nil {
		return upstream.Status{}
	}
	return u.h.Status()
}

func (u *Upstream) statusMessage(state string, number uint64) []byte {
	return u.statusWithin(state, number, u.interval())
}

func (u *Upstream) statusWithin(state string, number uint64, every time.Duration) []byte {
	seconds := int64((every + time.Second - 1) / time.Second)
	return wire.NewStatus(u.from, u.status(), state, u.h.Boot, number, seconds).Append(nil)
}

func (u *Upstream) publishStatus(ctx context.Context, s *session, state string) error {
	every := u.interval()
	if err := u.publish(ctx, s, u.own("status"), u.statusWithin(state, s.number, every), true); err != nil {
		return err
	}
	s.said(u.elapsed(), every)
	return nil
}

// sparse is how often the status is renewed at least when only the last tenth of the byte
// limit is left, which is for alarms.
const sparse = 15 * time.Minute

// interval is how often the status is renewed at present.
func (u *Upstream) interval() time.Duration {
	if u.allowance() == upstream.Ample {
		return u.c.Heartbeat
	}
	return max(u.c.Heartbeat, sparse)
}

func (u *Upstream) allowance() upstream.Allowance {
	if m, ok := u.h.Meter.(upstream.Limited); ok {
		return m.Allowance()
	}
	return upstream.Ample
}

// sentInfo remembers the info that the broker keeps.
type sentInfo struct {
	text []byte        // nil: nothing that is known of
	at   time.Duration // elapsed
	owed bool          // to be renewed once the byte limit allows it
}

// publishInfo publishes what is measured where it has changed, and on a new connection where
// the broker was last given it long ago, for it may have lost it. It spares a byte limit: where
// little is left, only a change goes out, and what the broker may have is renewed by a
// heartbeat when there is enough again.
func (u *Upstream) publishInfo(ctx context.Context, s *session, fresh bool) error {
	if u.h.Info == nil {
		return nil
	}
	u.informing.Lock()
	defer u.informing.Unlock()
	text, err := wire.AppendInfo(nil, u.from, u.h.Info())
	if err != nil {
		return err
	}
	now := u.elapsed()
	same := u.info.text == nil || bytes.Equal(text, u.info.text) // as far as is known
	switch {
	case u.info.text != nil && same && !u.info.owed && !(fresh && now-u.info.at >= infoEvery):
		return nil
	case same && u.allowance() != upstream.Ample:
		u.info.owed = true
		return nil
	}
	u.info = sentInfo{}
	if err := u.publish(ctx, s, u.own("info"), text, true); err != nil {
		return err
	}
	u.info = sentInfo{text: text, at: now}
	return nil
}

// firstBeat is how long after the start the first heartbeat comes: an upstream that has nothing
// to bring must show within 5 s, too, that its broker cannot be reached.
const firstBeat = 3 * time.Second

// heartbeat renews the status until ctx is done. Where nothing is delivered for a while,
// because nothing happens or the byte limit is used up, it also makes the connection that Deliver
// would have made.
func (u *Upstream) heartbeat(ctx context.Context) {
	timer := time.NewTimer(min(firstBeat, u.c.Heartbeat))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(u.c.Heartbeat)
		err := u.beat(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil { // the conditions tell the operator
			u.h.Log.DebugContext(ctx, "status not published", slog.String("upstream", string(u.h.ID)), slog.Any("err", err))
		}
	}
}

// beat publishes the status, and info if it changed. It spares a byte limit: where little is
// left it beats seldom, and where nothing is left it ends the connection until there is.
func (u *Upstream) beat(ctx context.Context) error {
	if u.allowance() == upstream.Spent {
		u.hangUp()
		return nil
	}
	s, fresh, err := u.alive(ctx)
	if err != nil || s == nil || fresh {
		return err
	}
	if u.allowance() == upstream.Scarce && s.sufficient(u.elapsed(), u.interval()) {
		return nil
	}
	if err := u.publishStatus(ctx, s, wire.Online); err != nil {
		return err
	}
	return u.publishInfo(ctx, s, false)
}

// alive returns the session that works. If there is none and nobody has tried for a
// heartbeat, it tries, and fresh tells that it has just been made; otherwise the session is nil.
func (u *Upstream) alive(ctx context.Context) (s *session, fresh bool, err error) {
	select {
	case u.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	s = u.session
	<-u.gate
	if s != nil && s.conn.Err() == nil {
		return s, false, nil
	}
	if u.elapsed()-time.Duration(u.tried.Load()) < u.c.Heartbeat {
		return nil, false, nil // the pump tries in its own time
	}
	ctx, cancel := context.WithTimeout(ctx, 2*u.c.Timeout)
	defer cancel()
	s, err = u.connected(ctx)
	switch {
	case err == nil:
		u.troubles.Clear()
	case ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded):
		u.troubles.Raise(codeOf(err), err.Error())
	}
	return s, true, err
}

// errSpent is why a connection ends that has used up the byte limit.
var errSpent = errors.New("the byte limit is used up")

// hangUp says offline and ends the connection, if there is one. The next Deliver or
// heartbeat that the limit allows makes another.
func (u *Upstream) hangUp() {
	u.gate <- struct{}{}
	defer func() { <-u.gate }()
	s := u.session
	if u.session = nil; s == nil {
		return
	}
	s.end(errSpent)
	u.goodbye(s)
	u.h.Log.Info("disconnected until the byte limit's next period", slog.String("upstream", string(u.h.ID)))
}

// goodbye says offline and closes the session.
func (u *Upstream) goodbye(s *session) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeWithin)
	defer cancel()
	if s.conn.Err() == nil {
		if err := u.publishStatus(ctx, s, wire.Offline); err != nil {
			// The broker publishes the will, which says the same.
			u.h.Log.InfoContext(ctx, "offline not announced", slog.String("upstream", string(u.h.ID)), slog.Any("err", err))
			s.conn.Drop()
		}
	}
	s.close()
}

// codeOf is the condition that an error of connecting stands for.
func codeOf(err error) string {
	var refused *upstream.Refused
	var later *upstream.Later
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case errors.As(err, &later):
		return conditionBusy
	case errors.Is(err, context.DeadlineExceeded):
		return conditionUnacknowledged
	}
	return conditionUnreachable
}
