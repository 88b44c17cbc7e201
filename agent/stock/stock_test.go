package stock_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/stock"
)

var boot = agent.BootID{1}

func at(after time.Duration) agent.Instant {
	return agent.Instant{Wall: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).Add(after), Mono: time.Hour + after, Boot: boot, Trust: agent.ClockSynced}
}

var items = []stock.Item{
	{ID: "insulin", Name: "Insulin", Minimum: 2, Codes: []string{"4006381333931", "3034257BF4*"}},
	{ID: "vaccine", Minimum: 1, Codes: []string{"3034257BF46*", "04a2b3c4d5e680"}, Zone: "cold-room-1"},
}

var readers = []stock.Reader{
	{ID: "in", Zone: "cold-room-1", Direction: agent.DirectionIn},
	{ID: "out", Zone: "cold-room-1", Direction: agent.DirectionOut},
	{ID: "shelf", Zone: "cold-room-1", Direction: agent.DirectionCount, Window: time.Second},
	{ID: "every", Zone: "dock", Direction: agent.DirectionIn, Window: -1},
}

func engine(t interface{ Fatal(...any) }) *stock.Engine {
	e, err := stock.New(items, readers)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func scan(reader agent.ReaderID, after time.Duration, code string) *agent.Scan {
	s := &agent.Scan{Reader: reader, At: at(after), Code: code, Symbology: agent.SymbologyUnknown}
	if strings.HasPrefix(strings.ToUpper(code), "3034") {
		s.Symbology = agent.SymbologyEPC
	} else if len(code) == 14 {
		s.Symbology = agent.SymbologyNFC
	}
	return s
}

// told is "item direction quantity=balance" of each movement, "?code" of an unknown one.
func told(out stock.Output) string {
	var all []string
	for _, ev := range out.Events {
		m := ev.Stock
		all = append(all, fmt.Sprintf("%s %s %d=%d", m.Item, m.Direction, m.Quantity, m.Balance))
	}
	for _, u := range out.Unknown {
		all = append(all, "?"+u.Code)
	}
	return strings.Join(all, ", ")
}

func TestScan(t *testing.T) {
	const s = time.Second
	type step struct {
		reader agent.ReaderID
		after  time.Duration
		code   string
		want   string
	}
	for name, steps := range map[string][]step{
		"in and out": {
			{"in", 0, "4006381333931", "insulin in 1=1"},
			{"in", 4 * s, "4006381333931", "insulin in 1=2"},
			{"out", 5 * s, "4006381333931", "insulin out 1=1"},
		},
		"a pallet read twice is one movement": {
			{"in", 0, "4006381333931", "insulin in 1=1"},
			{"in", s, "4006381333931", ""},
			{"in", 3 * s, "4006381333931", ""}, // 2 s after it was last seen
			{"in", 6 * s, "4006381333931", "insulin in 1=2"},
		},
		"two tags are two pieces": {
			{"in", 0, "3034257BF400000000000001", "insulin in 1=1"},
			{"in", 0, "3034257BF400000000000002", "insulin in 1=2"},
		},
		"the longest prefix wins and case does not matter": {
			{"in", 0, "3034257bf460000000000001", "vaccine in 1=1"},
			{"in", 0, "04A2B3C4D5E680", "vaccine in 1=2"},
		},
		"without a window every scan is a piece": {
			{"every", 0, "4006381333931", "insulin in 1=1"},
			{"every", 0, "4006381333931", "insulin in 1=2"},
		},
		"out of nothing is not negative": {
			{"out", 0, "4006381333931", "insulin out 1=0"},
			{"in", 5 * s, "4006381333931", "insulin in 1=1"},
		},
		"a count sets the balance": {
			{"in", 0, "3034257BF400000000000001", "insulin in 1=1"},
			{"shelf", 60 * s, "3034257BF400000000000001", "insulin count 1=1"},
			{"shelf", 61 * s, "3034257BF400000000000002", "insulin count 2=2"},
			{"shelf", 90 * s, "3034257BF400000000000001", ""}, // counted already
			{"shelf", 91 * s, "4006381333931", "insulin count 3=3"},
			{"shelf", 93 * s, "4006381333931", "insulin count 4=4"}, // no serial number: the next piece
			{"shelf", 30 * 60 * s, "3034257BF400000000000001", "insulin count 1=1"},
		},
		"unknown code": {
			{"in", 0, "999", "?999"},
			{"in", s, "999", ""},
		},
		"another reader": {{"door", 0, "4006381333931", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			e := engine(t)
			for n, st := range steps {
				if got := told(e.Scan(scan(st.reader, st.after, st.code))); got != st.want {
					t.Errorf("step %d: got %q, want %q", n, got, st.want)
				}
			}
		})
	}
}

func TestOutWithoutStockSaysSo(t *testing.T) {
	e := engine(t)
	if c := e.Scan(scan("out", 0, "4006381333931")).Events[0].Stock.Comment; c != "went out of a zone where none had come in or been counted" {
		t.Errorf("comment %q", c)
	}
	if c := e.Scan(scan("out", 5*time.Second, "4006381333931")).Events[0].Stock.Comment; c != "went out though the balance was 1 too low" {
		t.Errorf("comment %q", c)
	}
}

func TestLevels(t *testing.T) {
	e := engine(t)
	if l := e.Levels(); len(l) != 0 {
		t.Errorf("levels before any movement: %v", l)
	}
	e.Scan(scan("every", 0, "4006381333931"))
	out := e.Scan(scan("in", 0, "4006381333931"))
	if want := []stock.Level{{Item: "insulin", Quantity: 2, Minimum: 2}}; !reflect.DeepEqual(out.Levels, want) {
		t.Errorf("levels %v, want the sum over zones %v", out.Levels, want)
	}
	e.Scan(scan("every", 0, "04A2B3C4D5E680")) // at the dock: not where the minimum has to be
	if got, want := e.Levels()[1], (stock.Level{Item: "vaccine", Zone: "cold-room-1", Minimum: 1}); got != want {
		t.Errorf("level %v, want %v", got, want)
	}
	want := []stock.Balance{
		{Item: "insulin", Name: "Insulin", Zone: "cold-room-1", Quantity: 1},
		{Item: "insulin", Name: "Insulin", Zone: "dock", Quantity: 1},
		{Item: "vaccine", Zone: "dock", Quantity: 1},
	}
	if got := e.Balances(); !reflect.DeepEqual(got, want) {
		t.Errorf("balances %v, want %v", got, want)
	}
	if got := e.Goods("dock"); !reflect.DeepEqual(got, []agent.ItemID{"insulin", "vaccine"}) {
		t.Errorf("goods at the dock: %v", got)
	}
	if got := e.Goods("office"); got != nil {
		t.Errorf("goods in the office: %v", got)
	}
}

// TestPieces: a scan of a carton stands for what is in it.
func TestPieces(t *testing.T) {
	e, err := stock.New([]stock.Item{{ID: "gauze", Codes: []string{"1"}, Pieces: 12}}, readers)
	if err != nil {
		t.Fatal(err)
	}
	for n, st := range []struct {
		reader agent.ReaderID
		want   string
	}{
		{"in", "gauze in 12=12"}, {"out", "gauze out 12=0"}, {"shelf", "gauze count 12=12"}, {"shelf", "gauze count 24=24"},
	} {
		if got := told(e.Scan(scan(st.reader, time.Duration(n)*5*time.Second, "1"))); got != st.want {
			t.Errorf("got %q, want %q", got, st.want)
		}
	}
}

func TestNewNamesEverything(t *testing.T) {
	_, err := stock.New([]stock.Item{
		{ID: "A"},
		{ID: "a", Minimum: -1, Pieces: -1, Codes: []string{"1", "*", "2*"}},
		{ID: "b", Codes: []string{"1", "2*"}, Zone: "Cold Room"},
		{ID: "b"},
	}, []stock.Reader{{ID: "r", Direction: "up"}})
	for _, want := range []error{agent.ErrID, stock.ErrMinimum, stock.ErrPieces, stock.ErrCode, stock.ErrCodeTwice, stock.ErrItemTwice, stock.ErrDirection} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not say: %v", err, want)
		}
	}
}

// TestRestoreAnywhere: an engine that is saved and restored after every scan does what one
// does that never stops, and no balance is ever negative.
func TestRestoreAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, cut := engine(t), engine(t)
		after := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "scans") {
			after += rapid.SampledFrom([]time.Duration{0, 500 * time.Millisecond, 2 * time.Second, 4 * time.Second, 11 * time.Minute}).Draw(t, "pause")
			s := scan(
				rapid.SampledFrom([]agent.ReaderID{"in", "out", "shelf", "every"}).Draw(t, "reader"), after,
				rapid.SampledFrom([]string{"4006381333931", "3034257BF400000000000001", "3034257BF460000000000002", "999"}).Draw(t, "code"))
			want, got := one.Scan(s), cut.Scan(s)
			if !reflect.DeepEqual(want, got) {
				t.Fatalf("got %v, want %v", told(got), told(want))
			}
			for _, ev := range got.Events {
				if ev.Stock.Balance < 0 {
					t.Fatalf("negative balance: %+v", ev.Stock)
				}
			}
			state, err := one.State(s.At)
			if err != nil {
				t.Fatal(err)
			}
			cut = engine(t)
			if err := cut.Restore(state); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(one.Balances(), cut.Balances()) {
				t.Fatalf("balances %v, restored %v", one.Balances(), cut.Balances())
			}
		}
	})
}

// TestMemoryIsBounded: a flood of tags makes the state no larger than it may be.
func TestMemoryIsBounded(t *testing.T) {
	e := engine(t)
	for n := range 30_000 {
		e.Scan(scan("in", time.Duration(n)*time.Millisecond, fmt.Sprintf("3034257BF4%014X", n)))
	}
	state, err := e.State(at(30 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(state), `"c":`); n > 8192 {
		t.Errorf("%d codes remembered", n)
	}
	if err := engine(t).Restore(state); err != nil {
		t.Error(err)
	}
}

func FuzzRestore(f *testing.F) {
	e := engine(f)
	e.Scan(scan("in", 0, "4006381333931"))
	e.Scan(scan("shelf", 0, "4006381333931"))
	state, err := e.State(at(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Add([]byte(`{"v":1,"balances":[{"i":"insulin","z":"dock","n":-1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := engine(t)
		if err := e.Restore(b); err != nil && !errors.Is(err, stock.ErrState) {
			t.Fatal(err)
		}
		for _, r := range readers {
			for _, ev := range e.Scan(scan(r.ID, time.Hour, "4006381333931")).Events {
				if ev.Stock.Balance < 0 {
					t.Fatalf("negative balance: %+v", ev.Stock)
				}
			}
		}
		if _, err := e.State(at(time.Hour)); err != nil {
			t.Fatal(err)
		}
	})
}
