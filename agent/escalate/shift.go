package escalate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shift is a time of the week: from one time of day to another, on some days, in every week or
// in every second, third … one.
type Shift struct {
	Days  Days
	From  TimeOfDay
	To    TimeOfDay // not after From: on the next day
	Every int       // weeks; 0 and 1: every week
	Since time.Time // a day of a week in which it is on, where Every is more than 1
}

const (
	minutesADay  = 24 * 60
	minutesAWeek = 7 * minutesADay
	// MaxEvery is the longest cycle of weeks.
	MaxEvery = 6
)

// Covers reports whether a local time is in the shift. What the clock on the wall shows counts:
// on a day of 23 or 25 hours an hour is missing or comes twice.
func (s *Shift) Covers(local time.Time) bool {
	return s.covers(weekOf(local), minuteOf(local))
}

// covers is Covers for a minute of a week.
func (s *Shift) covers(week, minute int) bool {
	day, m := minute/minutesADay, TimeOfDay(minute%minutesADay)
	if s.To > s.From {
		return m >= s.From && m < s.To && s.on(week, day)
	}
	if m >= s.From && s.on(week, day) {
		return true
	}
	if day--; day < 0 {
		day, week = 6, week-1
	}
	return m < s.To && s.on(week, day)
}

// on reports whether the shift begins on a day, Monday being 0, of a week.
func (s *Shift) on(week, day int) bool {
	if s.Days&(1<<day) == 0 {
		return false
	}
	return s.Every <= 1 || mod(week-weekOf(s.Since), s.Every) == 0
}

func covered(shifts []Shift, week, minute int) bool {
	return slices.ContainsFunc(shifts, func(s Shift) bool { return s.covers(week, minute) })
}

// firstMonday is a Monday that weeks are counted from.
var firstMonday = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)

// weekOf is the number of the week, from Monday on, of the date that t shows.
func weekOf(t time.Time) int {
	y, m, d := t.Date()
	days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(firstMonday) / (24 * time.Hour))
	return (days - mod(days, 7)) / 7
}

// minuteOf is the minute of the week that t shows.
func minuteOf(t time.Time) int {
	return (int(t.Weekday())+6)%7*minutesADay + t.Hour()*60 + t.Minute()
}

func mod(a, b int) int { return ((a % b) + b) % b }

// Days are days of the week, Monday the lowest bit.
type Days uint8

// AllDays is the whole week.
const AllDays Days = 1<<7 - 1

var dayWords = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// ErrDays is what Days.UnmarshalText returns.
var ErrDays = errors.New("not days: write mon-fri, or sat,sun")

// UnmarshalText reads mon-fri, sat,sun, mon-wed,fri. A range may pass the end of the week.
func (d *Days) UnmarshalText(text []byte) error {
	var all Days
	for part := range strings.SplitSeq(string(text), ",") {
		first, last, isRange := strings.Cut(strings.ToLower(strings.TrimSpace(part)), "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(dayWords, first), slices.Index(dayWords, last)
		if from < 0 || to < 0 {
			return fmt.Errorf("%q: %w", text, ErrDays)
		}
		for day := from; ; day = (day + 1) % 7 {
			all |= 1 << day
			if day == to {
				break
			}
		}
	}
	*d = all
	return nil
}

// MarshalText writes days as UnmarshalText reads them.
func (d Days) MarshalText() ([]byte, error) {
	var parts []string
	for day := 0; day < 7; {
		end := day
		for end < 7 && d&(1<<end) != 0 {
			end++
		}
		switch end - day {
		case 0:
			end++
		case 1:
			parts = append(parts, dayWords[day])
		default:
			parts = append(parts, dayWords[day]+"-"+dayWords[end-1])
		}
		day = end
	}
	return []byte(strings.Join(parts, ",")), nil
}

// TimeOfDay is what a clock shows, in minutes after midnight; 24:00 is the end of the day.
type TimeOfDay int

// EndOfDay is 24:00.
const EndOfDay TimeOfDay = minutesADay

// ErrTimeOfDay is what TimeOfDay.UnmarshalText returns.
var ErrTimeOfDay = errors.New("not a time of day: write 08:00, 00:00 to 24:00")

// UnmarshalText reads 08:00.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	h, m, ok := strings.Cut(string(text), ":")
	hour, errHour := strconv.ParseUint(h, 10, 8)
	minute, errMinute := strconv.ParseUint(m, 10, 8)
	if !ok || errHour != nil || errMinute != nil || len(m) != 2 || len(h) > 2 || minute > 59 || hour > 24 || hour == 24 && minute > 0 {
		return fmt.Errorf("%q: %w", text, ErrTimeOfDay)
	}
	*t = TimeOfDay(hour*60 + minute)
	return nil
}

// MarshalText writes 08:00.
func (t TimeOfDay) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%02d:%02d", int(t)/60, int(t)%60), nil
}
