package climate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/frostline/frostline/agent"
)

// MaxBuckets is how many buckets a Window keeps at most.
const MaxBuckets = 720

// Window is the mean kinetic temperature over a rolling window, such as the 30 days of USP
// <1079.2>. It keeps up to MaxBuckets buckets of equal length; the newest is the one that
// is being filled and the oldest leaves whole, so what is reckoned over is never longer
// than the window and shorter by at most one bucket (an hour of 30 days).
//
// Moments are durations since any fixed origin that is not in the future of the first one,
// such as a rule's time line; they never come from a wall clock. NewWindow makes one; its
// JSON is a rule's state and is read back into a Window that NewWindow made.
type Window struct {
	energy  Energy
	bucket  time.Duration
	most    int64
	buckets []bucket // in rising order, without the empty ones

	// closed is the mean of the buckets that of spans, without the last: they change seldom.
	closed Mean
	of     span
	known  bool
}

// span is a run of buckets by the indexes of its ends, both included.
type span struct{ first, last int64 }

// bucket is what was added within one stretch of time. Its fields are what is stored, so
// that a window goes on after a restart exactly as it would have without.
type bucket struct {
	index    int64 // moment / length
	held     time.Duration
	exponent float64 // logarithm of the mean speed of aging
	mean     float64 // arithmetic, in °C
}

func (b *bucket) add(e Energy, v agent.Value, d time.Duration) {
	x, celsius := e.exponent(v), v.Float64()
	if b.held == 0 {
		b.held, b.exponent, b.mean = d, x, celsius
		return
	}
	was, more := b.held.Seconds(), d.Seconds()
	top := max(b.exponent, x)
	b.exponent = top + math.Log((was*math.Exp(b.exponent-top)+more*math.Exp(x-top))/(was+more))
	b.mean += (celsius - b.mean) * more / (was + more)
	b.held += d
}

func (b *bucket) total(e Energy) Mean {
	seconds := b.held.Seconds()
	return Mean{Energy: e, Time: b.held, Top: b.exponent, Sum: seconds, Heat: b.mean * seconds}
}

// ErrWindow is what NewWindow returns for a length it cannot have.
var ErrWindow = errors.New("not a length of a window: want 1 s to 10 years")

const longestWindow = 10 * 366 * 24 * time.Hour

// NewWindow is an empty window of a length, for an energy (0 is USP).
func NewWindow(length time.Duration, e Energy) (*Window, error) {
	if length < time.Second || length > longestWindow {
		return nil, fmt.Errorf("%v: %w", length, ErrWindow)
	}
	if e == 0 {
		e = USP
	}
	if err := e.Check(); err != nil {
		return nil, err
	}
	size := ((length+MaxBuckets-1)/MaxBuckets + time.Millisecond - 1).Truncate(time.Millisecond)
	return &Window{energy: e, bucket: size, most: int64(length / size)}, nil
}

// Add adds a temperature in °C that held from one moment to another. What has left the
// window already adds nothing, and an empty or reversed span neither. A value that is no
// temperature is ErrTemperature and adds nothing.
func (w *Window) Add(from, to time.Duration, v agent.Value) error {
	if err := checkTemperature(v); err != nil {
		return err
	}
	if from < 0 || to <= from {
		return nil
	}
	newest := int64((to - 1) / w.bucket)
	if n := len(w.buckets); n > 0 {
		newest = max(newest, w.buckets[n-1].index)
	}
	from = max(from, time.Duration(max(0, newest-w.most+1))*w.bucket)
	for from < to {
		index := int64(from / w.bucket)
		end := min(to, time.Duration(index+1)*w.bucket)
		w.at(index).add(w.energy, v, end-from)
		from = end
	}
	w.drop(newest)
	return nil
}

// at is the bucket with an index, made where there is none yet.
func (w *Window) at(index int64) *bucket {
	n := len(w.buckets)
	w.known = w.known && n > 0 && w.buckets[n-1].index == index // only the last one grows
	for n > 0 && w.buckets[n-1].index > index {
		n--
	}
	if n == 0 || w.buckets[n-1].index != index {
		w.buckets = append(w.buckets, bucket{})
		copy(w.buckets[n+1:], w.buckets[n:])
		w.buckets[n] = bucket{index: index}
		n++
	}
	return &w.buckets[n-1]
}

// drop removes the buckets that have left a window that ends in the bucket newest.
func (w *Window) drop(newest int64) {
	n := 0
	for n < len(w.buckets) && w.buckets[n].index <= newest-w.most {
		n++
	}
	w.buckets = append(w.buckets[:0], w.buckets[n:]...)
}

// Mean is what was added within the window that ends at now, which is not earlier than what
// was added last. It is empty where nothing was.
func (w *Window) Mean(now time.Duration) Mean {
	newest := int64(max(0, now-1) / w.bucket)
	first := 0
	for first < len(w.buckets) && w.buckets[first].index <= newest-w.most {
		first++
	}
	if first == len(w.buckets) {
		return Mean{Energy: w.energy}
	}
	last := len(w.buckets) - 1
	key := span{w.buckets[first].index, w.buckets[last].index}
	if !w.known || w.of != key {
		w.closed, w.of, w.known = Mean{Energy: w.energy}, key, true
		for i := first; i < last; i++ {
			w.closed.join(w.buckets[i].total(w.energy))
		}
	}
	m := w.closed
	m.join(w.buckets[last].total(w.energy))
	return m
}

// Length is how much time the window spans at most.
func (w *Window) Length() time.Duration { return time.Duration(w.most) * w.bucket }

// Drops is the first moment after now at which the result of Mean changes although nothing
// is added; ok is false if it never does.
func (w *Window) Drops(now time.Duration) (moment time.Duration, ok bool) {
	newest := int64(max(0, now-1) / w.bucket)
	for i := range w.buckets {
		if index := w.buckets[i].index; index > newest-w.most {
			return time.Duration(index+w.most)*w.bucket + 1, true
		}
	}
	return 0, false
}

// windowState is a window's JSON. A bucket is [index, ns of it that were measured,
// exponent of the mean speed of aging, arithmetic mean], the index counted from the bucket before.
type windowState struct {
	Energy  Energy        `json:"h"`
	Bucket  time.Duration `json:"l"`
	Buckets [][4]float64  `json:"b,omitempty"`
}

// MarshalJSON writes the window's state.
func (w *Window) MarshalJSON() ([]byte, error) {
	s := windowState{Energy: w.energy, Bucket: w.bucket, Buckets: make([][4]float64, 0, len(w.buckets))}
	var last int64
	for i := range w.buckets {
		b := &w.buckets[i]
		s.Buckets = append(s.Buckets, [4]float64{float64(b.index - last), float64(b.held), b.exponent, b.mean})
		last = b.index
	}
	return json.Marshal(s)
}

// ErrState is what UnmarshalJSON returns for what MarshalJSON cannot have written.
var ErrState = errors.New("not the state of a rolling window")

// UnmarshalJSON reads what MarshalJSON writes into a window that NewWindow made. The state
// of a window of another length or energy, from before the config changed, leaves it empty.
func (w *Window) UnmarshalJSON(text []byte) error {
	var s windowState
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	w.buckets, w.known = nil, false
	if s.Energy != w.energy || s.Bucket != w.bucket {
		return nil
	}
	if len(s.Buckets) > MaxBuckets {
		return ErrState
	}
	buckets := make([]bucket, 0, len(s.Buckets))
	var index int64
	for i, b := range s.Buckets {
		step, held, exponent, mean := b[0], b[1], b[2], b[3]
		if step < 0 || step > 1e12 || i > 0 && step < 1 || held < 1 || held > float64(longestWindow) || exponent >= 0 {
			return ErrState
		}
		index += int64(step)
		buckets = append(buckets, bucket{index, time.Duration(held), exponent, mean})
	}
	if n := len(buckets); n > 0 && index-buckets[0].index >= w.most {
		return ErrState
	}
	w.buckets, w.known = buckets, false
	return nil
}
