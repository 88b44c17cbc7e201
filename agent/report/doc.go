// Package report says what a zone or a shipment went through: per point and zone the
// extremes with their times, the mean and the mean kinetic temperature, the time outside of
// each limit and a verdict, excursions, gaps, faults, instruments with their certificates,
// alarms with who said what, excursion cases with what was decided, the trip with its phases and
// deviations, the quality of the clock, and which records it is made of.
//
// A Builder takes the records in their order, once, and keeps a bounded state, so that a
// year is read in one pass. The semantics are those of the rules: a value holds until the
// point's next sample, at most three intervals; beyond is a gap, which neither extends nor
// resets. A verdict is what the limit's own rule, agent/alarm/limit, says of the records.
//
// What is not known is never guessed: a limit that was not reached although the gaps could
// hide that it was is incomplete, not passed; a value whose time never became known counts
// and has no time; an excursion in whose course the sensor died ends unknown.
//
// The package is pure: no input or output but the io.Writer of WriteCSV, and no clock.
package report
