package agent

import (
	"errors"
	"fmt"
	"strconv"
)

// Epoch is the random id of one unbroken run of positions. A new one begins with a
// new store, a restored or copied one, and every start after an unclean end, so that
// storage that lied about a flush cannot give one position two contents.
// Zero is no epoch. Epochs have no order of their own; the store knows which followed which.
type Epoch uint64

// Seq counts the records of an epoch from 1, without a hole.
type Seq uint64

// Position is where a record stands. (site, gateway, Epoch, Seq) names one content
// for ever; receivers use it to keep each record once. The zero Position is before all records.
type Position struct {
	Epoch Epoch `json:"epoch"`
	Seq   Seq   `json:"seq"`
}

// IsZero reports whether p is before all records.
func (p Position) IsZero() bool { return p == Position{} }

// String is "0123456789abcdef/42".
func (p Position) String() string {
	return p.Epoch.String() + "/" + strconv.FormatUint(uint64(p.Seq), 10)
}

// String is sixteen lower-case hexadecimal digits, as on the wire.
func (e Epoch) String() string { return fmt.Sprintf("%016x", uint64(e)) }

// ErrEpochSyntax is what ParseEpoch returns for anything but sixteen hexadecimal digits.
var ErrEpochSyntax = errors.New("not an epoch: want sixteen hexadecimal digits")

// ParseEpoch reads what Epoch.String writes.
func ParseEpoch(s string) (Epoch, error) {
	if len(s) != 16 {
		return 0, fmt.Errorf("%q: %w", s, ErrEpochSyntax)
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, ErrEpochSyntax)
	}
	return Epoch(n), nil
}

// MarshalText writes sixteen hexadecimal digits: as a JSON number an epoch would
// lose bits in most readers.
func (e Epoch) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (e *Epoch) UnmarshalText(b []byte) error {
	p, err := ParseEpoch(string(b))
	if err != nil {
		return err
	}
	*e = p
	return nil
}
