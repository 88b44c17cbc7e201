package sensortest

import "errors"

// Flip flips one bit of the n-th transaction: of what the device answers, or of what it
// is sent.
func Flip(n, bit int, sent bool) Fault {
	return func(i int, w, r []byte, _ error, do func(w, r []byte) error) error {
		if i != n {
			return do(w, r)
		}
		if sent {
			if bit/8 < len(w) {
				w[bit/8] ^= 1 << (bit % 8)
			}
			return do(w, r)
		}
		err := do(w, r)
		if bit/8 < len(r) {
			r[bit/8] ^= 1 << (bit % 8)
		}
		return err
	}
}

// Refuse makes the n-th transaction, or every one if n is negative, meet nobody.
func Refuse(n int) Fault {
	return func(i int, w, r []byte, absent error, do func(w, r []byte) error) error {
		if n >= 0 && i != n {
			return do(w, r)
		}
		if absent == nil { // SPI: nobody drives the line
			fill(r, 0xFF)
		}
		return absent
	}
}

// Cut lets only the first keep bytes of the n-th answer through; the rest is idle, what a
// line gives that nobody drives.
func Cut(n, keep int, idle byte) Fault {
	return func(i int, w, r []byte, _ error, do func(w, r []byte) error) error {
		err := do(w, r)
		if i == n && keep < len(r) {
			fill(r[keep:], idle)
		}
		return err
	}
}

// Always answers every transaction with one byte over and over: a line held low or high.
func Always(b byte) Fault {
	return func(_ int, _, r []byte, _ error, _ func(w, r []byte) error) error {
		fill(r, b)
		return nil
	}
}

// Hang holds every transaction up until release is closed. It then fails.
func Hang(release <-chan struct{}) Fault {
	return func(int, []byte, []byte, error, func(w, r []byte) error) error {
		<-release
		return errors.New("interrupted")
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
