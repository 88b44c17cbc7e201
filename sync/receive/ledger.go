package receive

import (
	"hash/maphash"
	"sort"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/wire"
)

// Ledger is what came from each gateway and what is missing. Its methods are safe for
// concurrent use.
type Ledger struct {
	digests int // newest contents remembered per gateway, to tell a repeat from a second content

	mu       sync.Mutex
	seed     maphash.Seed
	gateways map[wire.Gateway]*account
}

// account is what is known of one gateway.
type account struct {
	epochs   map[agent.Epoch]*epoch
	order    []agent.Epoch // in the order in which they were first heard of
	lastSeen time.Time
	silent   bool // since lastSeen, as the receiver finds
	status   wire.Status
	info     *upstream.Info

	repeats int64 // records that came again with the same content
	doubled int64 // positions that came with two contents
	seen    map[agent.Position]uint64
	ring    []agent.Position // positions in seen, oldest at next
	next    int
}

// epoch is what came of one epoch.
type epoch struct {
	received  Spans
	explained Spans     // told by gap records: they existed and never will come
	claimed   Spans     // seqs that a batch's prev says exist for a topic we take
	last      agent.Seq // highest seq the gateway says it committed
	ended     agent.Seq // its last seq, as the first record of the next epoch says; 0 while that has not come
}

// NewLedger makes an empty ledger. digests is how many of the newest contents it remembers
// per gateway, to tell a harmless repeat from one position with two contents.
func NewLedger(digests int) *Ledger {
	return &Ledger{digests: digests, seed: maphash.MakeSeed(), gateways: map[wire.Gateway]*account{}}
}

func (l *Ledger) account(g wire.Gateway) *account {
	a := l.gateways[g]
	if a == nil {
		a = &account{epochs: map[agent.Epoch]*epoch{}, seen: map[agent.Position]uint64{}}
		l.gateways[g] = a
	}
	return a
}

func (a *account) epoch(id agent.Epoch) *epoch {
	e := a.epochs[id]
	if e == nil {
		e = &epoch{}
		a.epochs[id] = e
		a.order = append(a.order, id)
	}
	return e
}

// Sort tells which records of the batch are new. lines are their contents, one each; a
// position that came before with another content is counted as doubled and is not new.
func (l *Ledger) Sort(b *wire.Batch, lines [][]byte) (fresh []int, doubled []agent.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(b.From)
	e := a.epoch(b.Epoch)
	for i := range b.Records {
		pos := b.Records[i].Position
		digest := maphash.Bytes(l.seed, lines[i])
		switch was, known := a.seen[pos]; {
		case !e.received.Has(pos.Seq):
			fresh = append(fresh, i)
		case known && was != digest:
			a.doubled++
			doubled = append(doubled, pos)
			continue
		default:
			a.repeats++
		}
		a.remember(pos, digest, l.digests)
	}
	return fresh, doubled
}

func (a *account) remember(pos agent.Position, digest uint64, most int) {
	if most == 0 {
		return
	}
	if _, ok := a.seen[pos]; !ok {
		if len(a.ring) < most {
			a.ring = append(a.ring, pos)
		} else {
			delete(a.seen, a.ring[a.next])
			a.ring[a.next] = pos
			a.next = (a.next + 1) % most
		}
	}
	a.seen[pos] = digest
}

// Entry is what one message adds to the ledger; the journal holds one per line.
type Entry struct {
	Site    agent.SiteID    `json:"site"`
	Gateway agent.GatewayID `json:"gateway"`
	Epoch   agent.Epoch     `json:"epoch"`
	Spans   Spans           `json:"spans,omitempty"`
	Prev    agent.Seq       `json:"prev,omitempty"`
	Gaps    []agent.Range   `json:"gaps,omitempty"`
	Ended   agent.Position  `json:"ended,omitzero"` // the last record of an epoch before this one
}

// EntryOf is what the batch adds.
func EntryOf(b *wire.Batch) Entry {
	e := Entry{Site: b.From.Site, Gateway: b.From.Gateway, Epoch: b.Epoch, Prev: b.Prev}
	for i := range b.Records {
		r := &b.Records[i]
		e.Spans.Add(Span{r.Position.Seq, r.Position.Seq})
		if r.Type != agent.TypeEvent {
			continue
		}
		if r.Event.Gap != nil {
			e.Gaps = append(e.Gaps, r.Event.Gap.Ranges...)
		}
		if began := r.Event.Epoch; began != nil && began.Previous != 0 {
			e.Ended = agent.Position{Epoch: began.Previous, Seq: began.LastSeq}
		}
	}
	return e
}

// Add puts an entry into the ledger. Adding it again changes nothing.
func (l *Ledger) Add(in Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(wire.Gateway{Site: in.Site, Gateway: in.Gateway})
	e := a.epoch(in.Epoch)
	for _, s := range in.Spans {
		e.received.Add(s)
		e.last = max(e.last, s.Last)
	}
	if in.Prev > 0 {
		e.claimed.Add(Span{in.Prev, in.Prev})
	}
	for _, g := range in.Gaps {
		a.epoch(g.Epoch).explained.Add(Span{g.First, g.Last})
	}
	if in.Ended.Seq > 0 {
		before := a.epoch(in.Ended.Epoch)
		before.ended, before.last = in.Ended.Seq, max(before.last, in.Ended.Seq)
	}
}

// Heard notes that the gateway said something at t.
func (l *Ledger) Heard(g wire.Gateway, t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(g)
	a.lastSeen, a.silent = t, false
}

// Silent notes that the gateway says nothing although it should; Heard takes it back.
func (l *Ledger) Silent(g wire.Gateway) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(g).silent = true
}

// LastSeen is when the gateway said something last; zero if it never did.
func (l *Ledger) LastSeen(g wire.Gateway) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.gateways[g]; a != nil {
		return a.lastSeen
	}
	return time.Time{}
}

// Status takes a status message. It reports whether the message is current: a will of an
// earlier connection is late and changes nothing.
func (l *Ledger) Status(s wire.Status) (current bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(wire.Gateway{Site: s.Site, Gateway: s.Gateway})
	if s.State == wire.Offline && a.status.State != "" && (s.Boot != a.status.Boot || s.Conn < a.status.Conn) {
		return false
	}
	a.status = s
	if s.Epoch != 0 {
		e := a.epoch(s.Epoch)
		e.last = max(e.last, s.Last)
	}
	return true
}

// Info takes an info message.
func (l *Ledger) Info(g wire.Gateway, info upstream.Info) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(g).info = &info
}

// Account is one gateway's page of the ledger.
type Account struct {
	Site     agent.SiteID    `json:"site"`
	Gateway  agent.GatewayID `json:"gateway"`
	State    string          `json:"state,omitempty"` // online, offline, or silent; empty before the first status
	LastSeen time.Time       `json:"last_seen,omitzero"`
	AlwaysOn bool            `json:"always_on"`
	Expected int64           `json:"expected"` // records known to exist for us: received and missing
	Received int64           `json:"received"` // distinct positions
	Missing  int64           `json:"missing"`  // known to exist, not received, not explained by a gap record
	Gone     int64           `json:"gone"`     // never will come, as gap records say
	Waiting  int64           `json:"waiting"`  // committed there and not here yet, by the newest status
	Repeats  int64           `json:"repeats"`  // came again, same content
	Doubled  int64           `json:"doubled"`  // one position, two contents
	Epochs   []EpochAccount  `json:"epochs"`
}

// EpochAccount is one epoch of an Account.
type EpochAccount struct {
	Epoch    agent.Epoch `json:"epoch"`
	Last     agent.Seq   `json:"last"` // highest known
	Received int64       `json:"received"`
	Missing  Spans       `json:"missing,omitempty"`
	Gone     Spans       `json:"gone,omitempty"`
}

// Accounts are the pages of all gateways, by site and gateway.
func (l *Ledger) Accounts() []Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	pages := make([]Account, 0, len(l.gateways))
	for g, a := range l.gateways {
		pages = append(pages, a.page(g))
	}
	sort.Slice(pages, func(i, j int) bool {
		if pages[i].Site != pages[j].Site {
			return pages[i].Site < pages[j].Site
		}
		return pages[i].Gateway < pages[j].Gateway
	})
	return pages
}

func (a *account) page(g wire.Gateway) Account {
	p := Account{
		Site: g.Site, Gateway: g.Gateway, State: a.state(), LastSeen: a.lastSeen, AlwaysOn: a.alwaysOn(),
		Repeats: a.repeats, Doubled: a.doubled, Waiting: a.status.Waiting,
	}
	for _, id := range a.order {
		e := a.epochs[id]
		ep := EpochAccount{Epoch: id, Last: e.last, Received: e.received.Count(), Missing: e.missing(a.selective())}
		ep.Gone = e.explained.Minus(e.received)
		p.Received += ep.Received
		p.Missing += ep.Missing.Count()
		p.Gone += ep.Gone.Count()
		p.Epochs = append(p.Epochs, ep)
	}
	p.Expected = p.Received + p.Missing
	return p
}

// silentState is the state of a gateway that says nothing and did not say, nor its will,
// that it went offline: it hangs, or is cut off.
const silentState = "silent"

func (a *account) state() string {
	if a.silent && a.status.State != wire.Offline {
		return silentState
	}
	return a.status.State
}

// alwaysOn is what the gateway's info says; a gateway that has not told yet counts as always on.
func (a *account) alwaysOn() bool { return a.info == nil || a.info.AlwaysOn }

// selective reports whether the gateway sends us only some kinds or zones: a hole then
// proves nothing by itself.
func (a *account) selective() bool {
	return a.info != nil && (len(a.info.Kinds) > 0 || len(a.info.OnlyZones) > 0)
}

// missing are the seqs that are proven to exist, did not come, and are not explained. A
// hole is proven by a later batch whose prev lies in it; where the gateway sends all its
// records, the whole hole is then missing, otherwise only what prev names. Behind the last
// record that came nothing is proven until the next epoch begins and says where this one
// ended; of an epoch of which nothing came we may not have been meant to get anything.
func (e *epoch) missing(selective bool) Spans {
	claims := e.claimed.Minus(e.received).Minus(e.explained)
	if selective {
		return claims
	}
	if n := len(e.received); n > 0 && e.ended > e.received[n-1].Last {
		claims.Add(Span{e.ended, e.ended})
	}
	var missing Spans
	for _, hole := range e.received.Holes(e.last) {
		if i := claims.at(hole.First); i < len(claims) && claims[i].First <= hole.Last {
			missing = append(missing, Spans{{hole.First, min(hole.Last, claims.lastWithin(hole))}}.Minus(e.explained)...)
		}
	}
	return missing
}

// lastWithin is the highest seq of the set inside the span, which holds one.
func (s Spans) lastWithin(in Span) agent.Seq {
	var last agent.Seq
	for i := s.at(in.First); i < len(s) && s[i].First <= in.Last; i++ {
		last = min(s[i].Last, in.Last)
	}
	return last
}

// Has reports whether the record at p came.
func (l *Ledger) Has(g wire.Gateway, p agent.Position) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.gateways[g]
	return a != nil && a.epochs[p.Epoch] != nil && a.epochs[p.Epoch].received.Has(p.Seq)
}
