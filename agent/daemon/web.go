package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/health"
)

// web is the health page and the metrics, on loopback: it has no login.
type web struct {
	listen string
	status func(context.Context) (control.Status, error)
	counts func() counters
	health health.Subject
	log    *slog.Logger
}

// Run serves until ctx is done; an address that cannot be had is tried again, since it
// must not keep the agent from measuring. It returns nil.
func (w *web) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", w.listen)
		if err == nil {
			w.health.Clear("page-failing")
			err = w.serve(ctx, l)
		}
		if ctx.Err() != nil {
			break
		}
		w.health.Raise("page-failing", err.Error())
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
		}
	}
	return nil
}

func (w *web) serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: w.routes(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("daemon: web: %w", err)
	}
	return nil
}

func (w *web) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", &metrics{status: w.status, counts: w.counts, log: w.log})
	mux.HandleFunc("GET /healthz", w.healthz)
	mux.HandleFunc("GET /{$}", w.page)
	return mux
}

// healthz answers 200 while nothing critical is wrong, 503 with the reasons otherwise.
func (w *web) healthz(rw http.ResponseWriter, r *http.Request) {
	s, err := w.status(r.Context())
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	var text string
	for _, c := range s.Conditions {
		if c.Severity == agent.SeverityCritical {
			text += fmt.Sprintf("%s %s: %s\n", c.Code, c.Subject, c.Title)
		}
	}
	if text != "" {
		http.Error(rw, text, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(rw, "ok")
}

func (w *web) page(rw http.ResponseWriter, r *http.Request) {
	s, err := w.status(r.Context())
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	if _, err := io.WriteString(rw, healthPage(&s)); err != nil {
		w.log.Debug("health page not written", slog.Any("err", err))
	}
}
