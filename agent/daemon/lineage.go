package daemon

import (
	"context"
	"fmt"

	"github.com/frostline/frostline/agent"
)

// lineage follows the epochs that went on from the one in which the rules' state was
// written. What is salvaged from a store that was set aside comes behind them in the
// sequence, under the positions of its own, older epoch: what it brought about is in the
// state that was carried over, as far as it is known.
type lineage struct {
	from source
	tip  agent.Epoch
	over map[agent.Epoch]bool // no longer going on, or never of this lineage
}

// maxLives is how many lives without a record that the rules' state knows are looked through.
const maxLives = 1000

// goesOn reports whether a record of the sequence is new to rules that know everything up to here.
func (l *lineage) goesOn(ctx context.Context, e agent.Epoch) (bool, error) {
	if e == l.tip || l.over[e] {
		return e == l.tip, nil
	}
	for older, n := e, 0; older != 0 && n < maxLives; n++ {
		before, err := l.previous(ctx, older)
		if err != nil {
			return false, err
		}
		if before == l.tip {
			l.over[l.tip] = true
			l.tip = e
			return true, nil
		}
		older = before
	}
	l.over[e] = true
	return false, nil
}

// previous is the epoch before e; zero where e's first record is not there to tell.
func (l *lineage) previous(ctx context.Context, e agent.Epoch) (agent.Epoch, error) {
	first, err := l.from.After(ctx, agent.Position{Epoch: e}, 1)
	if err != nil {
		return 0, fmt.Errorf("daemon: first record of epoch %s: %w", e, err)
	}
	if len(first) == 0 || first[0].Position.Epoch != e || first[0].Event == nil || first[0].Event.Epoch == nil {
		return 0, nil
	}
	return first[0].Event.Epoch.Previous, nil
}
