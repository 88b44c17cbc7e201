package receive

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

var gw = wire.Gateway{Site: "s1", Gateway: "gw-01"}

func TestSpansAgreeWithAPlainSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const top = 60
		draw := func(name string) (Spans, [top + 2]bool) {
			var s Spans
			var set [top + 2]bool
			for range rapid.IntRange(0, 15).Draw(t, name) {
				first := rapid.IntRange(1, top).Draw(t, "first")
				last := rapid.IntRange(first-1, min(top, first+8)).Draw(t, "last")
				s.Add(Span{agent.Seq(first), agent.Seq(last)})
				for i := first; i <= last; i++ {
					set[i] = true
				}
			}
			return s, set
		}
		a, inA := draw("a")
		b, inB := draw("b")
		rest, holes := a.Minus(b), a.Holes(top)
		n := int64(0)
		for i := 1; i <= top; i++ {
			seq := agent.Seq(i)
			if inA[i] {
				n++
			}
			if a.Has(seq) != inA[i] || rest.Has(seq) != (inA[i] && !inB[i]) || holes.Has(seq) == inA[i] {
				t.Fatalf("%d: a %v, b %v, minus %v, holes %v", i, a, b, rest, holes)
			}
		}
		if a.Count() != n {
			t.Fatalf("count %d, want %d", a.Count(), n)
		}
		for i := 1; i < len(a); i++ {
			if a[i].First <= a[i-1].Last+1 {
				t.Fatalf("spans touch: %v", a)
			}
		}
	})
}

func page(t *testing.T, l *Ledger) Account {
	t.Helper()
	pages := l.Accounts()
	if len(pages) != 1 {
		t.Fatalf("%d accounts, want 1", len(pages))
	}
	return pages[0]
}

func entry(prev agent.Seq, spans ...Span) Entry {
	return Entry{Site: gw.Site, Gateway: gw.Gateway, Epoch: 7, Prev: prev, Spans: spans}
}

func TestALostBatchIsMissingOnceTheNextOneClaimsIt(t *testing.T) {
	l := NewLedger(0)
	l.Add(entry(0, Span{1, 100}))
	l.Add(entry(0, Span{151, 151})) // an alarm overtook readings 101 … 150
	if p := page(t, l); p.Missing != 0 || p.Received != 101 {
		t.Fatalf("records under way count as missing: %+v", p)
	}
	l.Add(entry(150, Span{152, 200}))
	p := page(t, l)
	if p.Missing != 50 || p.Expected != 200 || !reflect.DeepEqual(p.Epochs[0].Missing, Spans{{101, 150}}) {
		t.Fatalf("%+v", p)
	}
	l.Add(entry(100, Span{101, 150}))
	if p := page(t, l); p.Missing != 0 || p.Received != 200 || p.Expected != 200 {
		t.Fatalf("after they came: %+v", p)
	}
}

func TestAGapRecordExplainsAHole(t *testing.T) {
	l := NewLedger(0)
	l.Add(entry(0, Span{1, 10}))
	e := entry(20, Span{21, 30})
	e.Gaps = []agent.Range{{Epoch: 7, First: 11, Last: 20}}
	l.Add(e)
	if p := page(t, l); p.Missing != 0 || p.Gone != 10 {
		t.Fatalf("%+v", p)
	}
}

func TestTheEndOfAnEpochIsProvenByTheNext(t *testing.T) {
	b := &wire.Batch{From: gw, Epoch: 8}
	r := agent.OfEvent(agent.Event{Kind: agent.EventEpoch, Epoch: &agent.EpochEvent{Previous: 7, LastSeq: 40, Reason: "unclean"}})
	r.Position = agent.Position{Epoch: 8, Seq: 1}
	b.Records = []agent.Record{r}
	began := EntryOf(b)
	for name, c := range map[string]struct {
		before  []Entry
		kinds   []agent.Kind
		missing Spans
	}{
		"everything came":                  {before: []Entry{entry(0, Span{1, 40})}},
		"the last ones did not":            {before: []Entry{entry(0, Span{1, 30})}, missing: Spans{{31, 40}}},
		"a gap record explains them":       {before: []Entry{{Site: gw.Site, Gateway: gw.Gateway, Epoch: 7, Spans: Spans{{1, 30}}, Gaps: []agent.Range{{Epoch: 7, First: 31, Last: 40}}}}},
		"nothing of it was ever meant us":  {},
		"they may not be selected":         {before: []Entry{entry(0, Span{1, 30})}, kinds: []agent.Kind{agent.KindAlarms}},
		"one is under way, one is missing": {before: []Entry{entry(0, Span{1, 20}), entry(0, Span{25, 39})}, missing: Spans{{40, 40}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLedger(0)
			l.Info(gw, upstream.Info{Kinds: c.kinds})
			for _, e := range append(c.before, began) {
				l.Add(e)
			}
			text, err := l.save()
			if err != nil {
				t.Fatal(err)
			}
			again := NewLedger(0)
			if err := again.load(text); err != nil {
				t.Fatal(err)
			}
			for _, l := range []*Ledger{l, again} {
				for _, e := range page(t, l).Epochs {
					if e.Epoch == 7 && !reflect.DeepEqual(e.Missing, c.missing) {
						t.Errorf("missing %v, want %v", e.Missing, c.missing)
					}
				}
			}
		})
	}
}

func TestAGatewayThatSelectsIsProvenByItsChainAlone(t *testing.T) {
	l := NewLedger(0)
	l.Info(gw, upstream.Info{Kinds: []agent.Kind{agent.KindAlarms}})
	l.Add(entry(0, Span{3, 3}))
	l.Add(entry(3, Span{90, 90}))
	if p := page(t, l); p.Missing != 0 {
		t.Fatalf("what was not selected counts as missing: %+v", p)
	}
	l.Add(entry(120, Span{130, 130}))
	if p := page(t, l); !reflect.DeepEqual(p.Epochs[0].Missing, Spans{{120, 120}}) {
		t.Fatalf("%+v", p)
	}
}

func TestALateWillMeansNothing(t *testing.T) {
	l := NewLedger(0)
	boot, next := agent.BootID{1}, agent.BootID{2}
	status := func(state string, b agent.BootID, conn uint64) wire.Status {
		return wire.Status{Site: gw.Site, Gateway: gw.Gateway, State: state, Boot: b, Conn: conn}
	}
	steps := []struct {
		s    wire.Status
		want bool
	}{
		{status(wire.Online, boot, 1), true},
		{status(wire.Online, boot, 2), true},
		{status(wire.Offline, boot, 1), false}, // the will of the first connection
		{status(wire.Offline, boot, 2), true},
		{status(wire.Online, next, 1), true},
		{status(wire.Offline, boot, 2), false},
		{status(wire.Offline, next, 1), true},
	}
	for i, s := range steps {
		if got := l.Status(s.s); got != s.want {
			t.Errorf("step %d: current %v, want %v", i, got, s.want)
		}
	}
}

func TestRepeatsAndDoublesAreToldApart(t *testing.T) {
	l := NewLedger(16)
	batch := func(values ...string) (*wire.Batch, [][]byte) {
		b := &wire.Batch{From: gw, Epoch: 7}
		var lines [][]byte
		for i, v := range values {
			b.Records = append(b.Records, agent.Record{Position: agent.Position{Epoch: 7, Seq: agent.Seq(i + 1)}, Type: agent.TypeReading})
			lines = append(lines, []byte(v))
		}
		return b, lines
	}
	b, lines := batch("a", "b")
	if fresh, doubled := l.Sort(b, lines); len(fresh) != 2 || doubled != nil {
		t.Fatalf("%v %v", fresh, doubled)
	}
	l.Add(EntryOf(b))
	b, lines = batch("a", "other", "c")
	fresh, doubled := l.Sort(b, lines)
	if !reflect.DeepEqual(fresh, []int{2}) || len(doubled) != 1 || doubled[0].Seq != 2 {
		t.Fatalf("fresh %v, doubled %v", fresh, doubled)
	}
	l.Add(EntryOf(b))
	if p := page(t, l); p.Repeats != 1 || p.Doubled != 1 || p.Received != 3 {
		t.Fatalf("%+v", p)
	}
}

func TestTheLedgerSurvivesAnyCut(t *testing.T) {
	dir := t.TempDir()
	l := NewLedger(0)
	j, err := openJournal(dir, l)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		first := agent.Seq(1 + 10*i)
		if err := j.add(entry(first-1, Span{first, first + 9})); err != nil {
			t.Fatal(err)
		}
		if i == 10 {
			if err := j.fold(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := j.file.WriteString(`{"site":"s1","gate`); err != nil { // the power goes here
		t.Fatal(err)
	}
	again := NewLedger(0)
	j2, err := openJournal(dir, again)
	if err != nil {
		t.Fatal(err)
	}
	if p := page(t, again); p.Received != 200 || p.Missing != 0 {
		t.Fatalf("after the cut: %+v", p)
	}
	if err := j2.close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheLedgerRemembersWhoWasThere(t *testing.T) {
	dir := t.TempDir()
	l := NewLedger(0)
	j, err := openJournal(dir, l)
	if err != nil {
		t.Fatal(err)
	}
	seen := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	l.Heard(gw, seen)
	l.Status(wire.Status{Site: gw.Site, Gateway: gw.Gateway, State: wire.Online, Boot: agent.BootID{1}, Conn: 7})
	if err := j.fold(); err != nil {
		t.Fatal(err)
	}
	pages, err := ReadLedger(dir)
	if err != nil || len(pages) != 1 || pages[0].State != wire.Online || !pages[0].LastSeen.Equal(seen) {
		t.Fatalf("%+v, %v", pages, err)
	}
	again := NewLedger(0)
	if _, err := openJournal(dir, again); err != nil {
		t.Fatal(err)
	}
	// The will of the connection that stood when the receiver stopped is not late.
	if !again.Status(wire.Status{Site: gw.Site, Gateway: gw.Gateway, State: wire.Offline, Boot: agent.BootID{1}, Conn: 7}) {
		t.Fatal("a will after the receiver's restart is taken for a late one")
	}
}

func TestSilence(t *testing.T) {
	now := time.Hour
	s := newSilence()
	s.heard(gw, now)
	if got := s.silent(now + 74*time.Second); len(got) != 0 {
		t.Fatalf("early: %v", got)
	}
	if got := s.silent(now + 75*time.Second); len(got) != 1 {
		t.Fatal("a hung gateway is not noticed")
	}
	if got := s.silent(now + 76*time.Second); len(got) != 0 {
		t.Fatal("told twice")
	}
	if !s.heard(gw, now+80*time.Second) {
		t.Fatal("its return does not clear the alarm")
	}
	s.wentOffline(gw, now+90*time.Second)
	if got := s.silent(now + 111*time.Second); len(got) != 1 {
		t.Fatal("a killed gateway is not noticed after its will")
	}
}

func TestAGatewayThatSpeaksSeldomHasMoreTime(t *testing.T) {
	s := newSilence()
	s.know(gw, 900, 0)
	if got := s.silent(37 * time.Minute); len(got) != 0 {
		t.Fatalf("early: %v", got)
	}
	if got := s.silent(38 * time.Minute); len(got) != 1 {
		t.Fatal("not noticed after two and a half of its intervals")
	}
}

func TestADeafReceiverCallsNobodySilent(t *testing.T) {
	now := time.Hour
	s := newSilence()
	s.heard(gw, now)
	s.setDeaf(true, now)
	if got := s.silent(now + time.Hour); len(got) != 0 {
		t.Fatalf("%v", got)
	}
	s.setDeaf(false, now+time.Hour)
	if got := s.silent(now + time.Hour + 74*time.Second); len(got) != 0 {
		t.Fatalf("its time did not begin anew: %v", got)
	}
	if got := s.silent(now + time.Hour + 75*time.Second); len(got) != 1 {
		t.Fatal("silence after the receiver's own outage is not noticed")
	}
}

func TestATruckMaySleep(t *testing.T) {
	s := newSilence()
	s.watch(gw, false, 0)
	if got := s.silent(24 * time.Hour); len(got) != 0 {
		t.Fatalf("%v", got)
	}
}
