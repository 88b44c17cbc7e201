package wire

import (
	"bytes"

	"github.com/frostline/frostline/agent"
)

// quickPoint is what earlier readings of a batch told of a point.
type quickPoint struct {
	def  agent.DefID
	zone agent.ZoneID
}

// quickReading reads a reading in exactly the form that AppendBatch writes most of them,
// of a point and zone met before in the batch. What differs in anything is left to the
// strict way (ok is false): raw is valid JSON already, so a form can only be missed, not
// misread. A batch of readings decodes twice as fast with it.
func (d *decoder) quickReading(raw []byte, r *agent.Record) (ok bool) {
	q := quick{raw}
	seq := q.integer(`{"seq":`)
	ms := q.integer(`,"t":`)
	known, ok := d.quick[string(q.text(`,"point":"`))]
	if !ok || seq <= 0 || ms <= 0 || ms > maxMillis {
		return false
	}
	if string(q.text(`,"zone":"`)) != string(known.zone) {
		return false
	}
	var reading agent.Reading
	if v, ok := q.value(`,"v":`); ok {
		reading.Value, reading.Raw = v, v
		if v, ok := q.value(`,"raw":`); ok {
			reading.Raw = v
		}
	} else if word := q.text(`,"fault":"`); word != nil {
		fault, err := agent.ParseFault(string(word))
		if err != nil || fault == agent.FaultNone {
			return false
		}
		reading.Fault = fault
	} else {
		return false
	}
	trust := agent.ClockSynced
	if q.take(`,"clock":"held"`) {
		trust = agent.ClockHeld
	}
	if string(q.rest) != "}" {
		return false
	}
	reading.Def = known.def
	reading.At = agent.Instant{Wall: ofMillis(ms), Trust: trust}
	r.Position = agent.Position{Epoch: d.epoch, Seq: agent.Seq(seq)}
	r.Type, r.Reading = agent.TypeReading, reading
	return true
}

// quick reads from the front of rest, and nothing where it meets another form.
type quick struct{ rest []byte }

func (q *quick) take(prefix string) bool {
	if len(q.rest) < len(prefix) || string(q.rest[:len(prefix)]) != prefix {
		return false
	}
	q.rest = q.rest[len(prefix):]
	return true
}

// integer is the positive integer after the prefix, of at most 18 digits; else 0.
func (q *quick) integer(prefix string) int64 {
	if !q.take(prefix) {
		return 0
	}
	n, i := int64(0), 0
	for ; i < len(q.rest) && i < 18 && q.rest[i] >= '0' && q.rest[i] <= '9'; i++ {
		n = n*10 + int64(q.rest[i]-'0')
	}
	q.rest = q.rest[i:]
	return n
}

// text is the string after the prefix, which ends with its opening quote; nil if it is
// not there or has escapes.
func (q *quick) text(prefix string) []byte {
	before := q.rest
	if !q.take(prefix) {
		return nil
	}
	end := bytes.IndexByte(q.rest, '"')
	if end < 0 || bytes.IndexByte(q.rest[:end], '\\') >= 0 {
		q.rest = before
		return nil
	}
	s := q.rest[:end]
	q.rest = q.rest[end+1:]
	return s
}

func (q *quick) value(prefix string) (agent.Value, bool) {
	before := q.rest
	if !q.take(prefix) {
		return 0, false
	}
	end := bytes.IndexAny(q.rest, ",}")
	if end < 0 {
		q.rest = before
		return 0, false
	}
	v, err := agent.ParseValue(string(q.rest[:end]))
	if err != nil {
		q.rest = before
		return 0, false
	}
	q.rest = q.rest[end:]
	return v, true
}
