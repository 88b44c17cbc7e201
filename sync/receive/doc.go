// Package receive is the reference far side: it takes the records of any number of
// gateways from an MQTT broker, writes each record once, and keeps a ledger that says per
// gateway what was expected, what came, and what is missing.
//
// Delivery to it is at least once; (site, gateway, epoch, seq) makes the effect exactly
// once. A message is acknowledged to the broker only after its records are durable in the
// sink and in the ledger's journal, and the session outlives the connection, so that
// nothing is lost while the receiver is away.
//
// It also notices silence: a gateway that should always be on and says nothing is an alarm
// at most 90 s later, whether it was killed, cut off, or hangs with its connection open.
package receive
