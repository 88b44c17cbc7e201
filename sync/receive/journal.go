package receive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/durable"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// Names of the ledger's files in the receiver's directory.
const (
	ledgerFile  = "ledger.json"
	journalFile = "journal.jsonl"
)

// saved is the ledger as it stands in ledger.json.
type saved struct {
	Gateways []savedGateway `json:"gateways"`
}

type savedGateway struct {
	Account                // for people who read the file; of it only last seen, silence and counts are read back
	Status  *wire.Status   `json:"status,omitempty"`
	Info    *upstream.Info `json:"info,omitempty"`
	Seen    []savedEpoch   `json:"seen"`
}

type savedEpoch struct {
	Epoch    agent.Epoch `json:"epoch"`
	Last     agent.Seq   `json:"last"`
	Received Spans       `json:"received"`
	Gone     Spans       `json:"gone,omitempty"`
	Claimed  Spans       `json:"claimed,omitempty"`
	Ended    agent.Seq   `json:"ended,omitempty"`
}

// journal makes what the ledger learned durable: entries are appended and synced one by
// one, and folded into ledger.json from time to time.
type journal struct {
	dir    string
	ledger *Ledger

	mu   sync.Mutex // guards the rest; taken before the ledger's
	file *os.File
	size int64 // of the entries that are durable
	torn bool  // something may stand behind them
}

// foldAt is the journal's size at which it is folded into ledger.json.
const foldAt = 1 << 20

// openJournal brings the ledger to where it was: ledger.json, then the journal on top.
func openJournal(dir string, l *Ledger) (*journal, error) {
	text, err := os.ReadFile(filepath.Join(dir, ledgerFile))
	if err == nil {
		err = l.load(text)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("receive: read the ledger: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("receive: open the journal: %w", err)
	}
	j := &journal{dir: dir, ledger: l, file: f}
	if err := j.replay(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// replay brings the ledger up to the end of the journal.
func (j *journal) replay() error {
	text, err := os.ReadFile(j.file.Name())
	if err != nil {
		return fmt.Errorf("receive: read the journal: %w", err)
	}
	if err := j.ledger.replay(text); err != nil {
		return err
	}
	return j.fold()
}

// replay adds a journal's entries. A last line without its end was never acknowledged and
// is left out.
func (l *Ledger) replay(journal []byte) error {
	for n := 1; ; n++ {
		line, rest, whole := bytes.Cut(journal, []byte{'\n'})
		if !whole {
			return nil
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("receive: %s line %d: %w", journalFile, n, err)
		}
		l.Add(e)
		journal = rest
	}
}

// add makes the entry durable and puts it into the ledger.
func (j *journal) add(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("receive: journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(append(line, '\n')); err != nil {
		return fmt.Errorf("receive: journal: %w", err)
	}
	j.ledger.Add(e)
	if j.size > foldAt {
		return j.foldLocked()
	}
	return nil
}

// append writes a line to the end of the journal and syncs it. What an earlier call wrote
// in part, on a full disk, is taken back first: the next line would make it unreadable.
func (j *journal) append(line []byte) error {
	if j.torn {
		if err := j.file.Truncate(j.size); err != nil {
			return err
		}
	}
	j.torn = true
	if _, err := j.file.Write(line); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.torn = false
	j.size += int64(len(line))
	return nil
}

// fold writes ledger.json and empties the journal; a power cut between the two only makes
// entries be added again.
func (j *journal) fold() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.foldLocked()
}

func (j *journal) foldLocked() error {
	text, err := j.ledger.save()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(j.dir, ledgerFile), text, 0o640); err != nil {
		return fmt.Errorf("receive: ledger: %w", err)
	}
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("receive: empty the journal: %w", err)
	}
	j.size, j.torn = 0, false
	return nil
}

func (j *journal) close() error {
	return errors.Join(j.fold(), j.file.Close())
}

func (l *Ledger) save() ([]byte, error) {
	pages := l.Accounts()
	l.mu.Lock()
	defer l.mu.Unlock()
	var s saved
	for _, p := range pages {
		a := l.gateways[wire.Gateway{Site: p.Site, Gateway: p.Gateway}]
		g := savedGateway{Account: p, Info: a.info}
		if a.status.State != "" {
			g.Status = &a.status
		}
		for _, id := range a.order {
			e := a.epochs[id]
			g.Seen = append(g.Seen, savedEpoch{id, e.last, e.received, e.explained, e.claimed, e.ended})
		}
		s.Gateways = append(s.Gateways, g)
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("receive: ledger: %w", err)
	}
	return append(text, '\n'), nil
}

func (l *Ledger) load(text []byte) error {
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range s.Gateways {
		a := l.account(wire.Gateway{Site: g.Site, Gateway: g.Gateway})
		a.info, a.lastSeen, a.repeats, a.doubled = g.Info, g.LastSeen, g.Repeats, g.Doubled
		if g.Status != nil {
			a.status = *g.Status
		}
		a.silent = g.State == silentState
		for _, e := range g.Seen {
			*a.epoch(e.Epoch) = epoch{received: e.Received, explained: e.Gone, claimed: e.Claimed, last: e.Last, ended: e.Ended}
		}
	}
	return nil
}

// ReadLedger reads the ledger of a receiver's directory, running or not, and changes nothing.
func ReadLedger(dir string) ([]Account, error) {
	l := NewLedger(0)
	text, err := os.ReadFile(filepath.Join(dir, ledgerFile))
	if err != nil {
		return nil, err
	}
	if err := l.load(text); err != nil {
		return nil, fmt.Errorf("receive: %s: %w", ledgerFile, err)
	}
	text, err = os.ReadFile(filepath.Join(dir, journalFile))
	if err != nil {
		return nil, err
	}
	if err := l.replay(text); err != nil {
		return nil, err
	}
	return l.Accounts(), nil
}
