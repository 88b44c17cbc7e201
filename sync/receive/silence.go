package receive

import (
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/wire"
)

// When a gateway counts as silent. Its status comes every 30 s, so 75 s are two that did
// not come and half a third; with the watch's tick of 1 s the alarm is out within 90 s. One
// that says it sends its status less often has as many of its own intervals.
// After an offline (a goodbye or a will) it has offlineGrace to come back, enough for a restart.
const (
	silentAfter  = 75 * time.Second
	offlineGrace = 20 * time.Second
)

// patience is how long a gateway may be silent that sends its status every so many seconds.
func patience(everySeconds int64) time.Duration {
	return max(silentAfter, time.Duration(everySeconds)*time.Second*5/2)
}

// Alarm is what the receiver itself raises about a gateway.
type Alarm struct {
	T          time.Time        `json:"t"`
	Site       agent.SiteID     `json:"site"`
	Gateway    agent.GatewayID  `json:"gateway"`
	Alarm      string           `json:"alarm"`      // gateway-silent, position-doubled
	Transition agent.Transition `json:"transition"` // raised, cleared
	LastSeen   time.Time        `json:"last_seen,omitzero"`
	Detail     string           `json:"detail,omitempty"`
}

// silence watches when each gateway was last heard. Times are monotonic. Safe for concurrent use.
type silence struct {
	mu      sync.Mutex
	watched map[wire.Gateway]*watched
	deaf    bool
}

type watched struct {
	heard    time.Duration
	after    time.Duration // how long it may be silent
	offline  time.Duration // when it said (or its will said) offline; 0 while online
	alwaysOn bool
	silent   bool
}

func newSilence() *silence { return &silence{watched: map[wire.Gateway]*watched{}} }

// heard notes a sign of life and reports whether it ends an alarm.
func (s *silence) heard(g wire.Gateway, now time.Duration) (cleared bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.known(g, now)
	w.heard, w.offline = now, 0
	cleared, w.silent = w.silent, false
	return cleared
}

// wentOffline notes a goodbye or a will.
func (s *silence) wentOffline(g wire.Gateway, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.known(g, now); w.offline == 0 {
		w.offline = now
	}
}

// know says that the gateway exists and how often it sends its status; its time begins now
// if it was not known before.
func (s *silence) know(g wire.Gateway, everySeconds int64, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known(g, now).after = patience(everySeconds)
}

// watch says that the gateway is known, and whether it should always be on.
func (s *silence) watch(g wire.Gateway, alwaysOn bool, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known(g, now).alwaysOn = alwaysOn
}

func (s *silence) known(g wire.Gateway, now time.Duration) *watched {
	w := s.watched[g]
	if w == nil {
		w = &watched{alwaysOn: true, heard: now, after: silentAfter}
		s.watched[g] = w
	}
	return w
}

// setDeaf says that the receiver has no connection itself: nobody is called silent
// meanwhile, and everybody's time begins anew when it hears again.
func (s *silence) setDeaf(deaf bool, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf && !deaf {
		for _, w := range s.watched {
			w.heard = max(w.heard, now)
			if w.offline != 0 {
				w.offline = now
			}
		}
	}
	s.deaf = deaf
}

// silent lists who became silent by now, with a sentence for each.
func (s *silence) silent(now time.Duration) map[wire.Gateway]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return nil
	}
	out := map[wire.Gateway]string{}
	for g, w := range s.watched {
		if !w.alwaysOn || w.silent {
			continue
		}
		switch {
		case now-w.heard >= w.after:
			out[g] = fmt.Sprintf("nothing heard for %s", (now - w.heard).Round(time.Second))
		case w.offline != 0 && now-w.offline >= offlineGrace:
			out[g] = fmt.Sprintf("offline for %s", (now - w.offline).Round(time.Second))
		default:
			continue
		}
		w.silent = true
	}
	return out
}

func sorted(m map[wire.Gateway]string) []wire.Gateway {
	keys := make([]wire.Gateway, 0, len(m))
	for g := range m {
		keys = append(keys, g)
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i].Site+"/"+agent.SiteID(keys[i].Gateway) < keys[j].Site+"/"+agent.SiteID(keys[j].Gateway)
	})
	return keys
}
