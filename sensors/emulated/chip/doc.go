// Package chip models sensor and reader chips at register level: commands, checksums,
// conversion times, power-on values, and no acknowledge when a chip is unplugged or busy.
// The models know nothing of buses: a bus calls Tx of the chip that it addresses.
//
// Every chip may be used from several goroutines. Time is an argument (Now) and runs on
// while nobody looks; what is measured comes from a Probe.
package chip
