package mqttconn

import "errors"

// What goes wrong, for errors.Is. Every error of this package wraps exactly one of
// these, or is the context's own.
var (
	ErrUnreachable  = errors.New("unreachable")                        // no connection, or none that speaks MQTT
	ErrTLS          = errors.New("certificate or TLS not accepted")    // by us or by the broker
	ErrLogin        = errors.New("login refused")                      // CONNACK 4 or 5
	ErrUnavailable  = errors.New("broker unavailable")                 // CONNACK 3
	ErrDenied       = errors.New("subscription denied")                // SUBACK 0x80
	ErrLost         = errors.New("connection lost")                    // after it was made
	ErrUnanswered   = errors.New("not acknowledged in time")           // the connection may still stand
	ErrOptions      = errors.New("cannot connect with these settings") // found before dialing, or CONNACK 1 or 2
	errClosedBySelf = errors.New("closed")
)
