package mqttconn

import (
	"bufio"
	"bytes"
	"io"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// FuzzGuard: whatever a broker sends, paho's decoder gets only what it can digest, and
// what passes the guard passes unchanged.
func FuzzGuard(f *testing.F) {
	connack := []byte{0x20, 2, 0, 0}
	for _, after := range [][]byte{
		nil, {0x90, 3, 0, 1, 1}, {0x90, 5, 0, 1, 1, 1, 1}, {0x40, 2, 0, 9}, {0xd0, 0}, {0x36, 5, 0, 1, 'a', 0, 1},
		{0x32, 6, 0, 1, 'a', 0, 1, 'x'}, {0x30, 0xff, 0xff, 0xff, 0x7f}, {0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, {0xb0, 2, 0, 1},
	} {
		f.Add(append(bytes.Clone(connack), after...))
	}
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		const most = 1 << 16
		g := &guard{r: bufio.NewReader(bytes.NewReader(sent)), max: most}
		g.subs.Store(2)
		var passed bytes.Buffer
		for {
			p, err := packets.ReadPacket(io.TeeReader(g, &passed))
			if err != nil {
				break
			}
			if s, ok := p.(*packets.SubackPacket); ok && len(s.ReturnCodes) > 2 {
				t.Fatalf("a SUBACK with %d codes for 2 filters", len(s.ReturnCodes))
			}
		}
		if passed.Len() > len(sent) || !bytes.Equal(passed.Bytes(), sent[:passed.Len()]) {
			t.Errorf("sent %x, passed %x", sent, passed.Bytes())
		}
	})
}
