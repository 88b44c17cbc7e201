// Package upstreamtest is the suite that every upstream passes, and a Fake upstream with
// an in-memory far side that is held to it.
//
// An upstream's test calls Run with a function that opens the upstream against a far side
// which the test controls: an in-process broker, an httptest server. What is held: no
// record is lost, records arrive in order, a record that comes twice comes with equal content, a
// Deliver returns only when the fate of its batch is known, contexts are honored, Close
// may be called twice, and no goroutine is left.
package upstreamtest
