package agent

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Definition is what a point was when it was read. It is immutable: a change of zone,
// instrument, role or calibration makes a new definition with a new ID, and everything
// downstream of a record uses the record's own. A point is a place, not a device.
type Definition struct {
	ID          DefID       `json:"id"`
	Point       PointID     `json:"point"`
	Quantity    Quantity    `json:"quantity"`
	Zone        ZoneID      `json:"zone,omitempty"`
	Role        Role        `json:"role,omitempty"`
	Driver      string      `json:"driver"`
	Serial      string      `json:"serial,omitempty"`
	Certificate string      `json:"certificate,omitempty"`
	Calibration Calibration `json:"calibration,omitzero"`
}

// DefID is a digest of the definition's content, so that the same definition has the
// same id on every gateway and in every store, and a gateway whose disk hangs can
// define points all the same. Zero is no definition.
type DefID uint64

// String is sixteen hexadecimal digits.
func (d DefID) String() string { return Epoch(d).String() }

// MarshalText writes sixteen hexadecimal digits.
func (d DefID) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *DefID) UnmarshalText(b []byte) error {
	e, err := ParseEpoch(string(b))
	if err != nil {
		return fmt.Errorf("%q: not a definition id", b)
	}
	*d = DefID(e)
	return nil
}

// Identified returns the definition with its ID set to the digest of the rest.
func (d Definition) Identified() Definition {
	d.ID = 0
	text, err := json.Marshal(d)
	if err != nil {
		panic("agent: a definition always marshals: " + err.Error())
	}
	sum := sha256.Sum256(text)
	d.ID = DefID(binary.BigEndian.Uint64(sum[:8]))
	return d
}

// Role is what a point is measured in or on.
type Role string

// The roles. Alarms of product and air differ: a product probe is never muted by a door.
const (
	RoleAir     Role = "air"
	RoleProduct Role = "product"
	RoleSupply  Role = "supply"
	RoleReturn  Role = "return"
	RoleSurface Role = "surface"
	RoleOutside Role = "outside"
)

// Roles lists the known roles.
func Roles() []Role {
	return []Role{RoleAir, RoleProduct, RoleSupply, RoleReturn, RoleSurface, RoleOutside}
}

// Calibration turns a raw value into a calibrated one: raw + Offset. The zero
// calibration leaves values alone. Raw values are kept beside calibrated ones.
type Calibration struct {
	Offset Value `json:"offset,omitempty"`
}

// Apply returns the calibrated value; ok is false where it does not fit.
func (c Calibration) Apply(raw Value) (v Value, ok bool) {
	v = raw + c.Offset
	return v, (v > raw) == (c.Offset > 0)
}
