package mfrc522

import (
	"context"
	"errors"
	"fmt"
)

// Frames of ISO/IEC 14443-3 A (sections 6.4 and 6.5).
const (
	cardRequest = 0x26 // 7 bits
	cardHalt    = 0x50
	wholeUID    = 0x70
	cascadeTag  = 0x88
	moreUID     = 0x04 // SAK: the UID is not complete
)

// cascade is the select code of each level; a level gives four bytes, three where another
// one follows.
var cascade = [...]byte{0x93, 0x95, 0x97}

// nextCard selects one card that has not been selected since the field came up, silences
// it and returns its UID of 4, 7 or 10 bytes. errSilence means that there is none.
func (r registers) nextCard(ctx context.Context) ([]byte, error) {
	// The answer's content does not matter: of several cards it is a mixture.
	if _, err := r.transceive(ctx, []byte{cardRequest}, 7, 0); err != nil {
		return nil, err
	}
	var uid []byte
	for _, sel := range cascade {
		part, err := r.resolve(ctx, sel)
		if err != nil {
			return nil, lost(err)
		}
		sak, err := r.choose(ctx, sel, part)
		if err != nil {
			return nil, lost(err)
		}
		more := sak&moreUID != 0
		if more != (part[0] == cascadeTag) {
			return nil, fmt.Errorf("%w: UID part %x with SAK %#02x", errGarbled, part, sak)
		}
		if !more {
			return append(uid, part[:4]...), r.halt(ctx)
		}
		uid = append(uid, part[1:4]...)
	}
	return nil, fmt.Errorf("%w: a UID of more than three parts", errGarbled)
}

// lost is a card that fell silent in the middle: not the end of the search.
func lost(err error) error {
	if errors.Is(err, errSilence) {
		return fmt.Errorf("%w: it left", errGarbled)
	}
	return err
}

// resolve finds the five bytes of one cascade level of one card: where several cards
// differ in a bit, those that have a one go on.
func (r registers) resolve(ctx context.Context, sel byte) (part [5]byte, err error) {
	known := 0 // bits
	for range 33 {
		whole, bits := known/8, known%8
		frame := []byte{sel, byte((2+whole)<<4 | bits)}
		frame = append(frame, part[:(known+7)/8]...)
		a, err := r.transceive(ctx, frame, bits, bits)
		if err != nil {
			return part, err
		}
		if len(a.data) > 5-whole || a.collision == 0 && (len(a.data) != 5-whole || a.lastBits != 0) {
			return part, fmt.Errorf("%w: %d bytes, %d bits of a UID part", errGarbled, len(a.data), a.lastBits)
		}
		for i, b := range a.data {
			if i == 0 && bits > 0 {
				mask := byte(0xFF) << bits
				b = part[whole]&^mask | b&mask
			}
			part[whole+i] = b
		}
		if a.collision == 0 {
			if part[0]^part[1]^part[2]^part[3] != part[4] {
				return part, fmt.Errorf("%w: UID part %x: wrong check byte", errGarbled, part)
			}
			return part, nil
		}
		if a.collision <= known {
			return part, fmt.Errorf("%w: collision in bit %d of %d known ones", errGarbled, a.collision, known)
		}
		known = a.collision
		part[(known-1)/8] |= 1 << ((known - 1) % 8)
		part[(known-1)/8] &= byte(0xFF) >> (7 - (known-1)%8)
	}
	return part, fmt.Errorf("%w: collisions do not end", errGarbled)
}

// choose selects the card with this UID part and returns its SAK, whose checksum is right.
func (r registers) choose(ctx context.Context, sel byte, part [5]byte) (sak byte, err error) {
	a, err := r.transceive(ctx, withCRC(append([]byte{sel, wholeUID}, part[:]...)), 0, 0)
	if err != nil {
		return 0, err
	}
	if len(a.data) != 3 || a.lastBits != 0 || a.collision != 0 {
		return 0, fmt.Errorf("%w: %d bytes of a SAK", errGarbled, len(a.data))
	}
	if crc := crcA(a.data[:1]); byte(crc) != a.data[1] || byte(crc>>8) != a.data[2] {
		return 0, fmt.Errorf("%w: SAK %x: wrong checksum", errGarbled, a.data)
	}
	return a.data[0], nil
}

// halt silences the selected card until the field is switched off. A card agrees by
// saying nothing.
func (r registers) halt(ctx context.Context) error {
	_, err := r.transceive(ctx, withCRC([]byte{cardHalt, 0}), 0, 0)
	if err == nil {
		return fmt.Errorf("%w: answer to a halt", errGarbled)
	}
	if errors.Is(err, errSilence) {
		return nil
	}
	return err
}

func withCRC(frame []byte) []byte {
	crc := crcA(frame)
	return append(frame, byte(crc), byte(crc>>8))
}

// crcA is the checksum of 14443-3, annex B: polynomial 0x1021 reflected, initial value 0x6363.
func crcA(b []byte) uint16 {
	crc := uint16(0x6363)
	for _, x := range b {
		crc ^= uint16(x)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8408
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
