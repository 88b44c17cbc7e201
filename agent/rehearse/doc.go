// Package rehearse tries alarm rules on what was recorded: it steps the engines of a config
// over a history or a CSV file and says which transitions would have come, and how many a day.
//
// It is pure. It touches no hardware, no store and no clock: rows come in from outside, in the
// order of time, and time is what they say. Between two rows the engine is stepped at every
// instant at which it wants to be, and the run ends at the last row. Nothing happens after it.
//
// A rehearsal begins with rules that have seen nothing, as an agent does at its first start.
// Nobody acknowledges in it but those whose acts are among the rows.
package rehearse
