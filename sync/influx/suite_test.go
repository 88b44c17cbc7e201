package influx

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
)

// TestTheSuite runs the upstream's contract against a server in the test's process.
func TestTheSuite(t *testing.T) {
	upstreamtest.Run(t, func(t *testing.T, h upstream.Host) (upstream.Upstream, upstreamtest.Far) {
		f := newFar(t)
		c := *Driver.Config().(*Config)
		c.URL, c.Org, c.Bucket, c.Timeout = "http://"+f.addr, "hq", "cold", 2*time.Second
		up, err := Driver.Open(t.Context(), h, &c)
		if err != nil {
			t.Fatal(err)
		}
		return up, upstreamtest.Far{
			Received: f.received, Overwrites: true, Unordered: true,
			HangUpEvery: func(k int) { f.hangUp.Store(int64(k)) },
			DelayAck:    func(d time.Duration) { f.delay.Store(int64(d)) },
			NeverAck:    func(on bool) { f.deaf.Store(on) },
			Down:        f.down,
			Reject: func(bad func(agent.Position) bool) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.bad = bad
			},
		}
	})
}

// far is an InfluxDB as far as the suite needs one.
type far struct {
	t     *testing.T
	addr  string
	http  *http.Server
	ended chan struct{}

	hangUp, requests, delay atomic.Int64
	deaf                    atomic.Bool

	mu     sync.Mutex
	points map[string]string // series and timestamp → line
	bad    func(agent.Position) bool
}

func newFar(t *testing.T) *far {
	f := &far{t: t, addr: fmt.Sprintf("127.0.0.1:%d", peers.FreePort(t)), points: map[string]string{}}
	f.down(false)
	t.Cleanup(func() { f.down(true) })
	return f
}

// down stops the server, or starts it again on the same port.
func (f *far) down(on bool) {
	if on {
		if f.http != nil {
			_ = f.http.Close()
			<-f.ended
			f.http = nil
		}
		return
	}
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.http, f.ended = &http.Server{Handler: f}, make(chan struct{})
	go func() {
		defer close(f.ended)
		_ = f.http.Serve(l)
	}()
}

func (f *far) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	lines := linesOf(f.t, req)
	if k := f.hangUp.Load(); k > 0 && f.requests.Add(1)%k == 0 {
		_ = hijack(w).Close()
		return
	}
	f.mu.Lock()
	refused := false
	for _, l := range lines {
		refused = refused || f.bad != nil && f.bad(agent.Position{Epoch: upstreamtest.Epoch, Seq: seqOf(f.t, l)})
	}
	for _, l := range lines {
		if !refused {
			series, rest, _ := strings.Cut(l, " ")
			f.points[series+rest[strings.LastIndex(rest, " "):]] = l
		}
	}
	f.mu.Unlock()
	if f.deaf.Load() {
		<-req.Context().Done()
		return
	}
	if d := time.Duration(f.delay.Load()); d > 0 {
		<-time.After(d)
	}
	if refused {
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":"no"}`)
		return
	}
	w.WriteHeader(204)
}

func (f *far) received() []upstreamtest.Received {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []upstreamtest.Received
	for _, l := range f.points {
		all = append(all, upstreamtest.Received{Position: agent.Position{Epoch: upstreamtest.Epoch, Seq: seqOf(f.t, l)}, Content: l})
	}
	return all
}
