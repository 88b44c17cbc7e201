package store

import "github.com/frostline/frostline/agent"

// span is a run of offsets of the set-aside file, both ends included.
type span struct {
	First int64    `json:"first"`
	Last  int64    `json:"last"`
	Kind  kindCode `json:"kind,omitempty"` // if known
}

// without takes [first, last] out of the spans.
func without(spans []span, first, last int64) []span {
	var out []span
	for _, s := range spans {
		if last < s.First || first > s.Last {
			out = append(out, s)
			continue
		}
		if s.First < first {
			out = append(out, span{s.First, first - 1, s.Kind})
		}
		if s.Last > last {
			out = append(out, span{last + 1, s.Last, s.Kind})
		}
	}
	return out
}

// ranges are the positions that the span's offsets stood for.
func (c *catalog) ranges(s span) []agent.Range {
	var out []agent.Range
	for i, seg := range c.segs {
		first, last := max(s.First, seg.start), s.Last
		if i+1 < len(c.segs) {
			last = min(last, c.segs[i+1].start-1)
		}
		if first <= last {
			at := func(o int64) agent.Seq { return seg.first + agent.Seq(o-seg.start) }
			out = append(out, agent.Range{Epoch: seg.epoch, First: at(first), Last: at(last), Kind: s.Kind.kind()})
		}
	}
	return out
}
