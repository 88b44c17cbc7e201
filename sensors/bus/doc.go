// Package bus gives drivers their buses: I²C, SPI, 1-Wire, GPIO and serial lines through
// periph, real or emulated alike.
//
// Transactions of one bus run one after the other on the one goroutine that may hang in
// the kernel. A caller waits no longer than its context, which has a deadline wherever a
// sampling lane calls: a transaction that has not returned by then leaves the bus stuck,
// and every other caller gets a *StuckError at once ("bus i2c-1 stuck for 12s") until the
// kernel lets go of it. A caller that was canceled leaves no stuck bus behind unless its
// transaction outlives a later caller's deadline too.
//
// Errors wrap the agent.Fault that they mean for a reading and the original error. What a
// transaction reads reaches the caller only if it succeeded.
//
// What the package cannot know: SPI has no acknowledge, so an absent SPI device reads as
// zeros or ones. periph's GPIO drivers report a level and no error when a read of the
// line fails. An I²C bus whose data line a device holds low is freed where periph has the
// bus's pins (see recoverI2C); elsewhere its transactions time out until the device is
// power cycled.
package bus
