package agent

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Instant is a moment as the gateway knows it. Durations between two instants of one
// boot come from Mono; Wall is for people and for the far side, and is as good as Trust says.
// Records keep milliseconds: instants that enter a record are whole milliseconds.
type Instant struct {
	Wall  time.Time     // UTC; zero while Trust is ClockUnset
	Mono  time.Duration // since boot, running on through suspend; comparable within one Boot only
	Boot  BootID        // which boot Mono counts from
	Trust ClockTrust
}

// Sub is the time from u to i. Within one boot it is the difference of Mono. Across boots it
// is that of Wall, and ok is false if either wall clock is unset.
func (i Instant) Sub(u Instant) (d time.Duration, ok bool) {
	if i.Boot == u.Boot {
		return i.Mono - u.Mono, true
	}
	if i.Trust == ClockUnset || u.Trust == ClockUnset {
		return 0, false
	}
	return i.Wall.Sub(u.Wall), true
}

// Add is the instant d later in the same boot.
func (i Instant) Add(d time.Duration) Instant {
	i.Mono += d
	if i.Trust != ClockUnset {
		i.Wall = i.Wall.Add(d)
	}
	return i
}

// BootID is the kernel's random id of a boot (on Linux /proc/sys/kernel/random/boot_id).
type BootID [16]byte

// String is the id in the kernel's form, 8-4-4-4-12 hexadecimal digits.
func (b BootID) String() string {
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ParseBootID reads what String writes.
func ParseBootID(s string) (BootID, error) {
	var b BootID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return b, fmt.Errorf("%q: not a boot id", s)
	}
	h := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(b[:], []byte(h)); err != nil {
		return BootID{}, fmt.Errorf("%q: not a boot id: %w", s, err)
	}
	return b, nil
}

// MarshalText writes the id as String does.
func (b BootID) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (b *BootID) UnmarshalText(t []byte) error {
	p, err := ParseBootID(string(t))
	if err != nil {
		return err
	}
	*b = p
	return nil
}

// ClockTrust is how far the wall clock can be believed.
type ClockTrust uint8

// The degrees of trust, in rising order.
const (
	ClockUnset  ClockTrust = iota // before the newest stored record or the build date: known to be wrong
	ClockHeld                     // later than both, but nobody confirmed it
	ClockSynced                   // the kernel's discipline, GNSS or a person confirmed it
)

var clockTrustWords = [...]string{"unset", "held", "synced"}

// String is the word used in records, on the wire and in the config.
func (t ClockTrust) String() string {
	if int(t) < len(clockTrustWords) {
		return clockTrustWords[t]
	}
	return fmt.Sprintf("trust(%d)", uint8(t))
}

// ErrClockTrust is what UnmarshalText returns for an unknown word.
var ErrClockTrust = errors.New("not a clock trust: want unset, held or synced")

// MarshalText writes the word.
func (t ClockTrust) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word.
func (t *ClockTrust) UnmarshalText(b []byte) error {
	for i, w := range clockTrustWords {
		if w == string(b) {
			*t = ClockTrust(i)
			return nil
		}
	}
	return fmt.Errorf("%q: %w", b, ErrClockTrust)
}
