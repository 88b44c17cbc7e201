package wire

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
)

// The functions below append `,"key":value`; those ending in Opt append nothing for the
// zero value. Keys are constants of this package and need no escaping.

func appendKey(dst []byte, key string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, key...)
	return append(dst, '"', ':')
}

func appendStr(dst []byte, key, s string) []byte {
	return appendString(appendKey(dst, key), s)
}

func appendStrOpt[S ~string](dst []byte, key string, s S) []byte {
	if s == "" {
		return dst
	}
	return appendStr(dst, key, string(s))
}

func appendInt(dst []byte, key string, n int64) []byte {
	return strconv.AppendInt(appendKey(dst, key), n, 10)
}

func appendIntOpt(dst []byte, key string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return appendInt(dst, key, n)
}

func appendUint(dst []byte, key string, n uint64) []byte {
	return strconv.AppendUint(appendKey(dst, key), n, 10)
}

func appendTimeOpt(dst []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	return appendInt(dst, key, millis(t))
}

func appendValueOpt(dst []byte, key string, v *agent.Value) []byte {
	if v == nil {
		return dst
	}
	return v.Append(appendKey(dst, key))
}

func appendEpoch(dst []byte, e agent.Epoch) []byte {
	return appendHex64(append(dst, '"'), uint64(e), '"')
}

const hexDigits = "0123456789abcdef"

func appendHex64(dst []byte, n uint64, end byte) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[n>>shift&15])
	}
	return append(dst, end)
}

// appendString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD; where
// that would matter (codes), the caller sends the bytes in hexadecimal beside it.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\ufffd`...)
			i++
			start = i
			continue
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
