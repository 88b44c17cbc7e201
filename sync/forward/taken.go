package forward

import (
	"slices"
	"sort"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// mostRuns bounds each half of a taken: 64 KiB and 32 KiB.
const mostRuns = 4096

// taken is what live windows brought of one epoch: exactly the positions that the far side
// took, that were set aside, or that this lane does not carry. To forget one means only that its
// record comes again.
//
// The first records of each topic in a live window went with prev 0. They are apart: they
// come again in their turn, each with what was before it as prev, so that the chain of the
// topic has no open end.
type taken struct {
	epoch  agent.Epoch
	runs   []run       // rising, not touching
	firsts []agent.Seq // rising
}

type run struct{ first, last agent.Seq }

// add takes a live window in.
func (t *taken) add(w window) {
	for i := range w.whole {
		p := w.whole[i]
		if t.epoch != p.Epoch {
			*t = taken{epoch: p.Epoch}
		}
		if opensTopic(w.batches, p) {
			t.firsts = append(newest(t.firsts), p.Seq)
		} else {
			t.addRun(p.Seq)
		}
	}
}

func opensTopic(batches []upstream.Batch, p agent.Position) bool {
	for i := range batches {
		if b := &batches[i]; b.Prev == 0 && b.Records[0].Position == p {
			return true
		}
	}
	return false
}

func (t *taken) addRun(seq agent.Seq) {
	n := len(t.runs)
	switch {
	case n > 0 && seq <= t.runs[n-1].last: // never within an epoch that goes on
	case n > 0 && seq == t.runs[n-1].last+1:
		t.runs[n-1].last = seq
	default:
		t.runs = append(newest(t.runs), run{seq, seq})
	}
}

// newest makes room for one more by forgetting the oldest.
func newest[T any](s []T) []T {
	if len(s) < mostRuns {
		return s
	}
	return append(s[:0], s[1:]...)
}

// at is the index of the first run that ends at or after seq.
func (t *taken) at(seq agent.Seq) int {
	return sort.Search(len(t.runs), func(i int) bool { return t.runs[i].last >= seq })
}

// forget drops what the lane has passed.
func (t *taken) forget(p agent.Position) {
	if p.Epoch != t.epoch {
		return
	}
	t.runs = t.runs[t.at(p.Seq+1):]
	n, _ := slices.BinarySearch(t.firsts, p.Seq+1)
	t.firsts = t.firsts[n:]
}

// how a record came to the far side before its turn.
type brought int

const (
	notBrought brought = iota
	broughtFirst
	broughtLater
)

func (t *taken) brought(seq agent.Seq) brought {
	if i := t.at(seq); i < len(t.runs) && t.runs[i].first <= seq {
		return broughtLater
	}
	if _, ok := slices.BinarySearch(t.firsts, seq); ok {
		return broughtFirst
	}
	return notBrought
}

// without is the batch in pieces, without the records that live windows brought; their first
// ones are pieces of their own. Each piece says which record of the topic came before it,
// left out or not.
func (t *taken) without(b upstream.Batch) []upstream.Batch {
	last := b.Records[len(b.Records)-1].Position.Seq
	if b.Epoch != t.epoch || (len(t.runs) == 0 || last < t.runs[0].first) && (len(t.firsts) == 0 || last < t.firsts[0]) {
		return []upstream.Batch{b}
	}
	var pieces []upstream.Batch
	for {
		how, n := t.brought(b.Records[0].Position.Seq), 1
		for n < len(b.Records) && t.brought(b.Records[n].Position.Seq) == how {
			n++
		}
		head, tail := split(b, n)
		if how != broughtLater {
			pieces = append(pieces, head)
		}
		if n == len(b.Records) {
			return pieces
		}
		b = tail
	}
}
