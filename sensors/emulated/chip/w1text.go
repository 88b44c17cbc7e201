package chip

import "fmt"

// w1Text formats a scratchpad as drivers/w1/slaves/w1_therm.c of Linux does.
func w1Text(pad [9]byte) []byte {
	hex := fmt.Sprintf("% x", pad[:])
	crc, verdict := crc8Dallas(pad[:8]), "NO"
	if crc == pad[8] {
		verdict = "YES"
	}
	raw := int(int16(uint16(pad[1])<<8 | uint16(pad[0])))
	return fmt.Appendf(nil, "%s : crc=%02x %s\n%s t=%d\n", hex, crc, verdict, hex, raw*1000/16)
}
