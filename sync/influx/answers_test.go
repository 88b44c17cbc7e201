package influx

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
	"github.com/frostline/frostline/sync/wire"
)

// server answers as the test says and counts requests.
type server struct {
	*httptest.Server
	requests atomic.Int64
	answer   atomic.Value // of func(http.ResponseWriter, []string)
}

func newServer(t *testing.T, answer func(w http.ResponseWriter, lines []string)) *server {
	t.Helper()
	s := &server{}
	s.answer.Store(answer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.requests.Add(1)
		s.answer.Load().(func(http.ResponseWriter, []string))(w, linesOf(t, req))
	}))
	t.Cleanup(s.Close)
	return s
}

// linesOf reads a write request.
func linesOf(t *testing.T, req *http.Request) []string {
	if req.URL.Path != "/api/v2/write" || req.URL.Query().Get("precision") != "ns" || req.URL.Query().Get("bucket") != "cold" || req.URL.Query().Get("org") != "hq" {
		t.Errorf("asked for %s", req.URL)
	}
	if req.ContentLength <= 0 {
		t.Errorf("content length %d", req.ContentLength)
	}
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(req.Body)
		if err != nil {
			t.Error(err)
			return nil
		}
		body = z
	}
	var lines []string
	scan := bufio.NewScanner(body)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		lines = append(lines, scan.Text())
	}
	if err := scan.Err(); err != nil {
		t.Errorf("read the body: %v", err)
	}
	return lines
}

func say(code int, header, value, body string) func(http.ResponseWriter, []string) {
	return func(w http.ResponseWriter, _ []string) {
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestAnswers(t *testing.T) {
	const json = "application/json"
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, []string)
		code   string // of Refused; empty: see check
		check  func(error) bool
		words  string
	}{
		"401":                             {say(401, "Content-Type", json, `{"code":"unauthorized","message":"unauthorized access"}`), "upstream-login", nil, "unauthorized access"},
		"403":                             {say(403, "Content-Type", json, `{"code":"forbidden","message":"insufficient permissions"}`), "upstream-denied", nil, "insufficient permissions"},
		"404":                             {say(404, "Content-Type", json, `{"code":"not found","message":"bucket \"cold\" not found"}`), "upstream-missing", nil, `bucket "cold" not found`},
		"405":                             {say(405, "", "", "no"), "upstream-config", nil, "no"},
		"200 from a captive portal":       {say(200, "Content-Type", "text/html", "<html>Welcome to our WiFi</html>"), "upstream-config", nil, "something else"},
		"302 to a captive portal":         {say(302, "Location", "http://wifi.example/", ""), "upstream-config", nil, "http://wifi.example/"},
		"308":                             {say(308, "Location", "https://influx.example/", ""), "upstream-config", nil, "https://influx.example/"},
		"400 to everything, never worked": {say(400, "", "", "Bad Request: no such vhost"), "upstream-config", nil, "no such vhost"},
		"413":                             {say(413, "", "", ""), "", is[*upstream.TooLarge], "413"},
		"429":                             {say(429, "Retry-After", "7", ""), "", later(7 * time.Second), "429"},
		"503":                             {say(503, "", "", "loading"), "", later(0), "loading"},
		"503 with a date":                 {retryDate, "", later(90 * time.Second), ""},
		"503 with nonsense":               {say(503, "Retry-After", "soon", ""), "", later(0), ""},
		"503 for a year":                  {say(503, "Retry-After", "31536000", ""), "", later(time.Hour), ""},
		"500":                             {say(500, "Content-Type", json, `{"error":"timeout"}`), "", unknown, "timeout"},
		"502":                             {say(502, "Content-Type", "text/html", "<html>proxy</html>"), "", unknown, "Bad Gateway"},
		"408":                             {say(408, "", "", ""), "", unknown, ""},
		"a hang-up":                       {func(w http.ResponseWriter, _ []string) { hijack(w).Close() }, "", is[*upstream.Lost], ""},
		"half an answer": {func(w http.ResponseWriter, _ []string) {
			c := hijack(w)
			_, _ = io.WriteString(c, "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf of it")
			_ = c.Close()
		}, "", unknown, "half of it"},
		"no HTTP": {func(w http.ResponseWriter, _ []string) {
			c := hijack(w)
			_, _ = io.WriteString(c, "hello\r\n\r\n")
			_ = c.Close()
		}, "", unknown, ""},
		"an endless answer": {func(w http.ResponseWriter, _ []string) {
			w.WriteHeader(500)
			chunk := make([]byte, 64<<10)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "", unknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.answer)
			r := newRig(t, s.URL, nil)
			err := r.Deliver(t.Context(), r.readings(1, 3))
			switch {
			case c.code != "":
				refused(t, err, c.code)
			case err == nil || !c.check(err):
				t.Errorf("error %#v: %v", err, err)
			}
			if err != nil && !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v does not contain %q", err, c.words)
			}
			var l *upstream.Later
			if busy := r.condition("upstream-busy"); busy != errors.As(err, &l) {
				t.Errorf("condition upstream-busy: %t", busy)
			}
			s.answer.Store(say(204, "", "", ""))
			r.deliver(t, r.readings(1, 3))
			if r.condition("upstream-busy") {
				t.Error("upstream-busy outlived its cause")
			}
		})
	}
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func later(after time.Duration) func(error) bool {
	return func(err error) bool {
		var l *upstream.Later
		return errors.As(err, &l) && l.After == after
	}
}

func unknown(err error) bool {
	return !is[*upstream.Refused](err) && !is[*upstream.Rejected](err) && !is[*upstream.Lost](err) &&
		!is[*upstream.Later](err) && !is[*upstream.TooLarge](err)
}

func retryDate(w http.ResponseWriter, _ []string) {
	now := upstreamtest.Began // the server's clock is its own affair
	w.Header().Set("Date", now.Format(http.TimeFormat))
	w.Header().Set("Retry-After", now.Add(90*time.Second).Format(http.TimeFormat))
	w.WriteHeader(503)
}

func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	return c
}

// seqOf finds a line's seq.
func seqOf(t *testing.T, line string) agent.Seq {
	_, rest, _ := strings.Cut(line, "seq=")
	digits, _, _ := strings.Cut(rest, "i")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		t.Errorf("no seq in %q", line)
	}
	return agent.Seq(n)
}

// picky refuses batches with bad records, as a whole or all but them.
func picky(t *testing.T, status int, bad func(agent.Seq) bool, partial bool, take func(string)) func(http.ResponseWriter, []string) {
	return func(w http.ResponseWriter, lines []string) {
		n := 0
		for _, l := range lines {
			if bad(seqOf(t, l)) {
				n++
			}
		}
		for _, l := range lines {
			if !bad(seqOf(t, l)) && (n == 0 || partial) {
				take(l)
			}
		}
		if n == 0 {
			w.WriteHeader(204)
			return
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":"I do not like it"}`)
	}
}

func TestBisectingFindsTheRecord(t *testing.T) {
	for _, status := range []int{400, 422} {
		for _, partial := range []bool{false, true} {
			for _, bad := range [][]agent.Seq{{1}, {100}, {37}, {1, 100}, {50, 51}, {3, 4, 5, 6, 7, 8}} {
				var mu sync.Mutex
				taken := map[agent.Seq]bool{}
				s := newServer(t, picky(t, status, func(q agent.Seq) bool { return slices.Contains(bad, q) }, partial, func(l string) {
					mu.Lock()
					taken[seqOf(t, l)] = true
					mu.Unlock()
				}))
				r := newRig(t, s.URL, nil)
				err := r.Deliver(t.Context(), r.readings(1, 100))
				if seqs := rejectedSeqs(t, err); !slices.Equal(seqs, bad) {
					t.Errorf("%d: rejected %v, want %v", status, seqs, bad)
				}
				if !strings.Contains(err.Error(), "I do not like it") {
					t.Errorf("%v lacks the server's words", err)
				}
				if len(taken) != 100-len(bad) {
					t.Errorf("%d records taken of %d", len(taken), 100-len(bad))
				}
				if n, most := s.requests.Load(), int64(1+2*8*len(bad)); n > most {
					t.Errorf("%d requests for %d bad records, want at most %d", n, len(bad), most)
				}
			}
		}
	}
}

func TestAllDroppedIsAskedOnce(t *testing.T) {
	s := newServer(t, say(400, "", "", `{"error":"partial write: points beyond retention policy dropped=100"}`))
	r := newRig(t, s.URL, nil)
	if seqs := rejectedSeqs(t, r.Deliver(t.Context(), r.readings(1, 100))); len(seqs) != 100 {
		t.Errorf("rejected %d of 100", len(seqs))
	}
	if n := s.requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestTroubleWhileBisectingLosesNothing(t *testing.T) {
	var fail atomic.Bool
	var mu sync.Mutex
	taken := map[agent.Seq]bool{}
	good := picky(t, 400, func(q agent.Seq) bool { return q == 60 }, false, func(l string) {
		mu.Lock()
		taken[seqOf(t, l)] = true
		mu.Unlock()
	})
	fail.Store(true)
	s := newServer(t, func(w http.ResponseWriter, lines []string) {
		if len(lines) == 25 && fail.Load() {
			w.WriteHeader(500)
			return
		}
		good(w, lines)
	})
	r := newRig(t, s.URL, nil)
	if err := r.Deliver(t.Context(), r.readings(1, 100)); err == nil || !unknown(err) {
		t.Fatalf("error %v, want an unknown end", err)
	}
	fail.Store(false)
	if seqs := rejectedSeqs(t, r.Deliver(t.Context(), r.readings(1, 100))); !slices.Equal(seqs, []agent.Seq{60}) {
		t.Errorf("rejected %v", seqs)
	}
	if len(taken) != 99 {
		t.Errorf("%d taken of 99", len(taken))
	}
}

func TestNoTimeToBisectAsksForSmallerBatches(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	deadline, stop := context.WithTimeout(ctx, 200*time.Millisecond)
	defer stop()
	var n atomic.Int64
	s := newServer(t, func(w http.ResponseWriter, lines []string) {
		if n.Add(1) > 5 {
			<-deadline.Done()
		}
		w.WriteHeader(400)
	})
	r := newRig(t, s.URL, nil)
	if err := r.Deliver(deadline, r.readings(1, 100)); !is[*upstream.TooLarge](err) {
		t.Errorf("error %v, want TooLarge", err)
	}
}

func TestNoAnswerIsUnknownAndNotUnreachable(t *testing.T) {
	stop := make(chan struct{})
	s := newServer(t, func(http.ResponseWriter, []string) { <-stop })
	r := newRig(t, s.URL, func(c *Config, _ *upstream.Host) { c.Timeout = 50 * time.Millisecond })
	if err := r.Deliver(t.Context(), r.readings(1, 3)); !errors.Is(err, context.DeadlineExceeded) || !unknown(err) {
		t.Errorf("error %v, want the deadline", err)
	}
	close(stop)
	none := newRig(t, fmt.Sprintf("http://127.0.0.1:%d", peers.FreePort(t)), nil)
	if err := none.Deliver(t.Context(), none.readings(1, 3)); errors.Is(err, context.DeadlineExceeded) || !unknown(err) {
		t.Errorf("error %v, want one that is no deadline", err)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	trusting := newRig(t, s.URL, func(c *Config, _ *upstream.Host) { c.CA = ca })
	trusting.deliver(t, trusting.readings(1, 3))
	for name, file := range map[string]string{"the system's authorities": "", "no such file": ca + ".gone"} {
		r := newRig(t, s.URL, func(c *Config, _ *upstream.Host) { c.CA = file })
		t.Log(name)
		refused(t, r.Deliver(t.Context(), r.readings(1, 3)), "upstream-tls")
	}
	plain := newServer(t, say(204, "", "", ""))
	r := newRig(t, "https"+strings.TrimPrefix(plain.URL, "http"), nil)
	refused(t, r.Deliver(t.Context(), r.readings(1, 3)), "upstream-tls")
}

func TestAnUnencodableRecordIsNamedAndNothingIsSent(t *testing.T) {
	s := newServer(t, say(204, "", "", ""))
	r := newRig(t, s.URL, nil)
	batch := r.readings(1, 3)
	batch.Records[1].Reading.Def = 99
	var bad *wire.RecordError
	if err := r.Deliver(t.Context(), batch); !errors.As(err, &bad) || bad.Position.Seq != 2 || s.requests.Load() != 0 {
		t.Errorf("error %v after %d requests, want a RecordError for seq 2", err, s.requests.Load())
	}
}

func TestSettingsAreValidated(t *testing.T) {
	good := *Driver.Config().(*Config)
	good.URL, good.Bucket = "https://influx.example:8086/prefix", "cold"
	if err := good.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for want, change := range map[string]func(*Config){
		"scheme":  func(c *Config) { c.URL = "mqtt://x" },
		"host":    func(c *Config) { c.URL = "http://" },
		"user":    func(c *Config) { c.URL = "http://u:p@x" },
		"query":   func(c *Config) { c.URL = "http://x?db=y" },
		"not a":   func(c *Config) { c.URL = "::" },
		"bucket":  func(c *Config) { c.Bucket = "" },
		"gzip":    func(c *Config) { c.Gzip = "maybe" },
		"timeout": func(c *Config) { c.Timeout = 0 },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
