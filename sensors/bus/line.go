package bus

import (
	"context"
	"errors"

	"periph.io/x/conn/v3/gpio"
)

// W1 is a directory of the kernel's 1-Wire devices (/sys/bus/w1/devices).
type W1 struct {
	w   *worker
	Dir string
}

// Pin is one GPIO line.
type Pin struct {
	w   *worker
	raw gpio.PinIO
}

// Serial is an open serial line.
type Serial struct {
	w *worker
}

// Read is a stub that is completed beside the real host.
func (s *Serial) Read(ctx context.Context, p []byte) (int, error) { return 0, errors.New("todo") }

func classify(err error) error { return err }
