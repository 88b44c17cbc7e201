package agent

import "fmt"

// Reading is one measurement that was due: a value, or the fault that took its place.
type Reading struct {
	Def   DefID
	At    Instant
	Value Value // calibrated; meaningless if Fault is set
	Raw   Value // as the instrument gave it; meaningless if Fault is set
	Marks Marks // doubts that stand beside the value; they never change it
	Fault Fault // why there is no value; FaultNone if there is one
}

// OK reports whether the reading has a value.
func (r *Reading) OK() bool { return r.Fault == FaultNone }

// Fault says why a measurement that was due gave no value.
type Fault uint8

// The faults. The list is never changed, only extended: numbers and words are stored and sent.
const (
	FaultNone         Fault = iota
	FaultAbsent             // the device does not answer (NACK, no presence pulse)
	FaultCRC                // the answer's checksum is wrong
	FaultShort              // the answer is incomplete
	FaultTimeout            // no answer within the deadline
	FaultBusStuck           // the bus hangs; since when stands in the conditions
	FaultNotReady           // the device has not finished measuring
	FaultPowerOn            // a power-on value, not a measurement
	FaultPower              // the device reports too little power
	FaultRange              // the value is outside the quantity's or the device's range
	FaultOpenCircuit        // the probe's circuit is open
	FaultShortCircuit       // the probe is shorted
	FaultDevice             // the device itself reports an error
	FaultProtocol           // the answer makes no sense
	FaultMissed             // the gateway did not get round to it
	FaultOpen               // the device or its bus could not be opened
	FaultIO                 // any other input/output error
)

var faultWords = [...]string{
	"", "absent", "crc", "short", "timeout", "bus-stuck", "not-ready", "power-on", "power",
	"range", "open-circuit", "short-circuit", "device", "protocol", "missed", "open", "io",
}

// String is the word used on the wire; empty for FaultNone.
func (f Fault) String() string {
	if int(f) < len(faultWords) {
		return faultWords[f]
	}
	return fmt.Sprintf("fault-%d", uint8(f))
}

// ParseFault reads what String writes.
func ParseFault(s string) (Fault, error) {
	for i, w := range faultWords {
		if w == s {
			return Fault(i), nil
		}
	}
	var n uint8
	if _, err := fmt.Sscanf(s, "fault-%d", &n); err == nil {
		return Fault(n), nil
	}
	return 0, fmt.Errorf("%q: not a fault", s)
}

// Error makes a Fault usable as an error in a driver's chain; FaultOf finds it again.
func (f Fault) Error() string { return f.String() }

// Marks are doubts about a value, as a set.
type Marks uint16

// The marks. The list is never changed, only extended.
const (
	MarkImplausible Marks = 1 << iota // outside what the quantity can be in this place
	MarkFlatline                      // the raw value has not moved for longer than noise allows
	MarkTooFast                       // changed faster than physics allows
	MarkDisagree                      // differs from its twin beyond their tolerances
	MarkLate                          // read later than it was due by more than an interval
	MarkExpired                       // the instrument's calibration has expired
)

var markWords = [...]string{"implausible", "flatline", "too-fast", "disagree", "late", "calibration-expired"}

// Words lists the marks' words in their fixed order; nil for none.
func (m Marks) Words() []string {
	var words []string
	for i := 0; i < 16; i++ {
		if m&(1<<i) == 0 {
			continue
		}
		if i < len(markWords) {
			words = append(words, markWords[i])
		} else {
			words = append(words, fmt.Sprintf("mark-%d", i))
		}
	}
	return words
}

// ParseMark reads one word of Words.
func ParseMark(s string) (Marks, error) {
	for i, w := range markWords {
		if w == s {
			return 1 << i, nil
		}
	}
	var n uint
	if _, err := fmt.Sscanf(s, "mark-%d", &n); err == nil && n < 16 {
		return 1 << n, nil
	}
	return 0, fmt.Errorf("%q: not a mark", s)
}
