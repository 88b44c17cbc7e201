// Package agent holds the nouns of Frostline: what is measured (Reading), what
// is scanned (Scan), what happened (Event), where each of them stands in the one
// sequence of the gateway (Position, Record), and what a point was when it was
// read (Definition).
//
// The package imports the standard library only, does no input or output, starts
// nothing and reads no clock. Everything else in the module depends on it, and it
// depends on nothing else in the module.
package agent
