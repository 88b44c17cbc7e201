package mqttconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/internal/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial connects with a short timeout and closes at the end of the test.
func dial(t *testing.T, o Options) *Conn {
	t.Helper()
	if o.ClientID == "" {
		o.ClientID = "test"
	}
	c, err := Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// arrivals collects and acknowledges messages.
type arrivals struct {
	mu  sync.Mutex
	all []Message
}

func (a *arrivals) take(m Message) {
	a.mu.Lock()
	a.all = append(a.all, m)
	a.mu.Unlock()
	m.Ack()
}

func (a *arrivals) list() []Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Message(nil), a.all...)
}

func TestPublishSubscribeOverMosquitto(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	var got arrivals
	m := &meter{}
	c := dial(t, Options{URL: b.URL(), OnMessage: got.take, Meter: m})
	if err := c.Publish(t.Context(), "kept/one", []byte("early"), true); err != nil {
		t.Fatal(err)
	}
	if err := c.Subscribe(t.Context(), "kept/#", "live/+/x"); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("0123456789"), 300_000)
	for i := range 50 {
		if err := c.Publish(t.Context(), fmt.Sprintf("live/%d/x", i), big[:1+i*i*1200], false); err != nil {
			t.Fatal(err)
		}
	}
	peers.Await(t, "51 messages", func() bool { return len(got.list()) == 51 })
	all := got.list()
	if first := all[0]; first.Topic != "kept/one" || !first.Retained || string(first.Payload) != "early" {
		t.Errorf("first message: %s retained=%t %q", first.Topic, first.Retained, first.Payload)
	}
	for i, msg := range all[1:] {
		if msg.Topic != fmt.Sprintf("live/%d/x", i) || !bytes.Equal(msg.Payload, big[:1+i*i*1200]) {
			t.Fatalf("message %d is out of order or damaged: %s, %d bytes", i, msg.Topic, len(msg.Payload))
		}
	}
	if err := c.Unsubscribe(t.Context(), "kept/#", "live/+/x"); err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(t.Context(), "live/0/x", []byte("unseen"), false); err != nil {
		t.Fatal(err)
	}
	if n := len(got.list()); n != 51 {
		t.Errorf("%d messages after unsubscribing", n)
	}
	if r, w := m.read.Load(), m.written.Load(); w < 40_000_000 || r < 40_000_000 {
		t.Errorf("metered %d bytes in, %d out", r, w)
	}
}

type meter struct{ read, written atomic.Int64 }

func (m *meter) Add(read, written int) { m.read.Add(int64(read)); m.written.Add(int64(written)) }

func TestTLSWithClientCertificates(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{TLS: true, ClientCert: true, ACL: "pattern readwrite own/%u/#\n"})
	cert, key := b.Certs.Client(t, "gw-1")
	expired, expiredKey := b.Certs.ExpiredClient(t, "gw-2")
	strangers := peers.NewCerts(t, t.TempDir())
	strange, strangeKey := strangers.Client(t, "gw-1")

	var got arrivals
	c := dial(t, Options{URL: b.URL(), CA: b.Certs.CA, Cert: cert, Key: key, OnMessage: got.take})
	if err := c.Subscribe(t.Context(), "own/gw-1/#"); err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(t.Context(), "own/gw-1/x", []byte("hello"), false); err != nil {
		t.Fatal(err)
	}
	peers.Await(t, "the echo", func() bool { return len(got.list()) == 1 })

	for name, o := range map[string]Options{
		"no client certificate":    {CA: b.Certs.CA},
		"a stranger's certificate": {CA: b.Certs.CA, Cert: strange, Key: strangeKey},
		"an expired certificate":   {CA: b.Certs.CA, Cert: expired, Key: expiredKey},
		"a broker we do not trust": {CA: strangers.CA, Cert: cert, Key: key},
		"another name":             {CA: b.Certs.CA, Cert: cert, Key: key, ServerName: "elsewhere.example"},
		"a key that is not there":  {CA: b.Certs.CA, Cert: cert, Key: key + ".gone"},
		"a CA that is no CA":       {CA: key, Cert: cert, Key: key},
		"the system's CAs":         {Cert: cert, Key: key},
		"a port without TLS":       {CA: b.Certs.CA, URL: "mqtts" + strings.TrimPrefix(serve(t, []byte("HTTP/1.1 400 Bad Request\r\n\r\n")), "mqtt")},
	} {
		o.ClientID = "test-2"
		if o.URL == "" {
			o.URL = b.URL()
		}
		if c, err := Dial(t.Context(), o); !errors.Is(err, ErrTLS) {
			t.Errorf("%s: %v, want ErrTLS", name, err)
			if err == nil {
				_ = c.Close()
			}
		}
	}
}

func TestARenewedCertificateIsTakenAtTheNextHandshake(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{TLS: true, ClientCert: true})
	old, oldKey := b.Certs.ExpiredClient(t, "gw-1")
	o := Options{URL: b.URL(), ClientID: "test", CA: b.Certs.CA, Cert: old, Key: oldKey}
	if _, err := Dial(t.Context(), o); !errors.Is(err, ErrTLS) {
		t.Fatalf("expired certificate: %v", err)
	}
	renewed, renewedKey := b.Certs.Client(t, "gw-1")
	for from, to := range map[string]string{renewed: old, renewedKey: oldKey} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	dial(t, o)
}

func TestLoginRefused(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{Users: map[string]string{"s1/gw-1": "secret"}})
	dial(t, Options{URL: b.URL(), User: "s1/gw-1", Password: "secret"})
	for _, o := range []Options{{}, {User: "s1/gw-1", Password: "wrong"}, {User: "nobody", Password: "secret"}} {
		o.URL, o.ClientID = b.URL(), "test-2"
		if _, err := Dial(t.Context(), o); !errors.Is(err, ErrLogin) {
			t.Errorf("user %q: %v, want ErrLogin", o.User, err)
		}
	}
}

func TestSubscriptionDeniedIsNamed(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{Subscribe: func(_, filter string) bool { return filter != "b" }})
	c := dial(t, Options{URL: b.URL()})
	err := c.Subscribe(t.Context(), "a", "b", "c")
	if !errors.Is(err, ErrDenied) || !strings.HasSuffix(err.Error(), ": b") {
		t.Errorf("error %v, want ErrDenied naming b", err)
	}
	if err := c.Publish(t.Context(), "a", nil, false); err != nil {
		t.Errorf("publish after a denied subscription: %v", err)
	}
}

func TestNothingListens(t *testing.T) {
	url := fmt.Sprintf("mqtt://127.0.0.1:%d", peers.FreePort(t))
	if _, err := Dial(t.Context(), Options{URL: url, ClientID: "test"}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("error %v, want ErrUnreachable", err)
	}
}

func TestABlackHoleEndsWithTheTimeoutOrTheContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	o := Options{URL: "mqtt://" + l.Addr().String(), ClientID: "test", Timeout: 50 * time.Millisecond}
	if _, err := Dial(t.Context(), o); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Errorf("error %v, want ErrUnreachable and the time", err)
	}
	o.Timeout = time.Minute
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
	if _, err := Dial(ctx, o); !errors.Is(err, why) {
		t.Errorf("error %v, want the context's cause", err)
	}
}

func TestPublishHonorsItsContextAndTheConnectionStays(t *testing.T) {
	var deaf atomic.Bool
	deaf.Store(true)
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(string, string, []byte, bool) peers.Verdict {
		if deaf.Load() {
			return peers.Ignore
		}
		return peers.Take
	}})
	c := dial(t, Options{URL: b.URL()})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := c.Publish(ctx, "a", []byte("x"), false); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want the deadline", err)
	}
	deaf.Store(false)
	if err := c.Publish(t.Context(), "a", []byte("y"), false); err != nil || c.Err() != nil {
		t.Errorf("the next publish: %v; connection: %v", err, c.Err())
	}
}

func TestALostConnectionIsToldToEverybody(t *testing.T) {
	for _, session := range []bool{false, true} {
		b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(_, topic string, _ []byte, _ bool) peers.Verdict {
			if topic == "last" {
				return peers.HangUp
			}
			return peers.Ignore
		}})
		c := dial(t, Options{URL: b.URL(), KeepSession: session})
		waiting := make(chan error, 8)
		for range cap(waiting) {
			go func() { waiting <- c.Publish(t.Context(), "a", []byte("x"), false) }()
		}
		if err := c.Publish(t.Context(), "last", nil, false); !errors.Is(err, ErrLost) {
			t.Errorf("error %v, want ErrLost", err)
		}
		for range cap(waiting) {
			if err := <-waiting; !errors.Is(err, ErrLost) {
				t.Errorf("error %v, want ErrLost", err)
			}
		}
		<-c.Lost()
		for _, err := range []error{
			c.Err(), c.Publish(t.Context(), "a", nil, false),
			c.Subscribe(t.Context(), "a"), c.Unsubscribe(t.Context(), "a"),
		} {
			if !errors.Is(err, ErrLost) {
				t.Errorf("afterwards: %v, want ErrLost", err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestABrokerThatFreezesIsNoticedByItsSilence(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	c := dial(t, Options{URL: b.URL(), KeepAlive: time.Second, Timeout: 500 * time.Millisecond})
	b.Freeze()
	defer b.Thaw()
	select {
	case <-c.Lost():
		if err := c.Err(); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "ping") {
			t.Errorf("error %v, want the missing ping", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("not noticed")
	}
}

func TestAFarSideThatTakesNoBytesIsNoticed(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	p := peers.NewProxy(t, b.Addr())
	c := dial(t, Options{URL: "mqtt://" + p.Addr(), Timeout: 100 * time.Millisecond})
	p.Hold()
	big := make([]byte, 64<<20) // more than the sockets' buffers hold
	if err := c.Publish(t.Context(), "a", big, false); !errors.Is(err, ErrLost) || !errors.Is(err, ErrUnanswered) {
		t.Errorf("error %v, want ErrLost and ErrUnanswered", err)
	}
	p.Flow()
}

func TestAnUrgentPublishDoesNotWaitForALargeOne(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(_, topic string, _ []byte, _ bool) peers.Verdict {
		if topic == "main" {
			return peers.Ignore
		}
		return peers.Take
	}})
	c := dial(t, Options{URL: b.URL()})
	ctx, cancel := context.WithCancel(t.Context())
	routine := make(chan error, 1)
	go func() { routine <- c.Publish(ctx, "main", make([]byte, 1<<20), false) }()
	if err := c.Publish(t.Context(), "urgent", []byte("alarm"), false); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-routine; !errors.Is(err, context.Canceled) {
		t.Errorf("routine publish: %v", err)
	}
}

func TestTheWillComesAfterADropAndNotAfterAGoodbye(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	var got arrivals
	watch := dial(t, Options{URL: b.URL(), ClientID: "watch", OnMessage: got.take})
	if err := watch.Subscribe(t.Context(), "status/#"); err != nil {
		t.Fatal(err)
	}
	polite := dial(t, Options{URL: b.URL(), ClientID: "polite", Will: &Will{"status/polite", []byte("gone")}})
	rude := dial(t, Options{URL: b.URL(), ClientID: "rude", Will: &Will{"status/rude", []byte("gone")}})
	if err := polite.Close(); err != nil {
		t.Fatal(err)
	}
	rude.Drop()
	peers.Await(t, "the will", func() bool { return len(got.list()) > 0 })
	if all := got.list(); len(all) != 1 || all[0].Topic != "status/rude" {
		t.Errorf("wills: %v", all)
	}
	if kept, ok := retained(t, b.URL(), "status/rude"); !ok || kept != "gone" {
		t.Errorf("retained will %q, %t", kept, ok)
	}
}

func retained(t *testing.T, url, topic string) (string, bool) {
	t.Helper()
	var got arrivals
	c := dial(t, Options{URL: url, ClientID: "retained", OnMessage: got.take})
	if err := c.Subscribe(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	peers.Await(t, "the retained message", func() bool { return len(got.list()) > 0 })
	m := got.list()[0]
	return string(m.Payload), m.Retained
}

func TestAKeptSessionGivesAgainWhatWasNotAcknowledged(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	pub := dial(t, Options{URL: b.URL(), ClientID: "pub"})
	arrived := make(chan Message, 100)
	o := Options{URL: b.URL(), ClientID: "receiver", KeepSession: true, OnMessage: func(m Message) { arrived <- m }}
	first := dial(t, o)
	if err := first.Subscribe(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		t.Helper()
		if err := pub.Publish(t.Context(), "a", []byte(text), false); err != nil {
			t.Fatal(err)
		}
	}
	send("1")
	send("2")
	(<-arrived).Ack()
	unacked := <-arrived
	// The acknowledgement of 1 must have reached the broker before the connection goes.
	if err := first.Publish(t.Context(), "other", nil, false); err != nil {
		t.Fatal(err)
	}
	first.Drop()
	unacked.Ack() // too late: does nothing
	send("3")
	o.OnMessage = func(m Message) { arrived <- m; m.Ack() }
	dial(t, o)
	if a, b := string((<-arrived).Payload), string((<-arrived).Payload); a != "2" || b != "3" {
		t.Errorf("second connection got %s, %s; want 2, 3", a, b)
	}
}

func TestASlowHandlerHoldsUpNothingElse(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	release := make(chan struct{})
	var got arrivals
	c := dial(t, Options{URL: b.URL(), OnMessage: func(m Message) { <-release; got.take(m) }})
	if err := c.Subscribe(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := c.Publish(t.Context(), "a", []byte("x"), false); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	peers.Await(t, "100 messages", func() bool { return len(got.list()) == 100 })
}

// TestDisconnectsAtEveryMoment looks for leaks and deadlocks in paho's handling of an end
// that comes while packets are under way; TestMain's leak check is part of it.
func TestDisconnectsAtEveryMoment(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	p := peers.NewProxy(t, b.Addr())
	for i := range 300 {
		var got arrivals
		c, err := Dial(t.Context(), Options{URL: "mqtt://" + p.Addr(), ClientID: "test", OnMessage: got.take})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Subscribe(t.Context(), "a")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for c.Publish(t.Context(), "a", make([]byte, 1000), false) == nil {
				}
			})
		}
		time.AfterFunc(time.Duration(i%12)*200*time.Microsecond, func() {
			switch i % 3 {
			case 0:
				p.Cut()
			case 1:
				_ = c.Close()
			case 2:
				c.Drop()
			}
		})
		wg.Wait()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatalf("second close: %v", err)
		}
	}
}
