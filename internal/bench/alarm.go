package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/frostline/frostline/internal/lab"
)

// A window of alarms ends when it holds at least this many, which it must before long.
const (
	fewest       = 20
	alarmsWithin = 3 * time.Minute
)

// measureAlarm compares the time of the reading that raised or cleared an alarm with the
// arrival of its webhook: the reading, the rule, the commit with its flush to the disk, and
// a request over loopback. The agent announces after the commit or 250 ms later, so an
// arrival before that was committed.
func measureAlarm(ctx context.Context, b *bench) ([]figure, error) {
	dir, err := b.place("alarm")
	if err != nil {
		return nil, err
	}
	hook, err := newHook()
	if err != nil {
		return nil, err
	}
	defer hook.close()
	flush, err := flushes(ctx, dir)
	if err != nil {
		return nil, err
	}
	var worst, middle []float64
	n := 0
	err = b.with(ctx, dir, setup{points: 100, every: "100ms", limit: "5.0", webhook: hook.url()}, func(*gatewayRun) error {
		if err := lab.Sleep(ctx, 3*time.Second); err != nil { // those of the start come all at once
			return err
		}
		for range 3 {
			hook.take()
			if err := lab.Sleep(ctx, pick(b, 40*time.Second, 10*time.Second)); err != nil {
				return err
			}
			// How many alarms fall into a window is the sensors' affair, and a busy machine has fewer.
			if err := lab.Await(ctx, "enough alarms", alarmsWithin, 100*time.Millisecond, func() bool { return hook.count() >= fewest }); err != nil {
				return fmt.Errorf("%w: only %d were announced", err, hook.count())
			}
			took := hook.take()
			n += len(took)
			worst = append(worst, millis(percentile(took, 99)))
			middle = append(middle, millis(percentile(took, 50)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []figure{atMost("alarm: value read to committed and announced, p99", median(worst), "ms", 10,
		"%d transitions at 1 000 readings/s; median of %s; half of them within %.1f ms; a flush of this disk alone: median %.1f ms, p99 %.1f ms",
		n, list(worst), median(middle), millis(percentile(flush, 50)), millis(percentile(flush, 99)))}, nil
}

// hook takes webhooks and notes how old what they tell is.
type hook struct {
	listener net.Listener
	server   *http.Server

	mu   sync.Mutex
	took []time.Duration
}

func newHook() (*hook, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: listen for webhooks: %w", err)
	}
	h := &hook{listener: l}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = h.server.Serve(l) }() // it ends with close
	return h, nil
}

func (h *hook) url() string { return "http://" + h.listener.Addr().String() + "/alarm" }

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	var body struct {
		T *int64 `json:"t"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.T == nil {
		http.Error(w, "no time", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.took = append(h.took, arrived.Sub(time.UnixMilli(*body.T)))
	h.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// take is what came since the last call.
func (h *hook) take() []time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	took := h.took
	h.took = nil
	return took
}

// count is how many take would return.
func (h *hook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.took)
}

func (h *hook) close() { _ = h.server.Close() } // nobody waits for it

// flushes measures what no program can do without: to append a page to a file and flush it.
func flushes(ctx context.Context, dir string) (took []time.Duration, err error) {
	path := filepath.Join(dir, "flush")
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("bench: measure the disk: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	page := make([]byte, 4096)
	for range 100 {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, fmt.Errorf("bench: measure the disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return nil, fmt.Errorf("bench: measure the disk: %w", err)
		}
		took = append(took, time.Since(began))
		if err := lab.Sleep(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return took, nil
}
