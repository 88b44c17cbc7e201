package mqttconn

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// stream is the connection as paho's client object sees it. It differs from the socket in
// five ways, each of which keeps one bad broker or network from stopping a caller:
//
//   - Write takes the bytes and returns; one goroutine brings them to the socket. So an
//     urgent publish never waits in paho for the routine one before it to be written, and
//     paho's own write deadline, which would cut a large packet on a slow link, has no effect.
//   - The far side must take some bytes every stall and say something, if only in answer to
//     a ping, every quiet; or the connection is over.
//   - Bytes that paho cannot be given safely end the connection: oversized packets, and a
//     SUBACK with more codes than topics, on which it would panic.
//   - dead is closed at the first trouble, with its reason.
//   - paho learns of trouble from Read alone, and only when no packet is being handed to it: once it
//     knows, it stops taking packets, and who is about to hand one over would wait for a timeout.
type stream struct {
	net.Conn
	stall   time.Duration
	quiet   time.Duration
	silence *time.Timer // fires quiet after the last byte that came
	in      *guard
	dead    chan struct{} // closed when nothing more will come or go
	ended   chan struct{} // closed when the writing goroutine has ended
	asked   atomic.Bool   // our own Close or Drop began
	reason  error         // why dead is closed; set before

	handing sync.RWMutex // read-locked while a packet is handed to paho; taken before mu

	mu      sync.Mutex
	room    *sync.Cond // pending, or closing, or dead changed
	pending []byte     // waits to be written
	closing bool       // close the socket once pending is written
	gone    bool       // dead is closed
}

const (
	maxPending = 4 << 20         // bytes that wait for a slow far side before Write waits too
	writeChunk = 16 << 10        // bytes within which progress is looked for
	lastWords  = time.Second     // for reading what the far side said before it closed
	farewell   = 2 * time.Second // for the last bytes to be taken after a polite close
)

func newStream(c net.Conn, stall, quiet time.Duration, maxPacket int) *stream {
	s := &stream{Conn: c, stall: stall, quiet: quiet, dead: make(chan struct{}), ended: make(chan struct{})}
	s.silence = time.AfterFunc(quiet, func() {
		s.fail(fmt.Errorf("%w: nothing came for %v, not even the answer to a ping", ErrUnanswered, quiet))
	})
	s.in = &guard{r: bufio.NewReaderSize(c, 16<<10), max: maxPacket}
	s.room = sync.NewCond(&s.mu)
	go s.pump()
	return s
}

// Read implements net.Conn for paho's reading goroutine.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if err == nil {
		s.silence.Reset(s.quiet)
		return n, nil
	}
	s.fail(err) // from here on nothing new is handed over
	s.handing.Lock()
	defer s.handing.Unlock()
	if s.asked.Load() {
		return n, net.ErrClosed
	}
	// Not net.ErrClosed's text, which paho takes for its own doing and says nothing of.
	return n, fmt.Errorf("mqttconn: %w", ErrLost)
}

// Write implements net.Conn for paho's writing goroutine: it takes a copy of p. On a dead
// stream it does nothing and does not say so: Read does.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pending) > maxPending && !s.gone && !s.closing {
		s.room.Wait()
	}
	if s.gone || s.closing {
		return len(p), nil
	}
	s.pending = append(s.pending, p...)
	s.room.Broadcast()
	return len(p), nil
}

// pump brings pending to the socket until the stream is closed or dead.
func (s *stream) pump() {
	defer close(s.ended)
	late := time.AfterFunc(s.stall, func() {
		s.fail(fmt.Errorf("%w: the far side takes no bytes for %v", ErrUnanswered, s.stall))
	})
	late.Stop()
	defer late.Stop()
	var batch []byte
	for {
		s.mu.Lock()
		for len(s.pending) == 0 && !s.gone && !s.closing {
			s.room.Wait()
		}
		if s.gone || len(s.pending) == 0 {
			s.mu.Unlock()
			s.fail(errClosedBySelf)
			return
		}
		batch, s.pending = s.pending, batch[:0]
		s.room.Broadcast()
		s.mu.Unlock()
		for rest := batch; len(rest) > 0; {
			late.Reset(s.stall)
			n, err := s.Conn.Write(rest[:min(len(rest), writeChunk)])
			late.Stop()
			if err != nil {
				s.failAfterRead(err)
				return
			}
			rest = rest[n:]
		}
		if cap(batch) > maxPending/16 {
			batch = nil // one large packet must not keep its memory for ever
		}
	}
}

// failAfterRead ends the stream, but lets the reading side speak first: what the far side
// said before it closed (a TLS alert) tells more than that it closed.
func (s *stream) failAfterRead(reason error) {
	patience := time.NewTimer(lastWords)
	defer patience.Stop()
	select {
	case <-s.dead:
	case <-patience.C:
	}
	s.fail(reason)
}

// fail ends the stream at once. Only the first reason counts.
func (s *stream) fail(reason error) {
	s.mu.Lock()
	first := !s.gone
	if first {
		s.gone, s.reason = true, reason
		close(s.dead)
		s.room.Broadcast()
	}
	s.mu.Unlock()
	if first {
		s.silence.Stop()
		_ = s.Conn.Close() // nothing is expected of it any more
	}
}

// Close implements net.Conn: what was written is brought to the socket for at most
// farewell, in the background; then the socket is closed.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.gone {
		return nil
	}
	s.closing = true
	s.room.Broadcast()
	time.AfterFunc(farewell, func() { s.fail(errClosedBySelf) })
	return nil
}

// SetDeadline implements net.Conn: only reading has one, see SetWriteDeadline.
func (s *stream) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetWriteDeadline does nothing: progress is watched instead.
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

// guard lets through whole MQTT packets that paho can digest.
type guard struct {
	r    *bufio.Reader
	max  int
	subs atomic.Int32 // how many codes the next SUBACK may have

	greeted bool // CONNACK, always the first packet, has come

	head []byte  // of the fixed header, still to be given out
	buf  [5]byte // head's memory
	body int     // bytes of the packet still to be given out after head
}

// Read implements io.Reader.
func (g *guard) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(g.head) == 0 && g.body == 0 {
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	n, err := g.r.Read(p[:min(len(p), g.body)])
	g.body -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// The control packets that a broker may send.
const (
	packetConnack  = 2
	packetPublish  = 3
	packetPubcomp  = 7
	packetSuback   = 9
	packetUnsuback = 11
	packetPingresp = 13

	packetDisconnect = 14
)

// next reads a fixed header: the packet's kind, and the length of the rest in one to four
// bytes of seven bits, the lowest first.
func (g *guard) next() error {
	kind, err := g.r.ReadByte()
	if err != nil {
		return err
	}
	g.buf[0] = kind
	n, length := 1, 0
	for more := true; more; n++ {
		if n == len(g.buf) {
			return fmt.Errorf("%w: the broker sent no MQTT: length over four bytes", ErrLost)
		}
		if g.buf[n], err = g.r.ReadByte(); err != nil {
			return err
		}
		length |= int(g.buf[n]&0x7f) << (7 * (n - 1))
		more = g.buf[n]&0x80 != 0
	}
	switch t := kind >> 4; {
	case length > g.max:
		return fmt.Errorf("%w: the broker sent a packet of %d bytes, more than %d", ErrLost, length, g.max)
	case !g.greeted && (t != packetConnack || length != 2):
		return fmt.Errorf("%w: the broker speaks no MQTT", ErrLost)
	case t == packetDisconnect:
		// MQTT 3.1.1 knows it from clients only, but some brokers say goodbye so.
		return fmt.Errorf("%w: the broker disconnects us: has another client the same id?", ErrLost)
	case t < packetConnack, t > packetPubcomp && t != packetSuback && t != packetUnsuback && t != packetPingresp:
		return fmt.Errorf("%w: the broker sent no MQTT: packet kind %d", ErrLost, t)
	case t == packetPublish && kind>>1&3 == 3:
		return fmt.Errorf("%w: the broker sent no MQTT: QoS 3", ErrLost)
	case t == packetSuback && length-2 > int(g.subs.Load()):
		return fmt.Errorf("%w: the broker answered %d subscriptions of %d", ErrLost, length-2, g.subs.Load())
	}
	g.greeted = true
	g.head, g.body = g.buf[:n], length
	return nil
}
