package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// errReportTime is what parseMoment returns for what is no time.
var errReportTime = errors.New("not a time: write it like 2026-03-01T06:30:00+08:00, 2026-03-01T06:30, 2026-03-01, today, yesterday, now, -24h or -7d")

// localTimes are times without an offset: they are the site's.
var localTimes = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}

// parseMoment reads a time as people write it, in the site's time zone. A day is its beginning,
// or with end its end; days of 23 and 25 hours are.
func parseMoment(text string, now time.Time, loc *time.Location, end bool) (time.Time, error) {
	now = now.In(loc)
	day := func(t time.Time, more int) time.Time {
		if end {
			more++
		}
		return time.Date(t.Year(), t.Month(), t.Day()+more, 0, 0, 0, 0, loc)
	}
	switch text = strings.TrimSpace(text); text {
	case "now":
		return now, nil
	case "today":
		return day(now, 0), nil
	case "yesterday":
		return day(now, -1), nil
	}
	if back, ok := strings.CutPrefix(text, "-"); ok {
		return ago(back, now)
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range localTimes {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, loc); err == nil {
		return day(t, 0), nil
	}
	return time.Time{}, errReportTime
}

// ago is a time before now: 24h, 90m, or 7d for days of the calendar.
func ago(back string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(back, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	d, err := time.ParseDuration(back)
	if err != nil || d < 0 {
		return time.Time{}, errReportTime
	}
	return now.Add(-d), nil
}

// parsePeriod reads --from and --to. What lies ahead is not known: the end is now at the latest.
func parsePeriod(from, to string, now time.Time, loc *time.Location) (timeRange, error) {
	var r timeRange
	for _, f := range []struct {
		name, text string
		into       *time.Time
	}{{"--from", from, &r.from}, {"--to", to, &r.to}} {
		if f.text == "" {
			continue
		}
		t, err := parseMoment(f.text, now, loc, f.name == "--to")
		if err != nil {
			return r, usagef("%s: %q is %w", f.name, f.text, err)
		}
		*f.into = t.UTC()
	}
	if r.to.After(now) && !now.IsZero() {
		r.to = now.UTC()
	}
	if !r.from.IsZero() && !r.to.IsZero() && !r.from.Before(r.to) {
		return r, usagef("--from %s is not before --to %s", r.from.In(loc).Format(time.RFC3339), r.to.In(loc).Format(time.RFC3339))
	}
	return r, nil
}
