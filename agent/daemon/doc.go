// Package daemon builds the whole agent from a config and supervises it: buses, lanes and
// scanners on the left, the recorder with its rules in the middle, the store, and to the
// right of the commit the pumps, the outputs and the control socket. The demo and the
// tests run this same wiring.
//
// What may fail alone fails alone: no part returns an error for a missing device, an
// unreachable upstream or a sick disk; they declare a condition and go on.
package daemon
