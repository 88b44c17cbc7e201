package agent

import "time"

// Scan is one code or tag that a reader saw.
type Scan struct {
	Reader    ReaderID  `json:"reader"`
	Zone      ZoneID    `json:"zone,omitempty"` // the reader's zone when it was seen
	At        Instant   `json:"-"`
	SourceAt  time.Time `json:"source_at,omitzero"` // the reader's own time, where it has one
	Code      string    `json:"code"`               // as read; group separators (0x1D) kept
	Symbology Symbology `json:"symbology"`
	Antenna   int       `json:"antenna,omitempty"` // from 1; 0 where there is none
	RSSI      int       `json:"rssi,omitempty"`    // dBm; 0 where there is none
}

// Symbology is what kind of code was read.
type Symbology string

// The symbologies that readers report to begin with.
const (
	SymbologyUnknown Symbology = "unknown" // a barcode whose kind the scanner did not tell
	SymbologyNFC     Symbology = "nfc"     // HF tag; the code is the UID in upper-case hexadecimal
	SymbologyEPC     Symbology = "epc"     // UHF tag; the code is the EPC bank in upper-case hexadecimal
)
