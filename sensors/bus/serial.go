package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"go.bug.st/serial"

	"github.com/frostline/frostline/agent"
)

// serialBacklog is how many chunks of up to serialChunk bytes wait for a reader; after
// that the kernel's own buffer fills.
const (
	serialBacklog = 16
	serialChunk   = 512
)

// Serial is an open serial line, in raw mode, 8N1. One goroutine reads it, one writes it.
// Who opened it closes it, and opens it again after an error.
type Serial struct {
	w    *worker
	raw  io.ReadWriteCloser
	once sync.Once
	err  error // of the first Close

	in   chan []byte
	quit chan struct{}
	done chan struct{} // closed when the reading goroutine has ended
	fail error         // why it ended; readable once done is closed

	rest []byte // of a chunk that a Read took in part; owned by the reader
}

// NewSerial wraps a line that is open already. Its Close must end a Read that waits.
func NewSerial(name string, raw io.ReadWriteCloser, now func() time.Duration) *Serial {
	s := &Serial{
		w: newWorker(name, now, nil), raw: raw,
		in: make(chan []byte, serialBacklog), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go s.pump()
	return s
}

// pump moves what arrives into s.in until the line fails or is closed.
func (s *Serial) pump() {
	defer close(s.done)
	for {
		buf := make([]byte, serialChunk)
		n, err := s.raw.Read(buf)
		if n > 0 {
			select {
			case s.in <- buf[:n]:
			case <-s.quit:
				s.fail = ErrClosed
				return
			}
		}
		if err != nil {
			s.fail = err
			return
		}
	}
}

// Read fills p with what has arrived, at least one byte, waiting for it until ctx ends.
// Then it returns ctx's error; a deadline that passed is agent.FaultTimeout too. A device
// that was unplugged is agent.FaultAbsent.
func (s *Serial) Read(ctx context.Context, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(s.rest) == 0 {
		chunk, err := s.next(ctx)
		if err != nil {
			return 0, err
		}
		s.rest = chunk
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *Serial) next(ctx context.Context) ([]byte, error) {
	select { // what has arrived comes before any end
	case chunk := <-s.in:
		return chunk, nil
	default:
	}
	select {
	case chunk := <-s.in:
		return chunk, nil
	case <-ctx.Done():
		return nil, s.w.gaveUp("read: ", ctx.Err())
	case <-s.quit:
		return nil, fmt.Errorf("bus %s: %w", s.w.name, ErrClosed)
	case <-s.done:
	}
	select {
	case chunk := <-s.in:
		return chunk, nil
	default:
		return nil, fmt.Errorf("bus %s: read: %w", s.w.name, classifySerial(s.fail))
	}
}

// Write writes all of p. If the other side's flow control holds it up past ctx's
// deadline, the line is stuck.
func (s *Serial) Write(ctx context.Context, p []byte) error {
	out := append([]byte(nil), p...)
	return s.w.do(ctx, func() error {
		for rest := out; len(rest) > 0; {
			n, err := s.raw.Write(rest)
			if err != nil {
				return fmt.Errorf("bus %s: write: %w", s.w.name, classifySerial(err))
			}
			rest = rest[n:]
		}
		return nil
	})
}

// classifySerial knows that a serial port that ends is one that was unplugged.
func classifySerial(err error) error {
	var port *serial.PortError
	switch {
	case errors.Is(err, io.EOF), errors.As(err, &port) && port.Code() == serial.PortClosed:
		return faulty(agent.FaultAbsent, err)
	}
	return classify(err)
}

func (s *Serial) closed() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// String is the line's name.
func (s *Serial) String() string { return s.w.name }

// Stuck returns a *StuckError while a write hangs, nil otherwise.
func (s *Serial) Stuck() error { return s.w.Stuck() }

// Close closes the line, which ends a Read that waits. If the kernel holds on to it, Close
// returns a *StuckError. A second Close returns nil.
func (s *Serial) Close() error {
	var err error
	s.once.Do(func() {
		close(s.quit)
		err = s.close()
	})
	return err
}

func (s *Serial) close() error {
	closed := make(chan error, 1)
	go func() {
		err := s.raw.Close()
		<-s.done
		closed <- err
	}()
	stuck := s.w.close()
	timer := time.NewTimer(closeWithin)
	defer timer.Stop()
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Errorf("bus %s: close: %w", s.w.name, err)
		}
		return stuck
	case <-timer.C:
		return &StuckError{Bus: s.w.name, For: closeWithin}
	}
}
