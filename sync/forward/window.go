package forward

import (
	"encoding/json"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// window is a run of the sequence of one epoch: a batch per kind, and where the cursor
// stands after all of them.
type window struct {
	batches  []upstream.Batch
	end      agent.Position
	at       agent.Instant    // of the last record
	note     note             // after the window
	caughtUp bool             // there was nothing after end
	whole    []agent.Position // of a live window: what was read for it, carried or not
	records  []agent.Record   // what the batches are made of
}

// note stands beside the cursor: the last seq that went to each topic in the epoch.
type note struct {
	Epoch agent.Epoch              `json:"epoch"`
	Prev  map[agent.Kind]agent.Seq `json:"prev,omitempty"`
}

// parseNote reads a note. One that cannot be read (of another version) claims nothing.
func parseNote(text []byte) note {
	var n note
	if json.Unmarshal(text, &n) != nil {
		return note{}
	}
	return n
}

func (n note) text() []byte {
	text, err := json.Marshal(n)
	if err != nil {
		panic("forward: a note always marshals: " + err.Error())
	}
	return text
}

// cutWindow takes records from the front of buf: of one epoch, in rising order, up to max
// bytes of size hint (at least one record), and none that waits for its date. It returns
// how many, and whether the window can grow no more. Salvaged records may stand in the
// store behind younger ones, and with them an epoch or a seq may come again.
func cutWindow(buf []agent.Record, max int) (n int, full bool) {
	size := 0
	for n < len(buf) {
		r := &buf[n]
		if r.Waiting() {
			return n, true
		}
		if n > 0 && (r.Position.Epoch != buf[0].Position.Epoch || r.Position.Seq <= buf[n-1].Position.Seq) {
			return n, true
		}
		size += wire.SizeHint(r)
		if n > 0 && size > max {
			return n, true
		}
		n++
	}
	return n, size >= max
}

// batches sorts the records of one epoch by kind, in order, into room, which is as long, and
// moves the note on.
func batches(lane upstream.Lane, records, room []agent.Record, before note) ([]upstream.Batch, note) {
	epoch := records[0].Position.Epoch
	after := note{Epoch: epoch, Prev: map[agent.Kind]agent.Seq{}}
	if before.Epoch == epoch {
		for k, seq := range before.Prev {
			after.Prev[k] = seq
		}
	}
	counts := map[agent.Kind]int{}
	for i := range records {
		counts[records[i].Kind()]++
	}
	var cut []upstream.Batch
	place := map[agent.Kind]int{}
	for i := range records {
		r := &records[i]
		kind := r.Kind()
		at, ok := place[kind]
		if !ok {
			at = len(cut)
			place[kind] = at
			b := upstream.Batch{Lane: lane, Kind: kind, Epoch: epoch, Prev: after.Prev[kind]}
			if b.Prev >= r.Position.Seq {
				b.Prev = 0 // out of its turn
			}
			n := counts[kind]
			b.Records, room = room[:0:n], room[n:]
			cut = append(cut, b)
		}
		cut[at].Records = append(cut[at].Records, *r)
		after.Prev[kind] = r.Position.Seq
	}
	return cut, after
}

// split cuts a batch after its first n records.
func split(b upstream.Batch, n int) (head, tail upstream.Batch) {
	head, tail = b, b
	head.Records, tail.Records = b.Records[:n:n], b.Records[n:]
	tail.Prev = head.Records[n-1].Position.Seq
	return head, tail
}

func hintOf(records []agent.Record) int64 {
	size := int64(200) // the frame
	for i := range records {
		size += int64(wire.SizeHint(&records[i]))
	}
	return size
}
