package emulated

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// serialOpener opens a barcode scanner's port for bus.Options.Emulated.
func (w *World) serialOpener(port string) func() (io.ReadWriteCloser, error) {
	return func() (io.ReadWriteCloser, error) {
		return &serialLine{w: w, port: port, heard: w.Elapsed() - time.Nanosecond, quit: make(chan struct{})}, nil
	}
}

// serialLine is an open port: what is scanned while it is open can be read, each code
// followed by a carriage return. What is written to the scanner is swallowed.
type serialLine struct {
	w     *World
	port  string
	heard time.Duration // scans up to then are in rest; owned by the reader
	rest  []byte        // owned by the reader

	closing sync.Once
	quit    chan struct{}
}

// Read waits for a scan. Close and the world's Close end it with io.EOF.
func (l *serialLine) Read(p []byte) (int, error) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-l.quit:
			return 0, io.EOF
		case <-l.w.quit:
			return 0, io.EOF
		default:
		}
		now := l.w.Elapsed()
		for _, e := range l.w.script.between(l.heard, now) {
			if e.Do == CodeScanned && e.On == l.port && e.Begin {
				l.rest = append(append(l.rest, e.Code...), '\r')
			}
		}
		l.heard = max(l.heard, now)
		if len(l.rest) > 0 {
			n := copy(p, l.rest)
			l.rest = l.rest[n:]
			return n, nil
		}
		select {
		case <-ticker.C:
		case <-l.quit:
		case <-l.w.quit:
		}
	}
}

func (l *serialLine) Write(p []byte) (int, error) {
	select {
	case <-l.quit:
		return 0, fmt.Errorf("emulated %s: %w", l.port, io.ErrClosedPipe)
	default:
		return len(p), nil
	}
}

func (l *serialLine) Close() error {
	l.closing.Do(func() { close(l.quit) })
	return nil
}
