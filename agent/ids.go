package agent

import (
	"errors"
	"fmt"
	"strings"
)

// Ids are chosen by the operator in the config. They are for ever; names beside them are free.
type (
	SiteID     string // the site: a warehouse, a fleet
	GatewayID  string // the gateway, unique within its site
	ZoneID     string // a place with its own climate: cold-room-1, dock, compartment-front
	SensorID   string // a configured sensor
	PointID    string // one quantity at one place: "<sensor>/<name>", e.g. cr1-air/temperature
	ReaderID   string // a configured scanner or tag reader
	AlarmID    string // a configured alarm
	ItemID     string // a stock item
	UpstreamID string // a configured upstream
)

// Point is the id of the point that sensor s declares under name.
func (s SensorID) Point(name string) PointID { return PointID(string(s) + "/" + name) }

// Sensor is the sensor that declares the point.
func (p PointID) Sensor() SensorID {
	s, _, _ := strings.Cut(string(p), "/")
	return SensorID(s)
}

// ErrID is what CheckID returns for a text that is no id.
var ErrID = errors.New("not an id: want 1 to 64 of a-z, 0-9, '-' and '_', starting with a letter or digit")

// CheckID reports whether s can be an id: 1 to 64 lower-case letters, digits, '-' and
// '_', starting with a letter or digit. Ids stand in MQTT topics, tags and file names
// unescaped, hence the narrow alphabet.
func CheckID(s string) error {
	ok := len(s) >= 1 && len(s) <= 64
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || i > 0 && (c == '-' || c == '_')
	}
	if !ok {
		return fmt.Errorf("%q: %w", s, ErrID)
	}
	return nil
}
