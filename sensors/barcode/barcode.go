// Package barcode reads barcode scanners on a serial line: RS-232, or USB in the mode
// that makers call CDC-ACM, virtual COM or USB serial.
//
// A code is what arrives up to its terminator. What is cut off, too long, or holds bytes
// that no barcode has is counted and left out, never passed on in part.
package barcode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Driver is the driver's word in the config: barcode.
var Driver = sensors.DefineScanner("barcode",
	Config{Baud: 9600, Terminator: Either, Gap: 200 * time.Millisecond}, nil, open)

// Terminator is what a scanner sends after a code.
type Terminator string

// The terminators.
const (
	Either Terminator = "cr-or-lf" // CR, LF or both
	CR     Terminator = "cr"
	LF     Terminator = "lf"
	CRLF   Terminator = "crlf"
	None   Terminator = "none" // silence of Gap ends a code
)

// Config is the settings of a scanner.
type Config struct {
	Device     string        `yaml:"device" doc:"serial device, for example /dev/serial/by-id/usb-Honeywell… or /dev/ttyACM0" like:"/dev/ttyACM0"`
	Baud       int           `yaml:"baud" doc:"bits per second, 300 to 921600; USB scanners ignore it"`
	Terminator Terminator    `yaml:"terminator" doc:"what ends a code: cr-or-lf, cr, lf, crlf, or none (a silence of gap)" enum:"cr-or-lf,cr,lf,crlf,none"`
	Gap        time.Duration `yaml:"gap" doc:"longest silence within a code, 10ms to 5s; what was received before a longer one is dropped, or is the code if terminator is none"`
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Device == "" {
		errs = append(errs, errors.New("device: is missing"))
	}
	if c.Baud < 300 || c.Baud > 921_600 {
		errs = append(errs, fmt.Errorf("baud: %d: want 300 to 921600", c.Baud))
	}
	switch c.Terminator {
	case Either, CR, LF, CRLF, None:
	default:
		errs = append(errs, fmt.Errorf("terminator: %q: want cr-or-lf, cr, lf, crlf or none", c.Terminator))
	}
	if c.Gap < 10*time.Millisecond || c.Gap > 5*time.Second {
		errs = append(errs, fmt.Errorf("gap: %s: want 10ms to 5s", c.Gap))
	}
	return errors.Join(errs...)
}

// tolerated is how many codes in a row may be unreadable before Run gives up: the line's
// settings are wrong then.
const tolerated = 8

// Scanner is an open scanner. One goroutine runs it.
type Scanner struct {
	host   sensors.Host
	config Config
	line   *bus.Serial // nil after it failed, until the next Run
	closed chan struct{}

	codes, unreadable int64 // since it was opened
}

func open(_ context.Context, h sensors.Host, c Config) (sensors.Scanner, error) {
	line, err := h.Serial(c.Device, c.Baud)
	if err != nil {
		return nil, err
	}
	return &Scanner{host: h, config: c, line: line, closed: make(chan struct{})}, nil
}

// Run emits each code. It fails if the line does, and after 8 unreadable codes in a row; the
// error then says how many were unreadable since the scanner was opened.
func (s *Scanner) Run(ctx context.Context, emit func(sensors.Observation)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-s.closed:
		return fmt.Errorf("barcode: %w", bus.ErrClosed)
	default:
	}
	if ctx.Err() != nil {
		return nil
	}
	if s.line == nil {
		line, err := s.host.Serial(s.config.Device, s.config.Baud)
		if err != nil {
			return fmt.Errorf("barcode: %w", err)
		}
		s.line = line
	}
	err := s.follow(ctx, emit)
	if err == nil {
		return nil
	}
	err = errors.Join(err, s.line.Close())
	s.line = nil
	return fmt.Errorf("barcode: %w", err)
}

// Close closes the line. It must not be called while Run runs.
func (s *Scanner) Close() error {
	select {
	case <-s.closed:
		return nil
	default:
	}
	close(s.closed)
	if s.line == nil {
		return nil
	}
	if err := s.line.Close(); err != nil {
		return fmt.Errorf("barcode: %w", err)
	}
	return nil
}

// follow cuts what arrives into codes until ctx is done.
func (s *Scanner) follow(ctx context.Context, emit func(sensors.Observation)) error {
	cut := splitter{end: s.config.Terminator}
	inARow := 0 // unreadable
	chunk := make([]byte, 512)
	for {
		n, err := s.next(ctx, chunk, cut.open())
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errGap):
			cut.silence()
		case err != nil:
			return err
		}
		for _, b := range chunk[:n] {
			cut.take(b)
		}
		for _, c := range cut.flush() {
			o, ok := observe(c)
			s.codes++
			if ok {
				inARow = 0
				emit(o)
				continue
			}
			s.unreadable++
			if inARow++; inARow >= tolerated {
				return fmt.Errorf("%d codes in a row are unreadable, %d of %d since the start, are baud and terminator right? %w",
					inARow, s.unreadable, s.codes, agent.FaultProtocol)
			}
		}
	}
}

var errGap = errors.New("silence")

// next reads what has arrived; within a code it waits no longer than Gap.
func (s *Scanner) next(ctx context.Context, chunk []byte, within bool) (int, error) {
	if !within {
		return s.line.Read(ctx, chunk)
	}
	short, cancel := context.WithTimeout(ctx, s.config.Gap)
	defer cancel()
	n, err := s.line.Read(short, chunk)
	if err != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return 0, errGap
	}
	return n, err
}

// observe takes the symbology identifier off a code (ISO/IEC 15424: a bracket, a letter
// and a modifier). It is the observation's symbology; the code is the data alone.
func observe(c code) (sensors.Observation, bool) {
	if c.broken || !readable(c.text) {
		return sensors.Observation{}, false
	}
	o := sensors.Observation{Code: c.text, Symbology: agent.SymbologyUnknown}
	if id, data := identifier(c.text); id != "" {
		o.Symbology, o.Code = agent.Symbology(id), data
	}
	return o, o.Code != ""
}

// identifier splits a symbology identifier off.
func identifier(text string) (id, data string) {
	if len(text) < 3 || text[0] != ']' || !strings.ContainsRune(codeCharacters, rune(text[1])) || !modifier(text[2]) {
		return "", text
	}
	return text[:3], text[3:]
}

// codeCharacters are the letters that ISO/IEC 15424 gives to symbologies.
const codeCharacters = "ABCDEFGHIJKLMNOPQRSTUXYZcdefghjoz"

func modifier(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}
