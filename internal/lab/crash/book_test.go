package main

import (
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
)

// epoch makes entries of one epoch, digests from 100·epoch on. Its first record names before.
func epoch(id agent.Epoch, before agent.Position, n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = entry{pos: agent.Position{Epoch: id, Seq: agent.Seq(i + 1)}, digest: uint64(100*int(id) + i)}
	}
	entries[0].event = &agent.Event{Kind: agent.EventEpoch, Epoch: &agent.EpochEvent{Previous: before.Epoch, LastSeq: before.Seq}}
	return entries
}

func at(e agent.Epoch, s agent.Seq) agent.Position { return agent.Position{Epoch: e, Seq: s} }

// record is three epochs of 5, 4 and 3 records.
func record() []entry {
	all := epoch(1, agent.Position{}, 5)
	all = append(all, epoch(2, at(1, 5), 4)...)
	return append(all, epoch(3, at(2, 4), 3)...)
}

func TestBookLearnsAWholeRecord(t *testing.T) {
	b := newBook()
	all := record()
	for _, upTo := range []int{3, 7, 12, 12} {
		if wrong := b.look(agent.Position{}, all[:upTo]); len(wrong) != 0 {
			t.Fatalf("up to %d: %q", upTo, wrong)
		}
	}
	if b.records() != 12 || b.last() != at(3, 3) {
		t.Errorf("%d records up to %s", b.records(), b.last())
	}
	if from := b.from(false); from != at(1, 5) {
		t.Errorf("the next look begins after %s, want the end of the third last epoch", from)
	}
	if wrong := b.look(at(1, 5), append(record()[5:], entry{pos: at(3, 4), digest: 1})); len(wrong) != 0 {
		t.Errorf("a later look: %q", wrong)
	}
}

func TestBookFinds(t *testing.T) {
	cases := map[string]struct {
		change func([]entry) []entry
		wrong  string
	}{
		"a lost end":            {func(e []entry) []entry { return e[:10] }, "3 records were committed, 1 are there"},
		"a lost epoch":          {func(e []entry) []entry { return append(e[:5:5], e[9:]...) }, "4 records were committed, 0 are there"},
		"a hole":                {func(e []entry) []entry { return append(e[:2:2], e[3:]...) }, "5 records were committed, 4 are there"},
		"another content":       {func(e []entry) []entry { e[6].digest++; return e }, "two contents"},
		"a hole in what is new": {func(e []entry) []entry { return append(e, entry{pos: at(3, 5)}) }, "the record before it is missing"},
		"an epoch goes on":      {func(e []entry) []entry { return append(e, entry{pos: at(1, 6)}) }, "its epoch had ended"},
		"an epoch from nowhere": {func(e []entry) []entry { return append(e, entry{pos: at(4, 1)}) }, "does not begin with what was before"},
		"an epoch after others": {func(e []entry) []entry { return append(e, epoch(4, at(2, 4), 2)...) }, "was before, want"},
		"an alarm's end is lost": {func(e []entry) []entry {
			for i, id := range []agent.AlarmEventID{"a:p:b:1", "a:p:b:2"} {
				raised := &agent.AlarmEvent{ID: id, Transition: agent.Raised, State: agent.StateUnack}
				e = append(e, entry{pos: at(3, agent.Seq(4+i)), digest: 1, event: &agent.Event{Kind: agent.EventAlarm, Alarm: raised}})
			}
			return e
		}, "a transition before it is lost"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBook()
			if wrong := b.look(agent.Position{}, record()); len(wrong) != 0 {
				t.Fatal(wrong)
			}
			wrong := b.look(agent.Position{}, c.change(record()))
			if !strings.Contains(strings.Join(wrong, "\n"), c.wrong) {
				t.Errorf("found %q, want %q", wrong, c.wrong)
			}
		})
	}
}

func TestARecordIsDatedOnce(t *testing.T) {
	b := newBook()
	undated := epoch(1, agent.Position{}, 2)
	undated[1].digest = 0
	if wrong := b.look(agent.Position{}, undated); len(wrong) != 0 {
		t.Fatal(wrong)
	}
	dated := epoch(1, agent.Position{}, 2)
	if wrong := b.look(agent.Position{}, dated); len(wrong) != 0 {
		t.Errorf("a date that came later counts as a second content: %q", wrong)
	}
	dated[1].digest++
	if wrong := b.look(agent.Position{}, dated); len(wrong) != 1 {
		t.Errorf("a second date was not found: %q", wrong)
	}
}

func TestTheFarSideAgainstTheBook(t *testing.T) {
	b := newBook()
	b.look(agent.Position{}, record())
	got := map[agent.Position]uint64{}
	var seen []sight
	for _, e := range record() {
		got[e.pos] = e.digest
		seen = append(seen, sight{e.pos, e.digest})
	}
	if lost := b.lacks(b.last(), got); len(lost) != 0 {
		t.Errorf("lost %q", lost)
	}
	absent, doubled := b.holds("the far side has", seen)
	if len(absent)+len(doubled) != 0 {
		t.Errorf("absent %q, doubled %q", absent, doubled)
	}
	delete(got, at(2, 3))
	delete(got, at(3, 3))
	if lost := b.lacks(at(3, 2), got); len(lost) != 1 || !strings.Contains(lost[0], "/3 never") {
		t.Errorf("lost %q, want only what is before the position asked for", lost)
	}
	absent, doubled = b.holds("the far side has", []sight{{at(3, 4), 1}, {at(9, 1), 1}, {at(2, 2), 5}})
	if len(absent) != 2 || len(doubled) != 1 {
		t.Errorf("absent %q, doubled %q", absent, doubled)
	}
}
