package bus

import (
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/pin"
)

// recoverAfter is how many transactions in a row the controller must give up before the
// bus is recovered.
const recoverAfter = 3

// recoverHalf is half a period of the recovery clock: 100 kHz, the slowest standard speed.
const recoverHalf = 5 * time.Microsecond

// recoverI2C frees a bus whose data line a device holds low, in the middle of a byte that
// it was interrupted in: up to nine clocks let it finish, a stop condition ends it
// (UM10204 rev. 7, section 3.1.16). It needs the bus's pins and their present function,
// which periph gives where the pins are multiplexed by the processor (bcm283x and its
// like); elsewhere it does nothing, and the kernel's own recovery or a power cycle of the
// devices remains. It reports whether the data line was found low and is high now.
//
// It runs on the bus's goroutine, between transactions.
func recoverI2C(raw i2c.Bus) bool {
	pins, ok := raw.(i2c.Pins)
	if !ok {
		return false
	}
	scl, sda := pins.SCL(), pins.SDA()
	sclFunc, ok1 := muxed(scl)
	sdaFunc, ok2 := muxed(sda)
	if !ok1 || !ok2 {
		return false
	}
	sclWas, sdaWas := sclFunc.Func(), sdaFunc.Func()
	defer func() {
		// The pins go back to the controller, whatever happened; where this fails the next
		// transaction says so.
		_ = sclFunc.SetFunc(sclWas)
		_ = sdaFunc.SetFunc(sdaWas)
	}()
	if release(sda) != nil || release(scl) != nil || sda.Read() == gpio.High {
		return false
	}
	for range 9 {
		if scl.Out(gpio.Low) != nil {
			return false
		}
		time.Sleep(recoverHalf)
		if release(scl) != nil {
			return false
		}
		time.Sleep(recoverHalf)
		if sda.Read() == gpio.High {
			break
		}
	}
	// Stop: data rises while the clock is high.
	_ = scl.Out(gpio.Low)
	_ = sda.Out(gpio.Low)
	time.Sleep(recoverHalf)
	_ = release(scl)
	time.Sleep(recoverHalf)
	_ = release(sda)
	time.Sleep(recoverHalf)
	return sda.Read() == gpio.High
}

// muxed returns p with its function if that can be read and put back.
func muxed(p gpio.PinIO) (pin.PinFunc, bool) {
	if p == nil || p == gpio.INVALID {
		return nil, false
	}
	if r, ok := p.(gpio.RealPin); ok {
		p = r.Real()
	}
	f, ok := p.(pin.PinFunc)
	if !ok || f.Func() == pin.FuncNone {
		return nil, false
	}
	return f, true
}

// release lets the line float up, as open-drain outputs do for a one.
func release(p gpio.PinIO) error { return p.In(gpio.PullUp, gpio.NoEdge) }
