package climate

import (
	"slices"
	"time"
)

// HoldIntervals is for how many intervals a value holds at most: the rule of every limit.
const HoldIntervals = 3

// Median is the median of spacings, the mean of the two in the middle where there are two;
// those of 0 or less, of samples that share a time, do not count. It is 0 if none is left.
func Median(spacings []time.Duration) time.Duration {
	sorted := make([]time.Duration, 0, len(spacings))
	for _, d := range spacings {
		if d > 0 {
			sorted = append(sorted, d)
		}
	}
	slices.Sort(sorted)
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	low := sorted[n/2-1]
	return low + (sorted[n/2]-low)/2
}

// neighbors is how many spacings on either side of one tell at which interval the recorder
// was recording then.
const neighbors = 2

// intervals is the recorder's interval at each spacing: the median of all, or that of the
// neighbors on both sides where it is longer, so that a recorder that writes every 30 min,
// and every 2 min while a value is out of range, has no gaps in its quiet hours. A single
// long spacing among short ones stays what it is, a gap.
func intervals(spacings []time.Duration) []time.Duration {
	all := Median(spacings)
	out := make([]time.Duration, len(spacings))
	around := make([]time.Duration, 0, 2*neighbors)
	for i := range spacings {
		around = append(around[:0], spacings[max(0, i-neighbors):i]...)
		around = append(around, spacings[i+1:min(len(spacings), i+1+neighbors)]...)
		out[i] = max(all, Median(around))
	}
	return out
}
