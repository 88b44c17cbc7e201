package config

import (
	"slices"
	"time"
)

// What a record costs on disk, in bytes. Measured with agent/store, 3 000 commits of 1, 3,
// 10 and 100 readings whose last three decimals are noise: 46, 54, 90 and 515 bytes a
// commit, pages and all, which is 41 a commit and 4.7 a reading. Values with more decimals
// take up to two bytes more. Each point has a summary an hour on top.
const (
	bytesPerCommit  = 42
	bytesPerReading = 6
	bytesPerHour    = 32
)

// Estimate is how fast the store grows with a config, and how long what it keeps lasts.
type Estimate struct {
	Readings    int64         // a day
	Commits     int64         // a day, at most
	BytesPerDay Bytes         // on disk; scans and alarms come on top and are few
	Lasts       time.Duration // until the first of keep's limits is reached
	By          string        // which limit that is: age, bytes or free; "" if nothing is recorded
}

// KeepLasts estimates how long `keep` lasts with the sensors of c. disk is the size of the
// store's disk, 0 where it is not known: then keep.free counts for nothing.
func KeepLasts(c *Config, disk Bytes) Estimate {
	const day = 24 * time.Hour
	var e Estimate
	var points int64
	var intervals []time.Duration
	for i := range c.Sensors {
		s := &c.Sensors[i]
		points += int64(len(s.Points))
		e.Readings += int64(len(s.Points)) * int64(day/s.Every)
		if len(s.Points) > 0 && !slices.Contains(intervals, s.Every) {
			intervals = append(intervals, s.Every)
		}
	}
	e.Commits = commits(intervals, c.Store.CommitWithin)
	e.BytesPerDay = Bytes(e.Commits*bytesPerCommit + e.Readings*bytesPerReading + 24*points*bytesPerHour)
	if e.BytesPerDay == 0 {
		return e
	}
	e.Lasts, e.By = c.Store.Keep.Age, "age"
	last := func(room Bytes, by string) {
		if days := float64(max(0, room)) / float64(e.BytesPerDay); days*float64(day) < float64(e.Lasts) {
			e.Lasts, e.By = time.Duration(days*float64(day)), by
		}
	}
	last(c.Store.Keep.Bytes, "bytes")
	if disk > 0 {
		last(disk-c.Store.Keep.Free, "free")
	}
	return e
}

// commits is how many commits a day these intervals make. Ticks are aligned, so an
// interval that is a multiple of another adds none.
func commits(intervals []time.Duration, within time.Duration) int64 {
	const day = 24 * time.Hour
	slices.Sort(intervals)
	var n int64
	for i, every := range intervals {
		shared := slices.ContainsFunc(intervals[:i], func(shorter time.Duration) bool { return every%shorter == 0 })
		if !shared {
			n += int64(day / every)
		}
	}
	return min(n, int64(day/within))
}
