// Package escalate decides who is told of an alarm that nobody acknowledges: level by level, by
// severity and place, around quiet hours and along rotas.
//
// It is pure: no clock, no input or output, nothing started. It is stepped with what the alarm
// engine said, in its order, and returns who is to be told now and the next instant at which it
// wants to be stepped without input. The same inputs give the same calls.
//
// What counts. An alarm counts while it is there and nobody has acknowledged it, on a monotone
// line that runs on through restarts and reboots: no step of the wall clock makes or swallows a
// level. A level goes out when its time has been counted. One that came due while nothing ran
// goes out at once, marked late. After a boot with an unset clock nobody knows how long the power
// was off; then the line goes on from where it stood, and once the clock is set the time off is
// counted too.
//
// What ends it. Acknowledging, shelving and taking out of service end it: somebody knows. A
// warning that returns stops counting, and so does a critical alarm once the next level was told
// that it was there, returned, and was acknowledged by nobody. One that recurs counts on from
// where it stood, so that an alarm which comes and goes does climb. One that asks again
// (re-alarmed) begins anew.
//
// Whoever was told of an alarm is told what becomes of it: acknowledged, returned, there again.
//
// Quiet hours hold back what is not critical from persons and from the outputs that a level
// names, until they end. A level of which nobody is on duty waits for the first who is, while
// the levels after it go on. What was held back and returned meanwhile is told as returned.
// Where the wall clock is unset there are no quiet hours and everybody is on duty.
//
// One cause, one message: an alarm that another one's message spoke for does not escalate; the
// one that spoke does, until the message that all are back.
package escalate
