package receive

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/frostline/frostline/agent"
)

// Two power cuts: the first between the sink's write and the journal, the second before the
// message has come again. It comes after both.
func TestARecordIsWrittenOnceOverTwoPowerCuts(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, nil)
	take(t, r, readings, message(t, 1, 10))
	batch(t, r, message(t, 11, 20))

	open(t, dir, nil)
	r = open(t, dir, nil)
	take(t, r, readings, message(t, 11, 20))
	count := written(t, dir)
	for seq := agent.Seq(1); seq <= 20; seq++ {
		if count[seq] != 1 {
			t.Errorf("position %d was written %d times", seq, count[seq])
		}
	}
}

// A disk that was full in the middle of an entry, and then no longer.
func TestAJournalThatWasCutByAFullDiskCanBeRead(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, nil)
	take(t, r, readings, message(t, 1, 10))
	path := filepath.Join(dir, journalFile)
	f := r.journal.file
	full, err := os.Open(path) // not open for writing: every write fails
	if err != nil {
		t.Fatal(err)
	}
	r.journal.file = full
	if err := r.Take(t.Context(), readings, message(t, 11, 20), false); err == nil {
		t.Fatal("the entry is not durable and was acknowledged")
	}
	if _, err := f.WriteString(`{"site":"s1","gateway":"gw-0`); err != nil { // what a full disk took of it
		t.Fatal(err)
	}
	r.journal.file = f
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
	take(t, r, readings, message(t, 11, 20))
	take(t, r, readings, message(t, 21, 30))

	r = open(t, dir, nil)
	if p := page(t, r.Ledger()); p.Received != 30 || p.Missing != 0 {
		t.Errorf("after the restart: %+v", p)
	}
}

// A new file that cannot be begun at first.
func TestASinkGoesOnWhenItsNextFileCanBeBegun(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, nil)
	take(t, r, readings, message(t, 1, 10))
	r.sink.(*Lines).whole = segmentSize + 1 // the file is full
	inTheWay := filepath.Join(dir, "records-000002.jsonl")
	if err := os.Mkdir(inTheWay, 0o750); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Take(t.Context(), readings, message(t, 11, 20), false); err == nil {
			t.Fatal("there is no file to write to, and the message was acknowledged")
		}
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	take(t, r, readings, message(t, 11, 20))
	if got := written(t, dir); len(got) != 20 {
		t.Errorf("%d records, want 20", len(got))
	}
}
