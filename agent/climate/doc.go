// Package climate is the arithmetic of what air and goods went through: mean kinetic
// temperature, means weighted by time, dew point, and statistics over samples that came at
// unequal intervals or not at all.
//
// Weighting is the same everywhere: a value holds until the next sample of its point, at
// most three intervals. What lies beyond is a gap; a gap is never bridged and weighs
// nothing. Recorders that hold values for a limit's `for` and `total` hold them here for the
// same time, so that the minutes outside and the mean tell one story. (The trapezoid, the
// other usual choice, would invent values between samples, and a straight line over every
// gap. Both are described by Tong and Lock, 2015, for means over irregular series.)
//
// The package is pure: it imports the standard library and the nouns, does no input or
// output, and reads no clock.
package climate
