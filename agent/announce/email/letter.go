package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Lengths in a header, in bytes.
const (
	lineLength  = 76 // of a line with encoded words, at most (RFC 2047, section 2)
	wordLength  = 60 // of an ASCII word that stays as it is
	chunkLength = 39 // of the text in an encoded word: 64 with its base64, and "Subject: " before it
)

// letter is the mail for one recipient, as it crosses the wire.
type letter struct {
	to               announce.Recipient
	sender, receiver string // addresses of the envelope, without their <>
	text             []byte
}

func (o *output) letter(n announce.Notice, to announce.Recipient) (letter, error) {
	from, err := mail.ParseAddress(o.set.From)
	if err != nil {
		return letter{}, fmt.Errorf("from: %w", err)
	}
	receiver, err := mail.ParseAddress(to.Address)
	if err != nil {
		return letter{}, err
	}
	var b bytes.Buffer
	field(&b, "Date", o.date(n).Format(time.RFC1123Z))
	field(&b, "Message-ID", "<"+messageID(n, to.Address)+">")
	field(&b, "From", named(from))
	field(&b, "To", named(receiver))
	field(&b, "Subject", encoded(fmt.Sprintf("[%s/%s] %s", n.Site, n.Gateway, n.Title(to.Voice))))
	field(&b, "Auto-Submitted", "auto-generated")
	field(&b, "User-Agent", "frostline")
	if n.Severity() == agent.SeverityCritical {
		field(&b, "Importance", "high")
		field(&b, "Priority", "urgent")
		field(&b, "X-Priority", "1")
	}
	field(&b, "MIME-Version", "1.0")
	field(&b, "Content-Type", "text/plain; charset=UTF-8")
	field(&b, "Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b) // breaks long lines, and ends all with CRLF
	if _, err := w.Write([]byte(n.Letter(to.Voice, o.host.Zone) + "\n")); err != nil {
		return letter{}, err
	}
	if err := w.Close(); err != nil {
		return letter{}, err
	}
	return letter{to: to, sender: envelope(from), receiver: envelope(receiver), text: b.Bytes()}, nil
}

// field writes a field of the header, folded at its spaces. A control character in the value
// becomes a space, so that no value can begin another field.
func field(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	length := len(name) + 1
	for i, word := range strings.Split(strings.TrimSpace(printable(value)), " ") {
		if i > 0 && word != "" && length+1+len(word) > lineLength {
			b.WriteString("\r\n")
			length = 0
		}
		b.WriteString(" " + word)
		length += 1 + len(word)
	}
	b.WriteString("\r\n")
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// named is the address with its name, for a header.
func named(a *mail.Address) string {
	switch {
	case a.Name == "":
		return "<" + envelope(a) + ">"
	case plain(a.Name):
		return a.String()
	}
	return encoded(a.Name) + " <" + envelope(a) + ">"
}

// envelope is the address alone: what stands between < and > in MAIL and RCPT, quoted where it
// has to be, so that it cannot bring parameters of its own.
func envelope(a *mail.Address) string {
	s := (&mail.Address{Address: a.Address}).String()
	return strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
}

// encoded is the text in encoded words of RFC 2047, unless it may stay as it is. Package mime
// would leave long words of ASCII, and what only looks encoded, as they are.
func encoded(s string) string {
	s = printable(s)
	if plain(s) {
		return s
	}
	var words []string
	var chunk []byte
	flush := func() {
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString(chunk)+"?=")
		chunk = chunk[:0]
	}
	for _, r := range s { // no character is divided; what is not UTF-8 becomes U+FFFD
		if len(chunk)+utf8.RuneLen(r) > chunkLength {
			flush()
		}
		chunk = utf8.AppendRune(chunk, r)
	}
	flush()
	return strings.Join(words, " ")
}

// plain reports whether a text can stand in a header as it is.
func plain(s string) bool {
	if strings.Contains(s, "=?") || strings.Contains(s, "  ") {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	for word := range strings.SplitSeq(s, " ") {
		if len(word) > wordLength {
			return false
		}
	}
	return true
}

// date is that of the transition; of now, where it is not known.
func (o *output) date(n announce.Notice) time.Time {
	at := n.At.Wall
	if at.IsZero() {
		at = o.host.Now().Wall
	}
	if o.host.Zone != nil {
		at = at.In(o.host.Zone)
	}
	return at
}

// messageID is the same whenever this notice is sent to this recipient.
func messageID(n announce.Notice, to string) string {
	sum := sha256.Sum256([]byte(string(n.Site) + "\n" + string(n.Gateway) + "\n" + n.Key() + "\n" + to))
	return hex.EncodeToString(sum[:16]) + "@" + string(n.Gateway) + ".frostline.invalid"
}
