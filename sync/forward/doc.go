// Package forward is the pump: one per upstream. It reads committed records behind its
// cursor, cuts them into batches, has the upstream deliver them, and moves the cursor
// after the far side took them. It never drops a record.
//
// A pump has two lanes, urgent and main, each with its own goroutines and its own
// cursor, so that no backlog stands before an alarm. In a lane one goroutine reads the
// next window of the store while another delivers the present one:
//
//	store.After → fetch → only → cut into a window → deliver each batch → Acked(end of window)
//
// While the main lane is far behind, a second window on the head brings what is measured now
// out of its turn: live.go.
//
// A window is a run of the sequence; it holds one batch for each kind in it. The cursor moves
// from window to window, so it only ever covers a contiguous prefix whose every selected
// record was taken or set aside. Between two writes of the cursor up to ackEvery may
// pass; what a crash then sends again is the same content under the same positions.
//
// What a Deliver can end in:
//
//	nil                 taken
//	*upstream.Rejected  the named records are quarantined, the others taken
//	*upstream.TooLarge  halved; a single record is quarantined
//	*upstream.Refused   its condition is raised; slow retry
//	*upstream.Later     the same batch again, not before the time it asked for
//	*upstream.Lost      retry with backoff; after three in a row halved, down to one record,
//	                    which is quarantined if others passed between its deaths
//	anything else       unknown: the same batch again, with backoff
//
// Lock order: Pump.mu alone; it is never held over a call of the store or the upstream.
package forward
