package daemon

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// web is the health page and the metrics, on loopback: it has no login.
type web struct {
	listen string
	status func(context.Context) (control.Status, error)
	counts func() counters
	log    *slog.Logger
}

// Run serves until ctx is done; an address that cannot be had is tried again, since it
// must not keep the agent from measuring. It returns nil.
func (w *web) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", w.listen)
		if err == nil {
			err = w.serve(ctx, l)
		}
		if ctx.Err() != nil {
			break
		}
		w.log.Warn("health page not served", slog.String("listen", w.listen), slog.Any("err", err))
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
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
	registry := prometheus.NewRegistry()
	registry.MustRegister(&metrics{status: w.status, counts: w.counts})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
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
	if err := healthPage.Execute(rw, s); err != nil {
		w.log.Debug("health page not written", slog.Any("err", err))
	}
}

var healthPage = template.Must(template.New("health").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>{{.Gateway}} – Frostline</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2733}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #dde4ea}.critical{color:#b3261e;font-weight:600}
.warning{color:#8a5a00}.ok{color:#1b6e3c}.muted{color:#66727f}</style></head><body>
<h1>{{.Site}} / {{.Gateway}}</h1><p class="muted">Frostline {{.Version}}, clock {{.Clock}}</p>
<h2>What is wrong</h2>{{if .Conditions}}<table>{{range .Conditions}}<tr><td class="{{.Severity}}">{{.Title}}</td><td>{{.Subject}}</td>
<td>{{.Detail}}<br><span class="muted">{{.Remedy}}</span></td></tr>{{end}}</table>{{else}}<p class="ok">Nothing.</p>{{end}}
<h2>Alarms</h2>{{if .Alarms}}<table>{{range .Alarms}}<tr><td class="{{.Severity}}">{{.State}}</td><td>{{.Message}}</td></tr>{{end}}</table>{{else}}<p class="ok">None.</p>{{end}}
{{range .Zones}}<h2>{{if .Name}}{{.Name}}{{else}}{{.ID}}{{end}}</h2><table>{{range .Points}}<tr><td>{{.Point}}</td>
<td>{{if .Fault}}<span class="warning">no value: {{.Fault}}</span>{{else if .V}}{{.V}} {{.Unit}}{{else}}<span class="muted">not read yet</span>{{end}}</td></tr>{{end}}</table>{{end}}
<h2>Delivery</h2><table><tr><th>upstream</th><th>state</th><th>taken</th><th>waiting</th></tr>
{{range .Upstreams}}<tr><td>{{.ID}}</td><td>{{.State}}</td><td>{{.Taken}}</td><td>{{.Waiting}}</td></tr>{{end}}</table>
</body></html>
`))
