package receive

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/frostline/frostline/internal/durable"
	"github.com/frostline/frostline/sync/wire"
)

// Sink takes new records, each once. Write returns only when all of them are durable; on
// an error it may be called again with the same records. One goroutine calls it.
type Sink interface {
	Write(ctx context.Context, b *wire.Batch, lines [][]byte) error
	Close() error
}

// Lines is a Sink of JSON lines: records-000001.jsonl and so on in one directory, each
// record a line that speaks for itself (wire.ParseRecord reads it).
type Lines struct {
	dir    string
	number int
	file   *os.File // nil before the first Write
	size   int64
	whole  int64 // size up to the end of the last batch that was written whole
}

// segmentSize is where a new file is begun.
const segmentSize = 64 << 20

// OpenLines opens the directory and hands every record of its last file to add: those
// written just before a power cut may not be in the ledger yet.
func OpenLines(dir string, add func(*wire.Batch)) (*Lines, error) {
	names, err := filepath.Glob(filepath.Join(dir, "records-*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("receive: list records: %w", err)
	}
	s := &Lines{dir: dir}
	if len(names) > 0 {
		sort.Strings(names)
		last := names[len(names)-1]
		if _, err := fmt.Sscanf(filepath.Base(last), "records-%d.jsonl", &s.number); err != nil {
			return nil, fmt.Errorf("receive: %s: not a name of ours: %w", last, err)
		}
		if err := readLines(last, add); err != nil {
			return nil, err
		}
	}
	return s, nil // the first Write begins a file: a torn last line stays where it is
}

// readLines hands every whole line to add. A line without its end was never acknowledged.
func readLines(path string, add func(*wire.Batch)) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil // the end, or a torn last line
		}
		b, err := wire.ParseRecord(line)
		if err != nil {
			return fmt.Errorf("receive: %s line %d: %w: move the file aside and start again", path, n, err)
		}
		add(&b)
	}
}

// next begins a new file. After an error it may be called again.
func (s *Lines) next() error {
	if s.file != nil {
		err := s.file.Close()
		s.file = nil
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
	}
	path := filepath.Join(s.dir, fmt.Sprintf("records-%06d.jsonl", s.number+1))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	s.number++
	s.file, s.size, s.whole = f, 0, 0
	return durable.SyncDir(s.dir)
}

// Write implements Sink.
func (s *Lines) Write(_ context.Context, _ *wire.Batch, lines [][]byte) error {
	if s.file == nil || s.whole > segmentSize {
		if err := s.next(); err != nil {
			return err
		}
	}
	if s.size != s.whole { // a write that failed half-way comes again: take its part back
		if err := s.file.Truncate(s.whole); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		s.size = s.whole
	}
	var text []byte
	for _, l := range lines {
		text = append(append(text, l...), '\n')
	}
	n, err := s.file.WriteAt(text, s.whole)
	s.size += int64(n)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.size = -1 // unknown: truncate before the next try
		return fmt.Errorf("receive: write records: %w", err)
	}
	s.whole = s.size
	return nil
}

// Close closes the file.
func (s *Lines) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
