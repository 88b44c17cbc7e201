package escalate

import (
	"fmt"
	"slices"
	"time"
)

// Hole is a time of the week that no shift covers.
type Hole struct {
	Day      time.Weekday
	From, To TimeOfDay
	Date     time.Time // of the first such day, where it is not in every week; zero otherwise
}

// String is the hole in local time: Saturday 00:00–08:00.
func (h Hole) String() string {
	from, _ := h.From.MarshalText()
	to, _ := h.To.MarshalText()
	day := h.Day.String()
	if !h.Date.IsZero() {
		day += " " + h.Date.Format(time.DateOnly)
	}
	return fmt.Sprintf("%s %s–%s", day, from, to)
}

// FirstHole finds the first minutes, from Monday on, at which none of the rotas has anybody on
// duty; ok is false if there are none. A rota without shifts has somebody on duty always. Without
// rotas there is nobody.
//
// What a clock on the wall shows is always one of the minutes of a week, so a week without a hole
// has none on days of 23 and 25 hours either.
func FirstHole(rotas [][]Shift) (h Hole, ok bool) {
	var all []Shift
	cycle, begin := 1, 0
	for _, shifts := range rotas {
		if len(shifts) == 0 {
			return Hole{}, false
		}
		all = append(all, shifts...)
	}
	for i := range all {
		if all[i].Every > 1 {
			cycle = cycle / gcd(cycle, all[i].Every) * all[i].Every
			begin = max(begin, weekOf(all[i].Since))
		}
	}
	for week := begin; week < begin+cycle; week++ {
		for minute := range minutesAWeek {
			if covered(all, week, minute) {
				continue
			}
			end := minute + 1
			for end%minutesADay != 0 && !covered(all, week, end) {
				end++
			}
			day := minute / minutesADay
			h = Hole{Day: time.Weekday((day + 1) % 7), From: TimeOfDay(minute % minutesADay), To: TimeOfDay(end - day*minutesADay)}
			if cycle > 1 {
				h.Date = firstMonday.AddDate(0, 0, 7*week+day)
			}
			return h, true
		}
	}
	return Hole{}, false
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Always reports whether shifts cover every minute of every week.
func Always(shifts []Shift) bool {
	_, hole := FirstHole([][]Shift{slices.Clip(shifts)})
	return len(shifts) > 0 && !hole
}
