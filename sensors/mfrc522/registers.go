package mfrc522

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Registers (section 9.2).
const (
	regCommand    = 0x01
	regComIrq     = 0x04
	regError      = 0x06
	regFIFOData   = 0x09
	regFIFOLevel  = 0x0A
	regControl    = 0x0C
	regBitFraming = 0x0D
	regColl       = 0x0E
	regMode       = 0x11
	regTxMode     = 0x12
	regRxMode     = 0x13
	regTxControl  = 0x14
	regTxASK      = 0x15
	regRFCfg      = 0x26
	regTMode      = 0x2A
	regTPrescaler = 0x2B
	regTReloadH   = 0x2C
	regTReloadL   = 0x2D
	regVersion    = 0x37
)

// Commands and bits.
const (
	cmdIdle       = 0x00
	cmdTransceive = 0x0C
	cmdSoftReset  = 0x0F
	powerDown     = 0x10 // Command: still starting

	irqTimer, irqAnswer = 0x01, 0x20

	errorFatal     = 0x13 // overflow, parity, protocol
	errorCollision = 0x08

	txOn, txOff = 0x83, 0x80 // TxControl: antenna pins
	startSend   = 0x80       // BitFraming
	posInvalid  = 0x20       // Coll
	fifoSize    = 64
)

const (
	startPolls  = 10
	answerPolls = 40 // of a millisecond; the chip's own timeout is 5 ms
)

var (
	errSilence = errors.New("no card answers")
	errGarbled = errors.New("a card's answer is garbled")
)

// registers is the chip's register file behind its SPI port.
type registers struct{ spi *bus.SPIConn }

// write writes bytes to one register, one after the other.
func (r registers) write(ctx context.Context, reg byte, values ...byte) error {
	w := append([]byte{reg << 1}, values...)
	return r.spi.Tx(ctx, w, make([]byte, len(w)))
}

// read reads a register n times.
func (r registers) read(ctx context.Context, reg byte, n int) ([]byte, error) {
	w := make([]byte, n+1)
	for i := range n {
		w[i] = reg<<1 | 0x80
	}
	in := make([]byte, n+1)
	if err := r.spi.Tx(ctx, w, in); err != nil {
		return nil, err
	}
	return in[1:], nil
}

func (r registers) readByte(ctx context.Context, reg byte) (byte, error) {
	b, err := r.read(ctx, reg, 1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// settings make a 14443A reader of the chip: 100 % ASK, CRC preset 0x6363, no automatic
// checksums, bits after a collision cleared, and a timeout of 5 ms that starts with each
// sending: 200 periods of 169·2+1 clocks of 13.56 MHz, 25 µs each.
var settings = []struct{ reg, value byte }{
	{regTMode, 0x80}, {regTPrescaler, 0xA9}, {regTReloadH, 0}, {regTReloadL, 199},
	{regTxASK, 0x40}, {regMode, 0x3D}, {regTxMode, 0}, {regRxMode, 0}, {regColl, 0},
}

// setUp resets the chip and makes sure that it is one.
func (r registers) setUp(ctx context.Context, gain byte) error {
	if err := r.write(ctx, regCommand, cmdSoftReset); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	for i := 0; ; i++ {
		command, err := r.readByte(ctx, regCommand)
		if err != nil {
			return fmt.Errorf("reset: %w", err)
		}
		if command&powerDown == 0 {
			break
		}
		if i == startPolls {
			return fmt.Errorf("reset: no chip answers, or it does not start: %w", agent.FaultAbsent)
		}
		if err := sensors.Wait(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	for _, s := range settings {
		if err := r.write(ctx, s.reg, s.value); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
	}
	for _, s := range []struct{ reg, value byte }{{regRFCfg, gain}, {regTxControl, txOn}} {
		if err := r.write(ctx, s.reg, s.value); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
	}
	return r.check(ctx)
}

// check tells whether the chip is there and has kept its settings. SPI has no acknowledge:
// a line that nobody drives reads all zeros or all ones.
func (r registers) check(ctx context.Context) error {
	version, err := r.readByte(ctx, regVersion)
	if err != nil {
		return fmt.Errorf("version: %w", err)
	}
	if version == 0x00 || version == 0xFF {
		return fmt.Errorf("version %#02x: no chip answers: %w", version, agent.FaultAbsent)
	}
	for _, s := range append(settings[:len(settings)-1:len(settings)-1], struct{ reg, value byte }{regTxControl, txOn}) {
		v, err := r.readByte(ctx, s.reg)
		if err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		if v != s.value {
			return fmt.Errorf("settings: register %#02x is %#02x, not %#02x: %w", s.reg, v, s.value, agent.FaultProtocol)
		}
	}
	return nil
}

// restartField switches the antenna off and on, so that every card begins anew.
func (r registers) restartField(ctx context.Context) error {
	for _, step := range []struct {
		value byte
		wait  time.Duration
	}{{txOff, fieldOff}, {txOn, fieldOn}} {
		if err := r.write(ctx, regTxControl, step.value); err != nil {
			return fmt.Errorf("field: %w", err)
		}
		if err := sensors.Wait(ctx, step.wait); err != nil {
			return fmt.Errorf("field: %w", err)
		}
	}
	return nil
}

// answer is what came back from the cards.
type answer struct {
	data      []byte
	lastBits  int // valid bits of the last byte, 0 for all
	collision int // the first bit in which cards differ, from 1; 0 for none
}

// transceive sends a frame whose last byte has lastBits bits (0: all) and returns the
// answer, whose first bit is stored at position align. Without one it is errSilence.
func (r registers) transceive(ctx context.Context, frame []byte, lastBits, align int) (answer, error) {
	framing := byte(align<<4 | lastBits)
	for _, step := range []struct {
		reg    byte
		values []byte
	}{
		{regCommand, []byte{cmdIdle}}, {regComIrq, []byte{0x7F}}, {regFIFOLevel, []byte{0x80}},
		{regFIFOData, frame}, {regBitFraming, []byte{framing}},
		{regCommand, []byte{cmdTransceive}}, {regBitFraming, []byte{framing | startSend}},
	} {
		if err := r.write(ctx, step.reg, step.values...); err != nil {
			return answer{}, fmt.Errorf("send: %w", err)
		}
	}
	if err := r.await(ctx); err != nil {
		return answer{}, err
	}
	return r.collect(ctx)
}

// await returns nil when there is an answer and errSilence when the chip has given up.
func (r registers) await(ctx context.Context) error {
	for range answerPolls {
		irq, err := r.readByte(ctx, regComIrq)
		switch {
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		case irq&irqAnswer != 0:
			return nil
		case irq&irqTimer != 0:
			return errSilence
		}
		if err := sensors.Wait(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
	}
	return fmt.Errorf("receive: the chip neither answers nor gives up: %w", agent.FaultNotReady)
}

func (r registers) collect(ctx context.Context) (answer, error) {
	flags, err := r.readByte(ctx, regError)
	if err != nil {
		return answer{}, fmt.Errorf("receive: %w", err)
	}
	if flags&errorFatal != 0 {
		return answer{}, fmt.Errorf("%w: error register %#02x", errGarbled, flags)
	}
	level, err := r.readByte(ctx, regFIFOLevel)
	if err != nil {
		return answer{}, fmt.Errorf("receive: %w", err)
	}
	if level == 0 || level > fifoSize {
		return answer{}, fmt.Errorf("%w: %d bytes", errGarbled, level)
	}
	control, err := r.readByte(ctx, regControl)
	if err != nil {
		return answer{}, fmt.Errorf("receive: %w", err)
	}
	a := answer{lastBits: int(control & 7)}
	if flags&errorCollision != 0 {
		coll, err := r.readByte(ctx, regColl)
		if err != nil {
			return answer{}, fmt.Errorf("receive: %w", err)
		}
		if coll&posInvalid != 0 {
			return answer{}, fmt.Errorf("%w: cards collide beyond the UID", errGarbled)
		}
		if a.collision = int(coll & 0x1F); a.collision == 0 {
			a.collision = 32
		}
	}
	if a.data, err = r.read(ctx, regFIFOData, int(level)); err != nil {
		return answer{}, fmt.Errorf("receive: %w", err)
	}
	return a, nil
}
