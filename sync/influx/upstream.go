package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"

	"github.com/frostline/frostline/internal/farside"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// Conditions that this upstream raises or refuses with.
const (
	conditionUnreachable    = "upstream-unreachable"
	conditionUnacknowledged = "upstream-unacknowledged"
	conditionLogin          = "upstream-login"
	conditionDenied         = "upstream-denied"
	conditionMissing        = "upstream-missing"
	conditionTLS            = "upstream-tls"
	conditionConfig         = "upstream-config"
	conditionBusy           = "upstream-busy"
)

// Upstream is one bucket. Deliver may be called by two goroutines, one per lane.
type Upstream struct {
	h        upstream.Host
	c        Config
	from     wire.Gateway
	troubles farside.Troubles
	lanes    [2]lines    // one per lane, each owned by its lane's goroutine
	accepted atomic.Bool // the server took something once: url, org and bucket are right

	mu     sync.Mutex
	closed bool
	client *client // nil: none yet
}

// client is the library's client for one token.
type client struct {
	token     string
	transport *transport
	influx    influxdb2.Client
	write     api.WriteAPIBlocking
}

func newUpstream(h upstream.Host, c Config) *Upstream {
	return &Upstream{
		h: h, c: c, from: wire.Gateway{Site: h.Site, Gateway: h.Gateway},
		troubles: farside.Troubles{To: h.Conditions},
	}
}

// Deliver implements upstream.Upstream: it writes the batch and returns nil after the
// server's 204. A batch without records does nothing. A record that cannot be encoded is
// a *wire.RecordError, and nothing was sent.
func (u *Upstream) Deliver(ctx context.Context, b upstream.Batch) error {
	c, err := u.connected()
	if err != nil || len(b.Records) == 0 {
		return err
	}
	l := &u.lanes[0]
	if b.Lane == upstream.Urgent {
		l = &u.lanes[1]
	}
	if err := l.encode(u.from, b.Records, u.h.Definitions); err != nil {
		return fmt.Errorf("influx: %w", err)
	}
	rejected, err := u.bisect(ctx, c.write, l)
	if err != nil {
		return err
	}
	u.troubles.Clear()
	if len(rejected) > 0 {
		return &upstream.Rejected{Records: rejected}
	}
	return nil
}

// Close implements upstream.Upstream.
func (u *Upstream) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	if u.client != nil {
		u.client.close()
		u.client = nil
	}
	return nil
}

func (c *client) close() {
	c.influx.Close()
	c.transport.close()
}

// connected returns a client with the present token. It touches no network.
func (u *Upstream) connected() (*client, error) {
	token := u.c.Token
	if token != "" && u.h.Secret != nil {
		var err error
		if token, err = u.h.Secret(token); err != nil {
			return nil, &upstream.Refused{Code: conditionLogin, Err: fmt.Errorf("influx: token: %w", err)}
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.closed:
		return nil, errors.New("influx: closed")
	case u.client != nil && u.client.token == token:
		return u.client, nil
	case u.client != nil:
		u.client.close()
		u.client = nil
	}
	var meter farside.Meter
	if u.h.Meter != nil {
		meter = u.h.Meter
	}
	t, err := newTransport(farside.TLS{CA: u.c.CA}, meter, u.c.Gzip == GzipOn)
	if err != nil {
		return nil, &upstream.Refused{Code: conditionTLS, Err: fmt.Errorf("influx: %w", err)}
	}
	o := influxdb2.DefaultOptions().SetApplicationName("frostline")
	o.HTTPOptions().SetHTTPDoer(t)
	base := strings.TrimSuffix(u.c.URL, "/") + "/"
	c := &client{token: token, transport: t, influx: influxdb2.NewClientWithOptions(base, token, o)}
	c.write = c.influx.WriteAPIBlocking(u.c.Org, u.c.Bucket)
	u.client = c
	return c, nil
}

// post writes lines. It returns nothing after 204, an answer that may be the fault of a record,
// or an error of the contract.
func (u *Upstream) post(ctx context.Context, w api.WriteAPIBlocking, text string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, u.c.Timeout)
	defer cancel()
	ctx, done := u.watch(ctx)
	defer done()
	err := w.WriteRecord(ctx, text)
	if err == nil {
		u.accepted.Store(true)
		return nil, nil
	}
	var a *answer
	if errors.As(err, &a) {
		if a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity {
			return a, nil
		}
		return nil, u.understand(a)
	}
	wrapped := fmt.Errorf("influx: write: %w", err)
	switch classify(err) {
	case connectionTLS:
		return nil, &upstream.Refused{Code: conditionTLS, Err: wrapped}
	case noConnection:
		return nil, &farside.Unreachable{Err: wrapped}
	case connectionCut:
		return nil, &upstream.Lost{Err: wrapped}
	}
	return nil, wrapped
}

// watch shows soon what a request waits for: its connection, then its answer.
func (u *Upstream) watch(ctx context.Context) (_ context.Context, done func()) {
	var mu sync.Mutex
	stop := u.troubles.Expect(conditionUnreachable, "no connection")
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		mu.Lock()
		defer mu.Unlock()
		stop()
		stop = u.troubles.Expect(conditionUnacknowledged, "no answer")
	}}
	return httptrace.WithClientTrace(ctx, trace), func() {
		mu.Lock()
		defer mu.Unlock()
		stop()
	}
}

// understand turns an answer that blames no record into what the pump understands.
func (u *Upstream) understand(a *answer) error {
	err := fmt.Errorf("influx: write: %w", a)
	refused := func(code string) error { return &upstream.Refused{Code: code, Err: err} }
	switch a.status {
	case http.StatusRequestEntityTooLarge:
		return &upstream.TooLarge{Err: err}
	case http.StatusUnauthorized:
		return refused(conditionLogin)
	case http.StatusForbidden:
		return refused(conditionDenied)
	case http.StatusNotFound:
		return refused(conditionMissing)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		u.troubles.Raise(conditionBusy, a.Error())
		return &upstream.Later{After: a.after, Err: err}
	}
	switch {
	case a.location != "":
		return &upstream.Refused{Code: conditionConfig, Err: fmt.Errorf("%w: redirects to %s: set url to where InfluxDB is", err, a.location)}
	case a.status/100 == 2:
		return &upstream.Refused{Code: conditionConfig, Err: fmt.Errorf("%w: InfluxDB would answer 204: something else is at this url, or between", err)}
	case a.status/100 == 4 && a.status != http.StatusRequestTimeout:
		return refused(conditionConfig)
	}
	return err
}
