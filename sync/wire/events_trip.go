package wire

import (
	"time"

	"github.com/frostline/frostline/agent"
)

func appendTrip(dst []byte, t *agent.TripEvent) []byte {
	dst = appendStr(dst, "id", string(t.ID))
	dst = appendInt(dst, "n", t.N)
	dst = appendStr(dst, "transition", string(t.Transition))
	dst = appendStr(dst, "phase", string(t.Phase))
	dst = appendStr(dst, "cause", string(t.Cause))
	dst = appendStrOpt(dst, "source", t.Source)
	dst = appendStrOpt(dst, "shipment", t.Shipment)
	dst = appendStrOpt(dst, "carrier", t.Carrier)
	dst = appendStrOpt(dst, "lane", t.Lane)
	dst = appendStrOpt(dst, "vehicle", t.Vehicle)
	dst = appendStrOpt(dst, "seal", t.Seal)
	dst = appendList(dst, "compartments", t.Compartments, appendCompartment)
	dst = appendList(dst, "stops", t.Stops, appendStop)
	dst = appendIntOpt(dst, "corridor_m", t.CorridorM)
	dst = appendStrOpt(dst, "stop", t.Stop)
	dst = appendStrOpt(dst, "deviation", t.Deviation)
	dst = appendIntOpt(dst, "level", int64(t.Level))
	dst = appendIntOpt(dst, "late_s", t.LateS)
	dst = appendIntOpt(dst, "distance_m", t.DistanceM)
	dst = appendValueOpt(dst, "lat", t.Lat)
	dst = appendValueOpt(dst, "lon", t.Lon)
	dst = appendPerson(dst, t.By, t.Comment, t.UID)
	dst = appendStrOpt(dst, "message", t.Message)
	if t.Late {
		dst = append(dst, `,"late":true`...)
	}
	return dst
}

func appendPerson(dst []byte, by, comment string, uid *int) []byte {
	dst = appendStrOpt(dst, "by", by)
	dst = appendStrOpt(dst, "comment", comment)
	if uid != nil {
		dst = appendInt(dst, "uid", int64(*uid))
	}
	return dst
}

// appendList appends a list of objects; one appends the members of each, every one with a comma
// before it.
func appendList[T any](dst []byte, key string, list []T, one func([]byte, *T) []byte) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		from := len(dst)
		dst = one(dst, &list[i])
		dst[from] = '{'
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendCompartment(dst []byte, c *agent.TripCompartment) []byte {
	dst = appendStr(dst, "zone", string(c.Zone))
	dst = appendStrOpt(dst, "profile", c.Profile)
	dst = appendValueOpt(dst, "low", c.Low)
	dst = appendValueOpt(dst, "high", c.High)
	dst = appendStrOpt(dst, "state", c.State)
	dst = appendStrOpt(dst, "point", c.Point)
	return appendValueOpt(dst, "v", c.Value)
}

func appendStop(dst []byte, s *agent.TripStop) []byte {
	dst = appendStr(dst, "name", s.Name)
	dst = appendValueOpt(dst, "lat", s.Lat)
	dst = appendValueOpt(dst, "lon", s.Lon)
	dst = appendIntOpt(dst, "radius_m", s.RadiusM)
	dst = appendTimeOpt(dst, "due", s.Due)
	return appendIntOpt(dst, "after_s", s.AfterS)
}

func appendExcursion(dst []byte, x *agent.ExcursionEvent) []byte {
	dst = appendStr(dst, "id", string(x.ID))
	dst = appendInt(dst, "n", x.N)
	dst = appendStr(dst, "transition", string(x.Transition))
	dst = appendStr(dst, "state", string(x.State))
	dst = appendStrOpt(dst, "zone", x.Zone)
	dst = appendStrOpt(dst, "trip", x.Trip)
	dst = appendTimeOpt(dst, "began", x.Began)
	dst = appendTimeOpt(dst, "ended", x.Ended)
	dst = appendIntOpt(dst, "out_s", x.OutS)
	dst = appendList(dst, "outside", x.Outside, appendExcursionPoint)
	dst = appendItems(dst, x.Items)
	dst = appendStrOpt(dst, "cause", x.Cause)
	dst = appendStrOpt(dst, "cause_by", x.CauseBy)
	dst = appendStrOpt(dst, "evaluation", x.Evaluation)
	dst = appendStrOpt(dst, "disposition", x.Disposition)
	dst = appendPerson(dst, x.By, x.Comment, x.UID)
	return appendStrOpt(dst, "message", x.Message)
}

func appendExcursionPoint(dst []byte, p *agent.ExcursionPoint) []byte {
	dst = appendStr(dst, "point", string(p.Point))
	dst = appendStr(dst, "alarm", string(p.Alarm))
	dst = appendValueOpt(dst, "limit", p.Limit)
	dst = appendValueOpt(dst, "worst", p.Worst)
	if p.Dead {
		dst = append(dst, `,"dead":true`...)
	}
	return dst
}

func decodeTrip(raw []byte, e *agent.Event) error {
	var p struct {
		agent.TripEvent
		Stops []struct {
			agent.TripStop
			Due timeMillis `json:"due"`
		} `json:"stops"`
	}
	if err := unmarshal(raw, &p); err != nil {
		return err
	}
	if p.ID == "" || p.N < 1 || p.Transition == "" || p.Phase == "" {
		return syntax("trip without id, n, transition or phase")
	}
	for i := range p.Stops {
		s := p.Stops[i].TripStop
		s.Due = time.Time(p.Stops[i].Due)
		p.TripEvent.Stops = append(p.TripEvent.Stops, s)
	}
	e.Trip = &p.TripEvent
	return nil
}

func decodeExcursion(raw []byte, e *agent.Event) error {
	var p struct {
		agent.ExcursionEvent
		Began timeMillis `json:"began"`
		Ended timeMillis `json:"ended"`
	}
	if err := unmarshal(raw, &p); err != nil {
		return err
	}
	if p.ID == "" || p.N < 1 || p.Transition == "" || p.State == "" {
		return syntax("excursion without id, n, transition or state")
	}
	p.ExcursionEvent.Began, p.ExcursionEvent.Ended = time.Time(p.Began), time.Time(p.Ended)
	e.Excursion = &p.ExcursionEvent
	return nil
}
