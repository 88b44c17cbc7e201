package alarm

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// Spec is one alarm of the config: which rule watches what. The selectors zone, point,
// quantity and role narrow the points; item and reader the items and readers; what is empty
// does not narrow.
type Spec struct {
	ID       agent.AlarmID  // for ever
	Kind     string         // the name of a Kind
	Zone     agent.ZoneID   // only points of this zone
	Point    agent.PointID  // only this point
	Quantity agent.Quantity // only points of this quantity
	Role     agent.Role     // only points of this role
	Item     agent.ItemID   // only this stock item
	Reader   agent.ReaderID // only this scanner or tag reader
	Severity agent.Severity // the kind's own if empty
	Transit  bool           // armed only while a trip is under way
	Latching bool           // once raised it stays until a person resets it
	Absolute bool           // nothing suppresses it
	OffDelay time.Duration  // its condition must be gone for so long before it clears
	ReAlarm  time.Duration  // acknowledged and still there after so long, it asks again; 0 for never
	Advice   string         // what to do, in a sentence; ends the message of a raised alarm
	Settings any            // what the kind's Config returned, filled in and validated; nil for its defaults
	Default  bool           // nobody wrote it: it watches only what no other alarm of its kind watches
}

// Errors of New.
var (
	ErrKind      = errors.New("no such kind of alarm")
	ErrSeverity  = errors.New("not a severity: want info, warning or critical")
	ErrTwice     = errors.New("two alarms with this id")
	ErrQuantity  = errors.New("say which quantity or which point: values of different quantities cannot be compared with one limit")
	ErrSelectors = errors.New("a selector that this kind of alarm does not have")
	ErrNegative  = errors.New("must not be negative")
	ErrNoPoint   = errors.New("no sensor declares this point")
)

// Watches reports whether the alarm's selectors take the point.
func (s *Spec) Watches(d *agent.Definition) bool {
	return (s.Zone == "" || s.Zone == d.Zone) && (s.Point == "" || s.Point == d.Point) &&
		(s.Quantity == "" || s.Quantity == d.Quantity) && (s.Role == "" || s.Role == d.Role)
}

// selects reports whether an alarm of the kind watches the point.
func (s *Spec) selects(k Kind, d *agent.Definition) bool { return k.Takes(d.Quantity) && s.Watches(d) }

// Rule is the alarm in the config's words, for lists: "temperature above 8 for 5m". k is the
// spec's kind.
func (s *Spec) Rule(k Kind) string {
	words := make([]string, 0, 3)
	switch {
	case s.Quantity != "":
		words = append(words, string(s.Quantity))
	case s.Point != "":
		words = append(words, string(s.Point))
	}
	settings := s.Settings
	if settings == nil {
		settings = k.Config()
	}
	return strings.Join(append(words, k.Describe(settings)), " ")
}

// Check says what is wrong with the alarm itself; nil if nothing is. k is the spec's kind.
func (s *Spec) Check(k Kind) error {
	var errs []error
	if err := agent.CheckID(string(s.ID)); err != nil {
		errs = append(errs, fmt.Errorf("id %w", err))
	}
	if s.Severity != "" && s.Severity.Rank() < 0 {
		errs = append(errs, fmt.Errorf("severity %q: %w", s.Severity, ErrSeverity))
	}
	if s.OffDelay < 0 {
		errs = append(errs, fmt.Errorf("off_delay %w", ErrNegative))
	}
	if s.ReAlarm < 0 {
		errs = append(errs, fmt.Errorf("re_alarm %w", ErrNegative))
	}
	ofPoints := k.Scope == PerPoint || k.Scope == PerSensor || k.Scope == PerZone
	for _, sel := range []struct {
		name   string
		has    bool
		allows bool
	}{
		{"zone", s.Zone != "", ofPoints},
		{"point", s.Point != "", ofPoints},
		{"quantity", s.Quantity != "", ofPoints},
		{"role", s.Role != "", ofPoints},
		{"item", s.Item != "", k.Scope == PerItem},
		{"reader", s.Reader != "", k.Scope == PerReader},
	} {
		if sel.has && !sel.allows {
			errs = append(errs, fmt.Errorf("%s: %w", sel.name, ErrSelectors))
		}
	}
	if k.Needs() && s.Quantity == "" && s.Point == "" {
		errs = append(errs, ErrQuantity)
	}
	if v, ok := s.Settings.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Setup is everything that an engine is made of.
type Setup struct {
	Kinds    []Kind
	Specs    []Spec
	Points   []Point
	Items    []Item
	Readers  []agent.ReaderID // those whose unknown codes matter
	Location *time.Location   // of the site; UTC if nil
	Names    Names
	// Voices of those who are not told things in English with °C: events have Texts for them.
	Voices []agent.Voice
	// Suppressions by design, in any order.
	Suppressions []Suppression
	// Goods lists the items in a zone, for the message of an excursion there. It must be
	// pure. May be nil.
	Goods func(agent.ZoneID) []agent.ItemID
}

// Names are what people call things. What has no name goes by its id. Any map may be nil.
type Names struct {
	Zones map[agent.ZoneID]string
	Items map[agent.ItemID]string
}
