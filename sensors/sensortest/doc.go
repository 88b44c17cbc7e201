// Package sensortest is the suite that every driver passes, and the bench on which it is
// run: emulated buses with something between master and device that can spoil, refuse,
// cut short or hold up any transaction.
//
// The rule it enforces: a Read gives the true value or an error. Whatever happens to one
// frame on its way, in either direction, a driver must not turn it into a number; nor may
// it give an earlier value again.
package sensortest
