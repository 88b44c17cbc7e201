// Package excursion keeps the cases of excursions. A case opens with the first excursion alarm
// of a zone, takes in every other alarm of the zone that overlaps it in time, outlives them all,
// and is open until a person with the role quality has evaluated it and decided what becomes of
// the goods.
//
// It is pure: no clock, no input or output, nothing started. It is stepped with what the alarm
// engine said, in its order, and then with the reading that caused it.
//
// How a case ends. It ended returned if every alarm cleared and every point that was outside was
// seen all the time. A point that gave no value for DeadAfter (or three of its intervals, if that is
// longer) while it was outside has died; so has one whose sensor-fault or no-data alarm was
// raised, and one that nobody watched for that long because the agent was off. A case all of
// whose points that are still outside are dead has ended unknown at the last value that was
// seen. If one of them lives again and is still outside, the case resumes; but a case of which a
// point ever died never ends returned.
//
// Cause. It is inferred from what was so for some time between LookBack before the excursion
// and its end: mains power that failed, a compressor that stood still, an open door, a dead
// sensor. The first in this order that is found is the cause, until a person names it.
//
// What is kept. A case that has ended and was decided leaves the state; its events are the
// record. At most MaxCases are open: for one more, the oldest that has ended leaves the list
// undecided, and an event says so.
package excursion
