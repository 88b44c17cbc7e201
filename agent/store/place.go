package store

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/frostline/frostline/agent"
)

// placeNote is the note that says up to which record a state knows the sequence.
func placeNote(name string) string { return "place:" + name }

func encodePosition(p agent.Position) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 16), uint64(p.Epoch))
	return binary.LittleEndian.AppendUint64(b, uint64(p.Seq))
}

// StateAt is the newest committed value under name, and the last record that was appended
// before it or with it: who kept the state goes on from there. A state whose Append was
// pushed out of memory knows nothing of the records that stayed.
func (r *Reader) StateAt(ctx context.Context, name string) (value []byte, at agent.Position, ok bool, err error) {
	value, ok, err = r.State(ctx, name)
	if err != nil || !ok {
		return nil, agent.Position{}, false, err
	}
	b, err := guard(ctx, func() ([]byte, error) {
		b, _, err := getNote(r.pool, placeNote(name))
		return b, err
	})
	if err != nil {
		return nil, agent.Position{}, false, fmt.Errorf("store: state %s: %w", name, r.report(err))
	}
	if len(b) == 16 {
		at.Epoch = agent.Epoch(binary.LittleEndian.Uint64(b))
		at.Seq = agent.Seq(binary.LittleEndian.Uint64(b[8:]))
	}
	return value, at, true, nil
}

// StateAt is Reader.StateAt. It is for the start of the agent: it does not see what no
// commit has kept yet.
func (db *DB) StateAt(ctx context.Context, name string) (value []byte, at agent.Position, ok bool, err error) {
	r, err := db.reader()
	if err != nil {
		return nil, agent.Position{}, false, fmt.Errorf("store: state %s: %w", name, err)
	}
	return r.StateAt(ctx, name)
}
