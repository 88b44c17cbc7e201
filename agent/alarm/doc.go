// Package alarm is the alarm engine: it steps the rules of all configured alarms over
// readings, stock levels and time, and turns what they find into transitions.
//
// It is pure. It reads no clock, does no input or output and starts nothing: a Step takes
// an input and returns events and the next instant at which the engine wants to be stepped
// without one. The same inputs always give the same events with the same ids, whether or
// not ticks were stepped between them: an input first runs everything that was due before it.
//
// The parts:
//
//   - A Kind is a kind of rule (limit, no-data …): one folder below this one, exporting one
//     value made by Define; package all lists them.
//   - A Spec is one alarm of the config. It selects points, items or readers.
//   - A Rule watches one of them, and says whether its condition holds.
//   - An instance has the life cycle (unack, ack …). There is one per alarm and point. For
//     the kinds that watch devices there is one per alarm and sensor, so that a dead sensor
//     with three points is one message that lists three.
//
// Time. Rules live on the engine's own Line, which runs with the monotonic clock and on
// through reboots by as much as the wall clocks of both boots tell. Where they cannot tell,
// the span is unknown: the line stands still, and what was held is held no longer. No step of
// the wall clock makes or swallows an excursion.
//
// Samples. A value holds until the point's next sample, at most three intervals; after that,
// and from a fault on, there is a gap: nothing is known, time does not count, and nothing is
// cleared or reset. A sample older than the newest of its point, or older than three intervals (and
// 10 s) when it arrives, opens and clears nothing. A value marked implausible or too fast may open
// an alarm (a fire looks implausible too) but is a gap where it would clear or reset one; the
// other marks do not change how a value is judged.
//
// Occurrences. Every raising has a new id, also when an alarm recurs that has returned and that
// nobody has acknowledged: id and transition together then name one thing. The acknowledgement
// of the new occurrence covers the earlier ones. An id is "<alarm>:<point or item>:<first 8
// digits of the boot id>:<number>"; the number is the boot's milliseconds or the last number plus one,
// whichever is greater, so that an occurrence which was announced but not committed before a crash
// never shares its id with a later one.
package alarm
