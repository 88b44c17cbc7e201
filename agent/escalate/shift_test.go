package escalate_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent/escalate"
)

func TestHoles(t *testing.T) {
	every := func(s escalate.Shift, weeks int, since string) escalate.Shift {
		s.Every = weeks
		var err error
		if s.Since, err = time.Parse(time.DateOnly, since); err != nil {
			t.Fatal(err)
		}
		return s
	}
	whole := shift("mon-sun", "00:00", "24:00")
	for _, c := range []struct {
		name  string
		rotas [][]escalate.Shift
		want  string
	}{
		{"always", [][]escalate.Shift{{shift("mon", "08:00", "09:00")}, nil}, ""},
		{"nobody", nil, "Monday 00:00–24:00"},
		{"day and night", [][]escalate.Shift{{shift("mon-sun", "08:00", "20:00")}, {shift("mon-sun", "20:00", "08:00")}}, ""},
		{"weekdays only", [][]escalate.Shift{{shift("mon-fri", "08:00", "20:00")}, {shift("mon-fri", "20:00", "08:00")}}, "Monday 00:00–08:00"},
		{"over the end of the week", [][]escalate.Shift{{shift("mon-fri", "08:00", "08:00"), shift("sat,sun", "08:00", "08:00")}}, ""},
		{"a minute", [][]escalate.Shift{{shift("mon-sun", "00:00", "11:59")}, {shift("mon-sun", "12:00", "24:00")}}, "Monday 11:59–12:00"},
		{"two weeks", [][]escalate.Shift{{every(whole, 2, "2026-01-05")}, {every(whole, 2, "2026-01-18")}}, ""},
		{"the same week twice", [][]escalate.Shift{{every(whole, 2, "2026-01-05")}, {every(whole, 2, "2026-01-19")}}, "Monday 2026-01-26 00:00–24:00"},
		{"one of three", [][]escalate.Shift{{every(whole, 3, "2026-01-05")}, {every(whole, 3, "2026-01-12")}, {every(shift("mon-sat", "00:00", "24:00"), 3, "2026-01-19")}}, "Sunday 2026-01-25 00:00–24:00"},
	} {
		hole, ok := escalate.FirstHole(c.rotas)
		got := ""
		if ok {
			got = hole.String()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if escalate.Always(nil) || !escalate.Always([]escalate.Shift{whole}) || escalate.Always([]escalate.Shift{shift("mon-sun", "00:01", "24:00")}) {
		t.Error("always")
	}
}

// Where no hole is found, somebody is on duty at every minute of every year, days of 23 and 25
// hours included.
func TestNoHoleIsNoHole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []escalate.Shift
		for range rapid.IntRange(1, 5).Draw(t, "shifts") {
			all = append(all, escalate.Shift{
				Days: escalate.Days(rapid.IntRange(1, 127).Draw(t, "days")), From: clock(fmt.Sprintf("%02d:30", rapid.IntRange(0, 23).Draw(t, "from"))),
				To: clock(fmt.Sprintf("%02d:30", rapid.IntRange(0, 23).Draw(t, "to"))), Every: rapid.IntRange(1, 3).Draw(t, "every"),
				Since: time.Date(2026, 1, rapid.IntRange(1, 31).Draw(t, "since"), 0, 0, 0, 0, time.UTC),
			})
		}
		hole, found := escalate.FirstHole([][]escalate.Shift{all})
		covers := func(local time.Time) bool {
			for i := range all {
				if all[i].Covers(local) {
					return true
				}
			}
			return false
		}
		begin := time.Date(2026, rapid.SampledFrom([]time.Month{3, 10}).Draw(t, "month"), 22, 0, 0, 0, 0, berlin)
		is := false
		for m := range (6*7*24 + 2) * 2 { // the cycle, and the hour that a day of 25 takes from it
			is = is || !covers(begin.Add(time.Duration(m)*30*time.Minute))
		}
		if is != found {
			t.Fatalf("found %v (%v), a walk through the weeks says %v", found, hole, is)
		}
	})
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"mon-fri": "mon-fri", "sat,sun": "sat-sun", "Fri-Mon": "mon,fri-sun", "tue": "tue", "mon-wed, fri": "mon-wed,fri", "mon-sun": "mon-sun",
	} {
		got, err := days(text).MarshalText()
		if err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, bad := range []string{"", "mon-", "mo", "weekdays", "mon-fri-sun"} {
		if new(escalate.Days).UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is days", bad)
		}
	}
	for _, text := range []string{"00:00", "08:05", "23:59", "24:00"} {
		if got, _ := clock(text).MarshalText(); string(got) != text {
			t.Errorf("%s is %s", text, got)
		}
	}
	for _, bad := range []string{"", "8", "8:5", "24:01", "12:60", "-1:00", "+8:00", "008:00", "08:00:00"} {
		if new(escalate.TimeOfDay).UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is a time of day", bad)
		}
	}
}
