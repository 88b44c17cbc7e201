package receive

import (
	"sort"

	"github.com/frostline/frostline/agent"
)

// Span is a run of seqs, both ends included.
type Span struct {
	First agent.Seq `json:"first"`
	Last  agent.Seq `json:"last"`
}

// Len is how many seqs the span holds.
func (s Span) Len() int64 { return int64(s.Last-s.First) + 1 }

// Spans is a set of seqs as sorted spans that neither touch nor overlap.
type Spans []Span

// at is the index of the first span that ends at or after seq.
func (s Spans) at(seq agent.Seq) int {
	return sort.Search(len(s), func(i int) bool { return s[i].Last >= seq })
}

// Has reports whether seq is in the set.
func (s Spans) Has(seq agent.Seq) bool {
	i := s.at(seq)
	return i < len(s) && s[i].First <= seq
}

// Add puts a span into the set. An empty span (Last before First) changes nothing.
func (s *Spans) Add(add Span) {
	if add.Last < add.First {
		return
	}
	set := *s
	from := sort.Search(len(set), func(i int) bool { return set[i].Last+1 >= add.First })
	to := from
	for to < len(set) && set[to].First <= add.Last+1 {
		add.First, add.Last = min(add.First, set[to].First), max(add.Last, set[to].Last)
		to++
	}
	if from < to {
		set[from] = add
		*s = append(set[:from+1], set[to:]...)
		return
	}
	set = append(set, Span{})
	copy(set[from+1:], set[from:])
	set[from] = add
	*s = set
}

// Count is how many seqs are in the set.
func (s Spans) Count() int64 {
	var n int64
	for _, sp := range s {
		n += sp.Len()
	}
	return n
}

// Holes are the spans of 1 … last that are not in the set.
func (s Spans) Holes(last agent.Seq) Spans {
	var holes Spans
	next := agent.Seq(1)
	for _, sp := range s {
		if sp.First > last {
			break
		}
		if sp.First > next {
			holes = append(holes, Span{next, sp.First - 1})
		}
		next = sp.Last + 1
	}
	if next <= last {
		holes = append(holes, Span{next, last})
	}
	return holes
}

// Minus is what is in s and not in t.
func (s Spans) Minus(t Spans) Spans {
	var rest Spans
	for _, sp := range s {
		for i := t.at(sp.First); i < len(t) && t[i].First <= sp.Last; i++ {
			if t[i].First > sp.First {
				rest = append(rest, Span{sp.First, t[i].First - 1})
			}
			sp.First = t[i].Last + 1
		}
		if sp.First <= sp.Last {
			rest = append(rest, sp)
		}
	}
	return rest
}
