package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// link is the demo's network between the gateway and its broker: a relay that can be cut.
type link struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{}
}

// newLink relays a free loopback port to target until close.
func newLink(target string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo: link: %w", err)
	}
	k := &link{target: target, listener: l, conns: map[net.Conn]struct{}{}}
	k.wg.Go(k.accept)
	return k, nil
}

func (k *link) addr() string { return k.listener.Addr().String() }

// set cuts the link, or mends it.
func (k *link) set(down bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down = down
	if down {
		for c := range k.conns {
			_ = c.Close() // that is what a lost network does
		}
	}
}

func (k *link) isDown() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.down
}

func (k *link) close() error {
	err := k.listener.Close()
	k.set(true)
	k.wg.Wait()
	return err
}

func (k *link) accept() {
	for {
		near, err := k.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if k.isDown() {
			_ = near.Close()
			continue
		}
		far, err := net.Dial("tcp", k.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		k.relay(near, far)
	}
}

// relay copies both ways until either side ends, and then closes both.
func (k *link) relay(near, far net.Conn) {
	k.mu.Lock()
	k.conns[near], k.conns[far] = struct{}{}, struct{}{}
	if k.down { // cut while it was being made
		_, _ = near.Close(), far.Close()
	}
	k.mu.Unlock()
	for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
		k.wg.Go(func() {
			_, _ = io.Copy(pair[0], pair[1]) // either end may be cut at any time
			_, _ = near.Close(), far.Close()
			k.mu.Lock()
			defer k.mu.Unlock()
			delete(k.conns, pair[0])
		})
	}
}
