package peers

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy is a TCP relay in front of a peer that plays a bad network. Its methods are safe
// for use by several goroutines.
type Proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	// Up and Down, if set before the first connection, see every chunk on its way to the
	// peer and back, and return what goes on; an error hangs up both sides.
	Up, Down func(chunk []byte) ([]byte, error)

	accepted atomic.Int64

	mu     sync.Mutex
	held   chan struct{} // not nil: nothing moves until it is closed
	refuse bool
	conns  map[net.Conn]struct{}
}

// NewProxy relays to target until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p, err := Relay(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Relay listens on a free port of 127.0.0.1 and relays to target until Close.
func Relay(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("peers: proxy: %w", err)
	}
	p := &Proxy{target: target, listener: l, conns: map[net.Conn]struct{}{}}
	p.wg.Add(1)
	go p.accept()
	return p, nil
}

// Close ends the relay and every connection through it.
func (p *Proxy) Close() {
	_ = p.listener.Close() // it is over
	p.Flow()
	p.Cut()
	p.wg.Wait()
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Accepted is how many connections were made to it.
func (p *Proxy) Accepted() int { return int(p.accepted.Load()) }

// Cut closes every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // it is gone either way
	}
}

// Refuse closes every connection and, until Accept, each new one at once.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	p.refuse = true
	p.mu.Unlock()
	p.Cut()
}

// Accept ends Refuse.
func (p *Proxy) Accept() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = false
}

// Hold makes a black hole: connections stay open and nothing moves until Flow.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
}

// Flow ends Hold.
func (p *Proxy) Flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

func (p *Proxy) accept() {
	defer p.wg.Done()
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return // closed at the end of the test
		}
		p.accepted.Add(1)
		p.mu.Lock()
		refuse := p.refuse
		p.mu.Unlock()
		if refuse {
			_ = near.Close()
			continue
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		p.mu.Lock()
		p.conns[near], p.conns[far] = struct{}{}, struct{}{}
		p.mu.Unlock()
		p.wg.Add(2)
		go p.relay(far, near, p.Up)
		go p.relay(near, far, p.Down)
	}
}

// relay copies from src to dst until either ends, and then closes both.
func (p *Proxy) relay(dst, src net.Conn, look func([]byte) ([]byte, error)) {
	defer p.wg.Done()
	defer func() {
		_, _ = dst.Close(), src.Close()
		p.mu.Lock()
		delete(p.conns, dst)
		delete(p.conns, src)
		p.mu.Unlock()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		chunk := buf[:n]
		p.wait()
		if n > 0 && look != nil {
			var stop error
			if chunk, stop = look(chunk); stop != nil {
				return
			}
		}
		if _, werr := dst.Write(chunk); werr != nil {
			return
		}
		if err != nil && !errors.Is(err, io.EOF) || n == 0 {
			return
		}
	}
}

func (p *Proxy) wait() {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held != nil {
		<-held
	}
}
