// Package trip is the trip engine: it opens and closes trips, keeps their phases and planned
// stops, and notices when they leave their plan.
//
// It is pure: no clock, no input or output, nothing started. The same inputs always give the
// same events with the same numbers, whether or not ticks were stepped between them.
//
// One trip is open at a time per gateway: a gateway is one vehicle, and all compartments of a
// vehicle travel together. A person who starts a second one is refused, a trigger is ignored.
//
// Phases. pre-cool and loading come before departure; transit rules hold while a trip is
// under-way; unloading and loading again at a stop interrupt them, and departing resumes
// them. What is not in the table of phases.go does not happen.
//
// Who. A person opens, moves on and closes a trip by command. A Trigger does the same by a
// scanned code, by a contact that becomes 1 (or 0), or by entering or leaving a place. What is so
// when the engine first hears of it has not become so: a contact that is closed at the first
// start of the agent triggers nothing.
//
// Plan. A stop is due at a time of the wall clock or a span after departure. Times of the wall
// clock are put on the engine's monotone line when the trip opens, and again only when the clock
// becomes more trusted than it was: no step of an equally trusted clock makes or ends a
// delay. Being late counts from departure to the end of the trip, against the first planned
// stop that was not reached; being off the corridor counts while under way.
//
// Positions. A fix holds until the next, at most its hold; after that, and while the source says
// that it has none, nothing is known: time off the corridor does not count, and nothing is
// opened or closed. Doubtful fixes are not used at all.
//
// A distance reaches a limit when it is ≥ it, and so does a time.
package trip
