package main

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// record is what happened in one room and what was said.
type record struct {
	profile  string
	room     int
	weeks    float64
	readings int64
	clauses  []*clause
	others   []other
}

// other is an alarm that is no limit of the profile: a silent sensor, the mains, a door.
type other struct {
	at    time.Duration
	alarm agent.AlarmID
}

// row is what became of the rooms of one profile.
type row struct {
	profile    string
	rooms      int
	weeks      float64
	excursions int
	raised     int
	suppressed int // by design, and recorded as that
	unseen     int // the instrument was silent for most of it
	doubtful   int // not raised, and never further out than the instrument may be off
	missed     int
	late       []time.Duration // after the true temperature had lasted
	latest     time.Duration   // after no instrument could have missed it
	reached    int             // alarms of the profile that reached people
	without    int             // of these, without an excursion
	others     int             // alarms of sensors, mains and doors that reached people
	atWork     int             // alarms of the profile that reached people while nothing was broken
	worst      float64
	busyWeeks  int // zone-weeks with more than one alarm without an excursion
}

// summary is all that is printed.
type summary struct {
	rows     []*row
	all      row
	readings int64
	remarks  []remark
}

// remark is something to list.
type remark struct {
	room     int
	profile  string
	alarm    agent.AlarmID
	from, to time.Duration
	what     string
}

// slack is how much later than the truth an alarm may stand or fall: an interval for the
// sample, one for what the sample before holds.
const slack = 2 * every

// tally sums up what happened in all rooms.
func tally(records []*record) *summary {
	s := &summary{all: row{profile: "all"}}
	for _, r := range records {
		var to *row
		for _, one := range s.rows {
			if one.profile == r.profile {
				to = one
			}
		}
		if to == nil {
			to = &row{profile: r.profile}
			s.rows = append(s.rows, to)
		}
		s.room(r, to)
		s.readings += r.readings
	}
	for _, r := range s.rows {
		s.all.add(r)
	}
	return s
}

func (r *row) add(o *row) {
	r.rooms += o.rooms
	r.weeks += o.weeks
	r.excursions += o.excursions
	r.raised += o.raised
	r.suppressed += o.suppressed
	r.unseen += o.unseen
	r.doubtful += o.doubtful
	r.missed += o.missed
	r.late = append(r.late, o.late...)
	r.latest = max(r.latest, o.latest)
	r.reached += o.reached
	r.without += o.without
	r.others += o.others
	r.atWork += o.atWork
	r.worst = max(r.worst, o.worst)
	r.busyWeeks += o.busyWeeks
}

func (s *summary) room(r *record, to *row) {
	to.rooms++
	to.weeks += r.weeks
	to.others += len(r.others)
	weeks := map[int64]int{}
	for _, o := range r.others {
		weeks[int64(o.at/(7*day))]++
	}
	vain := len(r.others)
	for _, c := range r.clauses {
		for _, e := range c.all {
			s.excursion(r, to, c, e)
		}
		for _, a := range c.rang {
			if !a.reaches {
				continue
			}
			to.reached++
			if a.what == works {
				to.atWork++
				s.remark(r, c, a.from, a.to, "nothing broken")
			}
			if c.behind(a) {
				continue
			}
			to.without++
			vain++
			weeks[int64(a.from/(7*day))]++
			s.remark(r, c, a.from, a.to, "no excursion")
		}
	}
	for _, n := range weeks {
		if n > 1 {
			to.busyWeeks++
		}
	}
	to.worst = max(to.worst, float64(vain)/r.weeks)
}

func (s *summary) remark(r *record, c *clause, from, to time.Duration, what string) {
	s.remarks = append(s.remarks, remark{r.room, r.profile, c.id, from, to, what})
}

func (s *summary) excursion(r *record, to *row, c *clause, e *excursion) {
	to.excursions++
	at, stood := c.stood(e)
	switch {
	case stood:
		to.raised++
		if e.due != 0 {
			to.late = append(to.late, max(0, at-e.due))
		}
		if e.certain != 0 {
			to.latest = max(to.latest, at-e.certain)
		}
	case e.certain != 0:
		to.missed++
		s.remark(r, c, e.from, e.to, "MISSED")
	case !e.lasts:
		to.unseen++
	case e.due == 0 && c.recorded(e):
		to.suppressed++
	default:
		to.doubtful++
		s.remark(r, c, e.from, e.to, "within the instrument's error")
	}
}

// stood is since when an alarm stood in an excursion.
func (c *clause) stood(e *excursion) (since time.Duration, ok bool) {
	for _, a := range c.rang {
		if a.from <= e.to+slack && (a.to == 0 || a.to >= e.from) {
			return a.from, true
		}
	}
	return 0, false
}

// recorded reports whether an excursion is on record as suppressed.
func (c *clause) recorded(e *excursion) bool {
	for _, at := range c.mute {
		if at >= e.from && at <= e.to+slack {
			return true
		}
	}
	return false
}

// behind reports whether there is an excursion behind an alarm.
func (c *clause) behind(a stand) bool {
	for _, e := range c.all {
		if a.from >= e.from && a.from <= e.to+slack {
			return true
		}
	}
	return false
}

// perWeek is alarms without an excursion for each zone and week, those of sensors, mains and
// doors included.
func (r *row) perWeek() float64 { return float64(r.without+r.others) / max(r.weeks, 1e-9) }

// most alarms without an excursion, for each zone and week.
const most = 1.0

// met reports whether no excursion was missed and no room alarmed in vain too often.
func (s *summary) met() bool { return s.all.missed == 0 && s.all.worst <= most }
