package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/influxdata/influxdb-client-go/v2/api"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// lines is a batch in line protocol; its memory is used again.
type lines struct {
	text    []byte
	ends    []int // of each record's line, without the line end
	records []agent.Record
}

func (l *lines) encode(g wire.Gateway, records []agent.Record, defs upstream.Definitions) error {
	l.text, l.ends, l.records = l.text[:0], l.ends[:0], records
	var err error
	for i := range records {
		if l.text, err = wire.AppendLine(l.text, g, &records[i], defs); err != nil {
			return err
		}
		l.ends = append(l.ends, len(l.text)-1)
	}
	return nil
}

// run is the text of the records from lo up to, not including, hi.
func (l *lines) run(lo, hi int) string {
	begin := 0
	if lo > 0 {
		begin = l.ends[lo-1] + 1
	}
	return string(l.text[begin:l.ends[hi-1]])
}

// bisection finds the records that the server will not take.
type bisection struct {
	u        *Upstream
	w        api.WriteAPIBlocking
	l        *lines
	rejected []upstream.RejectedRecord
	suspects []*answer // what was said of each rejected one
	taken    int
	posts    int
}

// bisect writes all lines. It returns the rejected records, or an error if the fate of any
// record is not known: everything is then sent again, and overwrites itself.
func (u *Upstream) bisect(ctx context.Context, w api.WriteAPIBlocking, l *lines) ([]upstream.RejectedRecord, error) {
	b := &bisection{u: u, w: w, l: l}
	if err := b.write(ctx, 0, len(l.ends)); err != nil {
		if b.posts > 1 && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
			// There is no time for all the halves: fewer records must come at once.
			return nil, &upstream.TooLarge{Err: fmt.Errorf("influx: no time to find the rejected records: %w", err)}
		}
		return nil, err
	}
	if len(b.rejected) > 0 && !b.credible() {
		return nil, &upstream.Refused{Code: conditionConfig, Err: fmt.Errorf("influx: write: %w", b.suspects[0])}
	}
	return b.rejected, nil
}

func (b *bisection) write(ctx context.Context, lo, hi int) error {
	b.posts++
	no, err := b.u.post(ctx, b.w, b.l.run(lo, hi))
	n := hi - lo
	switch {
	case err != nil:
		return err
	case no == nil:
		b.taken += n
		return nil
	case n == 1 || dropped(no) == n:
		for i := lo; i < hi; i++ {
			b.rejected = append(b.rejected, upstream.RejectedRecord{Position: b.l.records[i].Position, Reason: no.Error()})
			b.suspects = append(b.suspects, no)
		}
		return nil
	}
	half := lo + (n+1)/2
	if err := b.write(ctx, lo, half); err != nil {
		return err
	}
	return b.write(ctx, half, hi)
}

// ofRecords are the words of InfluxDB 1, 2 and 3 for records that it will not take.
var ofRecords = regexp.MustCompile(`(?i)partial write|unable to parse|type conflict|beyond retention|outside (the )?(time )?range|missing fields|invalid (field|number|timestamp|tag)|line protocol|max-(series|values)-per`)

// credible reports whether the rejections are about records. A server that takes nothing at
// all and says 400 in words of its own may be misconfigured, or no InfluxDB: no record is set aside for that.
func (b *bisection) credible() bool {
	if b.taken > 0 || b.u.accepted.Load() {
		return true
	}
	for _, a := range b.suspects {
		if a.status != http.StatusUnprocessableEntity && !ofRecords.MatchString(a.words) {
			return false
		}
	}
	return true
}

var droppedCount = regexp.MustCompile(`partial write.*dropped=(\d+)`)

// dropped is how many lines the server says it dropped; 0 where it does not say.
func dropped(a *answer) int {
	m := droppedCount.FindStringSubmatch(a.words)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}
