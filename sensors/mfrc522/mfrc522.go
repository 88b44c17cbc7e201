// Package mfrc522 reads the UIDs of ISO 14443A cards and tags with NXP's MFRC522 on SPI.
//
// It drives the chip's registers itself. periph's driver needs the IRQ pin, waits without
// a context, ignores the checksum of a card's answer to its selection, takes a selection
// that failed with the chip's error flag set for a success, and knows one card at a time.
// Facts are from NXP's datasheet MFRC522 (revision 3.9) and ISO/IEC 14443-3.
package mfrc522

import (
	"context"
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Driver is the driver's word in the config: mfrc522.
var Driver = sensors.DefineScanner("mfrc522",
	Config{Bus: "spi0.0", Poll: 100 * time.Millisecond, GoneAfter: time.Second, Gain: 33}, nil, open)

// Config is the settings of a reader.
type Config struct {
	Bus       string        `yaml:"bus" doc:"SPI port and chip select, for example spi0.0"`
	Poll      time.Duration `yaml:"poll" doc:"how often the field is searched for cards, 20ms to 10s"`
	GoneAfter time.Duration `yaml:"gone_after" doc:"how long a card must be away before it counts as a new arrival; at least the poll interval"`
	Gain      int           `yaml:"gain" doc:"receiver gain in dB: 18, 23, 33, 38, 43 or 48"`
}

// gains are the settings of the register RFCfgReg by their decibels.
var gains = map[int]byte{18: 0x20, 23: 0x30, 33: 0x40, 38: 0x50, 43: 0x60, 48: 0x70}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Bus == "" {
		errs = append(errs, errors.New("bus: is missing"))
	}
	if c.Poll < 20*time.Millisecond || c.Poll > 10*time.Second {
		errs = append(errs, fmt.Errorf("poll: %s: want 20ms to 10s", c.Poll))
	}
	if c.GoneAfter < c.Poll {
		errs = append(errs, fmt.Errorf("gone_after: %s is shorter than poll", c.GoneAfter))
	}
	if _, ok := gains[c.Gain]; !ok {
		errs = append(errs, fmt.Errorf("gain: %d: want 18, 23, 33, 38, 43 or 48", c.Gain))
	}
	return errors.Join(errs...)
}

// speed is well below the chip's 10 MHz: readers hang on long wires.
const speed = physic.MegaHertz

const (
	pollWithin   = 5 * time.Second      // for one search of the field, on a healthy bus some 30 ms
	mostCards    = 16                   // found in one search
	retries      = 3                    // searches that fail in a row before Run gives up
	fieldOff     = 5 * time.Millisecond // resets every card
	fieldOn      = 5 * time.Millisecond // a card's time to wake up (ISO 14443-3, 5.1)
	farewellTime = time.Second          // to switch the field off at the end
)

// Reader is an open MFRC522. One goroutine runs it.
type Reader struct {
	chip   registers
	config Config
	// present counts, for each card in the field, the searches that have missed it since it
	// was seen. It outlives a Run: a reader that fails has not seen a card leave.
	present map[string]int
	doubt   bool // the last search was not carried out: set the chip up again
	closed  chan struct{}
}

func open(ctx context.Context, h sensors.Host, c Config) (sensors.Scanner, error) {
	port, err := h.SPI(c.Bus)
	if err != nil {
		return nil, err
	}
	conn, err := port.Connect(ctx, speed, spi.Mode0, 8)
	if err != nil {
		return nil, err
	}
	r := &Reader{chip: registers{conn}, config: c, present: map[string]int{}, closed: make(chan struct{})}
	if err := r.chip.setUp(ctx, gains[c.Gain]); err != nil {
		return nil, err
	}
	return r, nil
}

// Run emits the UID of each card that enters the field, in upper-case hexadecimal, and
// again only after it has been away for GoneAfter. It fails after three searches in a row
// that the reader did not carry out.
func (r *Reader) Run(ctx context.Context, emit func(sensors.Observation)) error {
	select {
	case <-r.closed:
		return fmt.Errorf("mfrc522: %w", bus.ErrClosed)
	default:
	}
	defer r.farewell(ctx)
	ticks := time.NewTicker(r.config.Poll)
	defer ticks.Stop()
	for failed := 0; ; {
		uids, err := r.search(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if failed++; failed >= retries {
				return fmt.Errorf("mfrc522: %w", err)
			}
		default:
			failed = 0
			r.note(uids, emit)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.closed:
			return nil
		case <-ticks.C:
		}
	}
}

// Close ends Run and releases the reader; the bus stays open.
func (r *Reader) Close() error {
	select {
	case <-r.closed:
	default:
		close(r.closed)
	}
	return nil
}

// note emits what has arrived and forgets what has been away for long enough.
func (r *Reader) note(uids []string, emit func(sensors.Observation)) {
	for uid := range r.present {
		r.present[uid]++
	}
	for _, uid := range uids {
		if _, known := r.present[uid]; !known {
			emit(sensors.Observation{Code: uid, Symbology: agent.SymbologyNFC})
		}
		r.present[uid] = 0
	}
	for uid, missed := range r.present {
		if time.Duration(missed)*r.config.Poll >= r.config.GoneAfter {
			delete(r.present, uid)
		}
	}
}

// search lists the cards in the field. A card that is only half read is left out; the
// next search finds it if it is there.
func (r *Reader) search(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, pollWithin)
	defer cancel()
	if r.doubt {
		if err := r.chip.setUp(ctx, gains[r.config.Gain]); err != nil {
			return nil, err
		}
	}
	r.doubt = true
	if err := r.chip.restartField(ctx); err != nil {
		return nil, err
	}
	var found []string
	for range mostCards {
		uid, err := r.chip.nextCard(ctx)
		switch {
		case errors.Is(err, errSilence), errors.Is(err, errGarbled):
			return found, r.proved(ctx)
		case err != nil:
			return nil, err
		}
		if !random(uid) {
			found = append(found, fmt.Sprintf("%X", uid))
		}
	}
	return found, r.proved(ctx)
}

// proved makes sure at the end of a search that the chip was there and set up all the
// time; otherwise silence does not mean an empty field.
func (r *Reader) proved(ctx context.Context) error {
	if err := r.chip.check(ctx); err != nil {
		return err
	}
	r.doubt = false
	return nil
}

// random reports a UID that a phone makes up anew at each contact (ISO 14443-3, 6.4.4):
// it identifies nothing.
func random(uid []byte) bool { return len(uid) == 4 && uid[0] == 0x08 }

// farewell switches the field off.
func (r *Reader) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTime)
	defer cancel()
	_ = r.chip.write(ctx, regTxControl, txOff) // best effort: the reader may be gone
}
