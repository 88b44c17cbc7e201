// Package bus gives drivers their buses: I²C, SPI, 1-Wire, GPIO and serial lines through
// periph, real or emulated alike.
//
// Transactions of one bus run one after the other on the one goroutine that may hang in
// the kernel. A caller waits no longer than its context: a transaction that has not
// returned by then leaves the bus stuck, and every later caller gets a *StuckError at
// once ("bus i2c-1 stuck since …") until the kernel lets go of it.
package bus
