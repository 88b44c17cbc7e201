package sample

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
)

// QueueSize is how many scans wait per scanner; what comes on top is counted as a gap.
const QueueSize = 4096

// ScannerOptions describe one scanner. All fields but Log are required.
type ScannerOptions struct {
	ID         agent.ReaderID
	Zone       agent.ZoneID
	Open       func(ctx context.Context) (sensors.Scanner, error)
	Timeout    time.Duration // real time for one opening
	Clock      clock.Clock
	Sink       Sink
	Conditions Conditions
	Log        *slog.Logger
}

// Scanner runs one device that speaks by itself, and opens it again when it fails.
type Scanner struct {
	o       ScannerOptions
	queue   chan agent.Scan
	overrun chan struct{} // holds a token while dropped is not zero
	dropped atomic.Int64
	state   string // last told: found, lost; owned by Run's goroutine
}

// NewScanner makes a scanner's runner; Run runs it.
func NewScanner(o ScannerOptions) *Scanner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Scanner{o: o, queue: make(chan agent.Scan, QueueSize), overrun: make(chan struct{}, 1)}
}

// Run hands on what the device sees until ctx is done, then closes it and hands on what is
// left. It returns nil.
func (s *Scanner) Run(ctx context.Context) error {
	silent, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.handOn(silent)
	}()
	for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, openPause) {
		began := clock.Elapsed()
		err := s.device(ctx)
		if ctx.Err() != nil {
			break
		}
		if clock.Elapsed()-began > time.Minute {
			pause = time.Second
		}
		s.lost(err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	close(silent)
	<-done
	return nil
}

// device opens the device and runs it until it fails.
func (s *Scanner) device(ctx context.Context) error {
	tx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	dev, err := s.o.Open(tx)
	cancel()
	if err != nil {
		return err
	}
	defer func() {
		if err := dev.Close(); err != nil {
			s.o.Log.Debug("scanner close failed", slog.String("reader", string(s.o.ID)), slog.Any("err", err))
		}
	}()
	s.found()
	return dev.Run(ctx, s.emit)
}

func (s *Scanner) emit(o sensors.Observation) {
	scan := agent.Scan{
		Reader: s.o.ID, Zone: s.o.Zone, At: s.o.Clock.Now(), SourceAt: o.SourceAt,
		Code: o.Code, Symbology: o.Symbology, Antenna: o.Antenna, RSSI: o.RSSI,
	}
	select {
	case s.queue <- scan:
	default:
		s.dropped.Add(1)
		select {
		case s.overrun <- struct{}{}:
		default:
		}
	}
}

// handOn brings queued scans to the sink, until the device is silent for good and nothing is
// left. An overrun is told once the queue has room again.
func (s *Scanner) handOn(silent <-chan struct{}) {
	for {
		select {
		case scan := <-s.queue:
			s.o.Sink.Scan(scan)
			continue
		default:
		}
		select {
		case scan := <-s.queue:
			s.o.Sink.Scan(scan)
		case <-s.overrun:
			s.tellOverrun()
		case <-silent:
			for len(s.queue) > 0 {
				s.o.Sink.Scan(<-s.queue)
			}
			s.tellOverrun()
			return
		}
	}
}

// tellOverrun records how many scans found the queue full, if any did.
func (s *Scanner) tellOverrun() {
	n := s.dropped.Swap(0)
	if n == 0 {
		return
	}
	s.o.Sink.Event(agent.Event{At: s.o.Clock.Now(), Kind: agent.EventGap, Gap: &agent.Gap{
		Reason: agent.GapOverrun, Source: "scanner/" + string(s.o.ID),
		Counts: []agent.Tally{{Kind: agent.KindScans, Count: n}},
	}})
}

// found tells once that the device answers (again).
func (s *Scanner) found() {
	s.o.Conditions.Clear("scanner-failing")
	s.change("found", "")
}

// lost tells once that the device fails.
func (s *Scanner) lost(err error) {
	detail := "the device ended without an error"
	if err != nil {
		detail = err.Error()
	}
	s.o.Conditions.Raise("scanner-failing", detail)
	s.change("lost", detail)
}

// change records a change of state; a repeat changes nothing.
func (s *Scanner) change(state, detail string) {
	if s.state == state {
		return
	}
	s.state = state
	s.o.Sink.Event(agent.Event{At: s.o.Clock.Now(), Kind: agent.EventChange, Change: &agent.StateChange{
		Subject: "scanner/" + string(s.o.ID), State: state, Detail: detail,
	}})
}
