package mqttconn

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestWhatIsNoMQTTEndsTheConnection(t *testing.T) {
	connack := []byte{0x20, 2, 0, 0}
	suback := []byte{0x90, 3, 0, 1, 1}
	for name, c := range map[string]struct {
		greeting []byte // in answer to CONNECT
		answer   []byte // in answer to SUBSCRIBE
		want     error
	}{
		"HTTP":                  {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, ErrUnreachable},
		"nothing":               {nil, nil, ErrUnreachable},
		"half a CONNACK":        {connack[:3], nil, ErrUnreachable},
		"identifier rejected":   {[]byte{0x20, 2, 0, 2}, nil, ErrOptions},
		"unavailable":           {[]byte{0x20, 2, 0, 3}, nil, ErrUnavailable},
		"bad user":              {[]byte{0x20, 2, 0, 4}, nil, ErrLogin},
		"not authorized":        {[]byte{0x20, 2, 0, 5}, nil, ErrLogin},
		"more codes than asked": {connack, []byte{0x90, 5, 0, 1, 1, 1, 1}, ErrLost},
		"no code":               {connack, []byte{0x90, 2, 0, 1}, ErrDenied},
		"0x80":                  {connack, []byte{0x90, 3, 0, 1, 0x80}, ErrDenied},
		"huge packet":           {connack, append([]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, suback...), ErrLost},
		"endless length":        {connack, []byte{0x30, 0xff, 0xff, 0xff, 0xff, 0xff}, ErrLost},
		"QoS 3":                 {connack, []byte{0x36, 5, 0, 1, 'a', 0, 1}, ErrLost},
		"a packet for brokers":  {connack, []byte{0x82, 2, 0, 1}, ErrLost},
		"a broker's goodbye":    {connack, []byte{0xe0, 0}, ErrLost},
		"publish without topic": {connack, []byte{0x32, 1, 0}, ErrLost},
		"an unknown PUBACK":     {connack, append([]byte{0x40, 2, 0, 99}, suback...), nil},
		"granted":               {connack, suback, nil},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, c.greeting, c.answer)
			conn, err := Dial(t.Context(), Options{URL: url, ClientID: "test", MaxPacket: 1000})
			if err == nil {
				defer func() { _ = conn.Close() }()
				err = conn.Subscribe(t.Context(), "a")
			}
			if c.want == nil && err != nil || !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

// serve is a broker that says fixed things: one after the first packet, one after the
// second; then, or when it has nothing to say, it hangs up after a packet more.
func serve(t *testing.T, says ...[]byte) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		buf := make([]byte, 4096)
		for _, say := range says {
			if _, err := c.Read(buf); err != nil || say == nil {
				return
			}
			if _, err := c.Write(say); err != nil {
				return
			}
			if len(say) < 4 {
				return
			}
		}
		_, _ = io.Copy(io.Discard, c)
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "mqtt://" + l.Addr().String()
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{
		{URL: "http://x"}, {URL: "mqtt://"}, {URL: "mqtt://x/path"}, {URL: "mqtt://user:pw@x"}, {URL: "::"}, {URL: "mqtt://x:y"},
		{URL: "mqtt://x", Cert: "a"}, {URL: "mqtt://x", Key: "a"}, {URL: "mqtt://x", Password: "p"},
		{URL: "mqtt://x", KeepAlive: 1500 * time.Millisecond}, {URL: "mqtt://x", KeepAlive: 20 * time.Hour},
		{URL: "mqtt://x", Timeout: -1},
	} {
		o.ClientID = "test"
		err := o.Check()
		if !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v, want ErrOptions", o, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
	for url, want := range map[string]string{
		"mqtt://x": "x:1883", "tcp://x:1": "x:1", "mqtts://x/": "x:8883", "ssl://[::1]": "[::1]:8883", "tls://x": "x:8883",
	} {
		got, secure, err := Options{URL: url}.address()
		if err != nil || got != want || secure != strings.HasSuffix(want, "8883") {
			t.Errorf("%s: %s, secure %t, %v", url, got, secure, err)
		}
	}
}
