package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/frostline/frostline/internal/lab"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
)

// The budgets of lag: commit_within, which is 1 s in every setup, and half a second; alarms
// have one of their own.
const (
	readingLag = 1500.0
	alarmLag   = 300.0
)

// measureLag compares the time in each record with its arrival at a subscriber.
func measureLag(ctx context.Context, b *bench) ([]figure, error) {
	calm, err := lagLive(ctx, b, "lag-readings", setup{points: 100, every: "1s"})
	if err != nil {
		return nil, err
	}
	busy, err := lagLive(ctx, b, "lag-alarms", setup{points: 100, every: "1s", quick: 100, limit: "4.0"})
	if err != nil {
		return nil, err
	}
	drain, err := lagDraining(ctx, b)
	if err != nil {
		return nil, err
	}
	n := func(d []time.Duration) string {
		return fmt.Sprintf("%d records, median %.0f ms", len(d), millis(percentile(d, 50)))
	}
	return []figure{
		atMost("live lag, source to broker, p99: readings", millis(percentile(calm.readings, 99)), "ms", readingLag, "%s", n(calm.readings)),
		atMost("live lag, source to broker, p99: alarms", millis(percentile(busy.alarms, 99)), "ms", alarmLag, "%s", n(busy.alarms)),
		atMost("  while a backlog drains: readings", millis(percentile(drain.readings, 99)), "ms", readingLag,
			"%s; %d records of backlog, drained in %.1f s", n(drain.readings), drain.backlog, drain.took.Seconds()),
		atMost("  while a backlog drains: alarms", millis(percentile(drain.alarms, 99)), "ms", alarmLag, "%s", n(drain.alarms)),
	}, nil
}

// lags are how long after it was measured each record arrived.
type lags struct {
	readings, alarms []time.Duration

	backlog int
	took    time.Duration
}

// listener is a subscriber that notes lags of records from a moment on.
type listener struct {
	mu   sync.Mutex
	from time.Time
	to   time.Time       // zero: no end
	seen map[string]bool // epoch and seq of what came: it counts when it comes first
	lags lags
}

// listen subscribes at the broker until stop is called.
func listen(ctx context.Context, m *peers.Broker) (l *listener, stop func(), err error) {
	l = &listener{from: time.Now().Add(time.Hour), seen: map[string]bool{}}
	conn, err := mqttconn.Dial(ctx, mqttconn.Options{URL: m.URL(), ClientID: "bench-listener", OnMessage: l.take})
	if err != nil {
		return nil, nil, err
	}
	base := "frostline/v1/" + site + "/" + gateway + "/"
	if err := conn.Subscribe(ctx, base+"readings", base+"alarms"); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return l, func() { _ = conn.Close() }, nil // what it has heard is what counts
}

// between has records count that were taken in that time.
func (l *listener) between(from, to time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from, l.to = from, to
}

func (l *listener) take(m mqttconn.Message) {
	arrived := time.Now()
	m.Ack()
	l.mu.Lock()
	defer l.mu.Unlock()
	into := &l.lags.readings
	if strings.HasSuffix(m.Topic, "/alarms") {
		into = &l.lags.alarms
	}
	epoch := between(m.Payload, `"epoch":"`, `"`)
	// Oldest first and mostly of long ago while a backlog drains: the newest is looked at first.
	for text := m.Payload; ; {
		i := bytes.LastIndex(text, []byte(`,"t":`))
		if i < 0 {
			return
		}
		t, ok := unixMillis(text[i+len(`,"t":`):])
		if ok && t.Before(l.from) {
			return
		}
		text = text[:i]
		position := epoch + "/" + string(text[bytes.LastIndex(text, []byte(`{"seq":`))+1:])
		if ok && !l.seen[position] && (l.to.IsZero() || t.Before(l.to)) {
			l.seen[position] = true
			*into = append(*into, arrived.Sub(t))
		}
	}
}

// between is what stands in text after the first open, up to close.
func between(text []byte, open, end string) string {
	_, after, _ := bytes.Cut(text, []byte(open))
	inside, _, _ := bytes.Cut(after, []byte(end))
	return string(inside)
}

// unixMillis reads the number that text begins with.
func unixMillis(text []byte) (time.Time, bool) {
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && text[0] == '-') {
		end++
	}
	ms, err := strconv.ParseInt(string(text[:end]), 10, 64)
	return time.UnixMilli(ms), err == nil
}

// heard are the lags so far.
func (l *listener) heard() lags {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lags
}

func lagLive(ctx context.Context, b *bench, name string, s setup) (lags, error) {
	dir, err := b.place(name)
	if err != nil {
		return lags{}, err
	}
	m, err := broker(dir)
	if err != nil {
		return lags{}, err
	}
	defer m.Stop()
	l, stop, err := listen(ctx, m)
	if err != nil {
		return lags{}, err
	}
	defer stop()
	s.broker = m.Addr()
	err = b.with(ctx, dir, s, func(g *gatewayRun) error {
		if err := g.delivering(ctx); err != nil {
			return err
		}
		window := pick(b, 60*time.Second, 15*time.Second)
		from := time.Now().Add(2 * time.Second)
		l.between(from, from.Add(window))
		return lab.Sleep(ctx, window+5*time.Second) // the last ones arrive later than they are taken
	})
	got := l.heard()
	if err == nil && len(got.readings) == 0 {
		err = errors.New("bench: nothing arrived at the subscriber")
	}
	return got, err
}

// lagDraining has the broker come back with a backlog waiting, and looks at what is measured
// from then on until the backlog is gone.
func lagDraining(ctx context.Context, b *bench) (lags, error) {
	n := pick(b, 2_000_000, 300_000)
	dir, err := b.place("lag-backlog")
	if err != nil {
		return lags{}, err
	}
	if err := fill(ctx, filepath.Join(dir, "store"), n); err != nil {
		return lags{}, err
	}
	m, err := broker(dir)
	if err != nil {
		return lags{}, err
	}
	defer m.Stop()
	relay, err := peers.Relay(m.Addr())
	if err != nil {
		return lags{}, err
	}
	defer relay.Close()
	relay.Refuse() // the outage; the broker is up, so that the subscriber is there before the first record
	l, stop, err := listen(ctx, m)
	if err != nil {
		return lags{}, err
	}
	defer stop()
	var took time.Duration
	s := setup{points: seriesInBacklog, every: "1s", quick: 100, limit: "4.0", broker: relay.Addr()}
	err = b.with(ctx, dir, s, func(g *gatewayRun) error {
		if err := lab.Sleep(ctx, 3*time.Second); err != nil {
			return err
		}
		relay.Accept()
		if err := g.delivering(ctx); err != nil {
			return err
		}
		from := time.Now()
		l.between(from, time.Time{})
		if _, _, err := g.watchDrain(ctx); err != nil {
			return err
		}
		took = time.Since(from)
		l.between(from, from.Add(took))
		return lab.Sleep(ctx, 3*time.Second)
	})
	got := l.heard()
	got.backlog, got.took = n, took
	return got, err
}
