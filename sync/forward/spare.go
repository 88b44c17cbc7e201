package forward

import "github.com/frostline/frostline/agent"

// least is how many records of room are never too much.
const least = 256

// tooMuch reports whether room for so many records is out of proportion to n: it was made
// for a backlog, and is let go.
func tooMuch(room, n int) bool { return room > 4*max(n, least) }

// spare is the room of windows that were delivered, for the next ones. A nil spare has none.
type spare chan []agent.Record

// newSpare has room for a window under way and one that waits.
func newSpare() spare { return make(spare, 2) }

// take returns room for n records. What is in it is not cleared.
func (s spare) take(n int) []agent.Record {
	select {
	case r := <-s:
		if n <= cap(r) && !tooMuch(cap(r), n) {
			return r[:n]
		}
	default:
	}
	return make([]agent.Record, n, n+n/4)
}

// put gives back what nothing refers to any more.
func (s spare) put(r []agent.Record) {
	select {
	case s <- r:
	default:
	}
}
