package alarm

import (
	"errors"
	"time"
)

// Patience is the settings of the kinds that wait for a device to do its work again.
type Patience struct {
	After time.Duration `yaml:"after" doc:"Raised when it lasted this long; three intervals, at least 1m, if absent."`
}

// ErrPatience is what Patience.Validate returns.
var ErrPatience = errors.New("after must not be negative")

// Validate says what is wrong with the settings.
func (p *Patience) Validate() error {
	if p.After < 0 {
		return ErrPatience
	}
	return nil
}

// With is how long to wait for that point.
func (p Patience) With(t Point) Line {
	if p.After == 0 {
		return max(t.Hold(), Millis(time.Minute))
	}
	return Millis(p.After)
}

// String is how long to wait, in the config's words.
func (p Patience) String() string {
	if p.After == 0 {
		return "three intervals, at least 1m"
	}
	return Short(p.After)
}
