// Package stock turns scans into movements of stock and keeps the balances that follow.
//
// It is pure: no clock, no input or output, nothing started. What it knows it knows from
// movements, so a balance is never negative: goods that go out where none were known leave
// the balance at zero, and the movement says so in its comment.
package stock
