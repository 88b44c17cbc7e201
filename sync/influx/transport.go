package influx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/frostline/frostline/internal/farside"
)

// dialWithin is how long a connection may take to be made.
const dialWithin = 10 * time.Second

// maxAnswer is how many bytes of an answer's text are read.
const maxAnswer = 64 << 10

// transport is the client library's HTTPDoer. It sends compressed bodies of known length
// with a reused compressor, and lets only 204 pass for success: the library takes any 2xx,
// also that of a captive portal's page.
type transport struct {
	client *http.Client
	gzip   bool
	pool   sync.Pool // of *gzip.Writer
}

func newTransport(files farside.TLS, meter farside.Meter, compress bool) (*transport, error) {
	config, err := files.Config()
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialWithin}
	t := &transport{gzip: compress}
	t.pool.New = func() any { return gzip.NewWriter(io.Discard) }
	t.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return farside.Metered(c, meter), nil
			},
			TLSClientConfig:     config,
			TLSHandshakeTimeout: dialWithin,
			MaxIdleConnsPerHost: 2, // one per lane
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return t, nil
}

func (t *transport) close() { t.client.CloseIdleConnections() }

// Do implements the client library's Doer. An answer that is not 204 is an *answer as error.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	if err := t.body(req); err != nil {
		return nil, err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusNoContent {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && len(text) == 0 {
		text = []byte(err.Error())
	}
	return nil, newAnswer(resp, text)
}

// body replaces the request's by one of known length, compressed if so configured.
func (t *transport) body(req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	var b bytes.Buffer
	if t.gzip {
		w := t.pool.Get().(*gzip.Writer)
		defer t.pool.Put(w)
		w.Reset(&b)
		_, err := io.Copy(w, req.Body)
		if err = errors.Join(err, w.Close()); err != nil {
			return fmt.Errorf("compress: %w", err)
		}
		req.Header.Set("Content-Encoding", "gzip")
	} else if _, err := b.ReadFrom(req.Body); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	text := b.Bytes()
	req.ContentLength = int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	var err error
	req.Body, err = req.GetBody()
	return err
}

// answer is what a server said instead of 204.
type answer struct {
	status   int
	words    string // its own, on one line
	after    time.Duration
	location string
}

// Error implements error.
func (a *answer) Error() string {
	if a.words == "" {
		return fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	}
	return fmt.Sprintf("%d %s: %s", a.status, http.StatusText(a.status), a.words)
}

func newAnswer(resp *http.Response, body []byte) *answer {
	a := &answer{status: resp.StatusCode, location: resp.Header.Get("Location")}
	var said struct {
		Message string `json:"message"` // InfluxDB 2
		Error   string `json:"error"`   // InfluxDB 1 and 3
	}
	if err := json.Unmarshal(body, &said); err == nil && said.Message+said.Error != "" {
		a.words = said.Message
		if a.words == "" {
			a.words = said.Error
		}
	}
	if a.words == "" {
		a.words = resp.Header.Get("X-Influxdb-Error")
	}
	if a.words == "" && len(body) > 0 && !strings.Contains(resp.Header.Get("Content-Type"), "html") {
		a.words = string(body)
	}
	a.words = oneLine(a.words, 500)
	a.after = retryAfter(resp.Header)
	return a
}

// oneLine is at most n bytes of text with its white space made single spaces.
func oneLine(text string, n int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\ufffd")), " ")
	if len(text) > n {
		text = strings.ToValidUTF8(text[:n], "") + "…"
	}
	return text
}

// retryAfter reads the header's seconds, or its date as seen from the server's own clock; 0
// if there is none that makes sense.
func retryAfter(h http.Header) time.Duration {
	const most = time.Hour
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, most)
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil || until.Before(now) {
		return 0
	}
	return min(until.Sub(now), most)
}

// What an error without an answer means.
type noAnswer int

const (
	noConnection  noAnswer = iota // none was made
	connectionTLS                 // a certificate or handshake was refused
	connectionCut                 // it was up and ended before the answer
	silence                       // no answer in time, or anything else unknown
)

func classify(err error) noAnswer {
	var op *net.OpError
	switch {
	case farside.IsTLS(err), errors.Is(err, http.ErrSchemeMismatch):
		return connectionTLS
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"):
		return noConnection
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return silence
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return connectionCut
	}
	return silence
}
