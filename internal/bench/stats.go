package main

import (
	"slices"
	"time"
)

// percentile is the p-th percentile by the nearest rank: the smallest value such that at
// least p percent of all are not greater. Zero without values.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(float64(len(sorted)) * p / 100)
	if float64(rank) < float64(len(sorted))*p/100 {
		rank++
	}
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// median is the middle value, of an even number the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// per is what is spent on each of n.
func per[N int64 | time.Duration](spent N, n int64) float64 {
	if n == 0 {
		return 0
	}
	return float64(spent) / float64(n)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mebi(n int64) float64 { return float64(n) / (1 << 20) }
