package mqtt

import (
	"errors"

	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/internal/mqttconn"
	"github.com/frostline/frostline/internal/peers"
	"github.com/frostline/frostline/sync/upstream"
	"github.com/frostline/frostline/sync/upstreamtest"
	"github.com/frostline/frostline/sync/wire"
)

const base = "frostline/v1/s1/gw-01/"

func TestAConnectionSaysOnlineThenSeesItsEchoesThenDelivers(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	l := listen(t, mqttconn.Options{URL: b.URL()}, "frostline/v1/#")
	r := newRig(t, b.URL(), nil)
	r.mono.Store(int64(90 * time.Second))
	r.deliver(t, r.readings(1, 3))
	r.deliver(t, r.defs.Batch(agent.KindAlarms, 4, 1))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	peers.Await(t, "offline", func() bool { return len(l.on("status")) == 2 })

	var order []string
	l.mu.Lock()
	for _, m := range l.all {
		order = append(order, strings.TrimPrefix(m.Topic, base))
	}
	l.mu.Unlock()
	want := "status info alarms events readings scans stock readings alarms status"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("topics in order:\n got %s\nwant %s", got, want)
	}
	online, offline := statusOf(t, l.on("status")[0].Payload), statusOf(t, l.on("status")[1].Payload)
	if online.State != wire.Online || offline.State != wire.Offline {
		t.Errorf("states %s, %s", online.State, offline.State)
	}
	if online.Conn != 90_000 || offline.Conn != online.Conn || online.Boot != (agent.BootID{1}) || offline.Boot != online.Boot {
		t.Errorf("connection %d of %s, then %d of %s", online.Conn, online.Boot, offline.Conn, offline.Boot)
	}
	if online.Last != 42 || online.Epoch != upstreamtest.Epoch || online.Waiting != 7 || online.T == nil || online.EveryS != 30 {
		t.Errorf("status %+v", online)
	}
	readings := l.on("readings")
	if m := jsonOf(t, readings[0].Payload); len(m["records"].([]any)) != 0 || m["gateway"] != "gw-01" {
		t.Errorf("the first message is no empty batch: %s", readings[0].Payload)
	}
	if m := jsonOf(t, readings[1].Payload); len(m["records"].([]any)) != 3 || m["first"] != 1.0 || m["last"] != 3.0 {
		t.Errorf("batch: %s", readings[1].Payload)
	}
	kept := listen(t, mqttconn.Options{URL: b.URL(), User: "second"}, base+"status", base+"info")
	peers.Await(t, "the retained messages", func() bool { return len(kept.on("status")) == 1 && len(kept.on("info")) == 1 })
	if r.read.Load() == 0 || r.written.Load() == 0 {
		t.Error("nothing metered")
	}
}

func TestABatchCrossesTheLinkOnceOnly(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	r := newRig(t, b.URL(), nil)
	r.deliver(t, upstream.Batch{})
	before := r.read.Load()
	r.deliver(t, r.readings(1, 1000))
	if came := r.read.Load() - before; came > 100 {
		t.Errorf("%d bytes came back for one batch", came)
	}
}

func TestOnlySelectedKindsAreTried(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{ACL: "topic readwrite " + base + "alarms.c\ntopic write " + base + "status\ntopic write " + base + "info\n"})
	r := newRig(t, b.URL(), func(c *Config, h *upstream.Host) {
		h.Info = func() upstream.Info { return upstream.Info{Kinds: []agent.Kind{agent.KindAlarms}} }
		c.Encoding = EncodingCompact
	})
	r.deliver(t, r.defs.Batch(agent.KindAlarms, 1, 1))
}

func TestAnACLThatDropsSilentlyIsNotSeenAndNothingIsDelivered(t *testing.T) {
	for name, acl := range map[string]string{
		"publishes dropped": "topic read #\n",
		"reads dropped":     "topic write #\n",
		"one kind dropped":  "topic readwrite " + base + "alarms\ntopic readwrite " + base + "readings\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := peers.Mosquitto(t, peers.BrokerOptions{
				ACL:   acl + "\nuser watch\ntopic read #\n",
				Users: map[string]string{"watch": "w", "gw": "g"},
			})
			l := listen(t, mqttconn.Options{URL: b.URL(), User: "watch", Password: "w"}, "#")
			r := newRig(t, b.URL(), func(c *Config, _ *upstream.Host) { c.User, c.Password, c.Timeout = "gw", "g", 400*time.Millisecond })
			err := r.Deliver(soon(t), r.readings(1, 3))
			refused(t, err, "upstream-not-seen")
			for _, m := range l.on("readings") {
				if !empty(m.Payload) {
					t.Errorf("a batch left the outbox: %s", m.Payload)
				}
			}
			// Without the echo, the same broker swallows everything.
			off := newRig(t, b.URL(), func(c *Config, h *upstream.Host) {
				c.User, c.Password, c.Echo, h.ID = "gw", "g", EchoOff, "other"
			})
			off.deliver(t, off.readings(1, 3))
		})
	}
}

func TestADeniedSubscriptionIsNotSeen(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{Subscribe: func(_, filter string) bool { return filter != base+"stock" }})
	r := newRig(t, b.URL(), nil)
	err := r.Deliver(soon(t), r.readings(1, 3))
	refused(t, err, "upstream-not-seen")
	if !strings.Contains(err.Error(), base+"stock") {
		t.Errorf("%v does not name the topic", err)
	}
	for _, m := range b.Messages() {
		if batchTopic(m.Topic) {
			t.Errorf("published on %s", m.Topic)
		}
	}
}

func TestABrokerThatLetsUsInAgainIsUsedAgain(t *testing.T) {
	var forbid atomic.Bool
	forbid.Store(true)
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(_, topic string, _ []byte, _ bool) peers.Verdict {
		if forbid.Load() {
			return peers.Drop
		}
		return peers.Take
	}})
	r := newRig(t, b.URL(), func(c *Config, _ *upstream.Host) { c.Timeout = 100 * time.Millisecond })
	refused(t, r.Deliver(soon(t), r.readings(1, 3)), "upstream-not-seen")
	forbid.Store(false)
	r.deliver(t, r.readings(1, 3))
}

func TestRefusals(t *testing.T) {
	plain := peers.Mosquitto(t, peers.BrokerOptions{Users: map[string]string{"gw": "right"}})
	secure := peers.Mosquitto(t, peers.BrokerOptions{TLS: true, ClientCert: true})
	cert, key := secure.Certs.Client(t, "s1-gw-01")
	for name, c := range map[string]struct {
		url    string
		change func(*Config, *upstream.Host)
		code   string
	}{
		"wrong password": {plain.URL(), func(c *Config, _ *upstream.Host) { c.User, c.Password = "gw", "wrong" }, "upstream-login"},
		"a secret that is not there": {plain.URL(), func(c *Config, h *upstream.Host) {
			c.User, c.Password = "gw", "${env:X}"
			h.Secret = func(string) (string, error) { return "", errors.New("X is not set") }
		}, "upstream-login"},
		"no client certificate": {secure.URL(), func(c *Config, _ *upstream.Host) { c.CA = secure.Certs.CA }, "upstream-tls"},
		"unknown authority":     {secure.URL(), func(c *Config, _ *upstream.Host) { c.Cert, c.Key = cert, key }, "upstream-tls"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.url, c.change)
			refused(t, r.Deliver(soon(t), r.readings(1, 3)), c.code)
		})
	}
	t.Run("then the right password", func(t *testing.T) {
		secret := "wrong"
		r := newRig(t, plain.URL(), func(c *Config, h *upstream.Host) {
			c.User, c.Password = "gw", "${env:X}"
			h.Secret = func(ref string) (string, error) {
				if ref != "${env:X}" {
					t.Errorf("asked for %q", ref)
				}
				return secret, nil
			}
		})
		refused(t, r.Deliver(soon(t), r.readings(1, 3)), "upstream-login")
		secret = "right"
		r.deliver(t, r.readings(1, 3))
	})
	t.Run("with a certificate", func(t *testing.T) {
		r := newRig(t, secure.URL(), func(c *Config, _ *upstream.Host) { c.CA, c.Cert, c.Key = secure.Certs.CA, cert, key })
		r.deliver(t, r.readings(1, 3))
	})
}

func TestABrokerThatStopsAndStarts(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	r := newRig(t, b.URL(), nil)
	r.deliver(t, r.readings(1, 3))
	for i, end := range []func(){b.Stop, b.Kill} {
		end()
		err := r.Deliver(soon(t), r.readings(4, 3))
		var lost *upstream.Lost
		var no *upstream.Refused
		if err == nil || errors.As(err, &no) {
			t.Fatalf("with the broker gone: %v, want an unknown end", err)
		}
		if err := r.Deliver(soon(t), r.readings(4, 3)); err == nil || errors.As(err, &lost) || errors.As(err, &no) {
			t.Fatalf("nothing listens: %v, want an unknown end that is not Lost", err)
		}
		b.Start()
		r.deliver(t, r.readings(agent.Seq(4+3*i), 3))
	}
}

func TestABrokerKilledUnderABatchIsLost(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	r := newRig(t, b.URL(), nil)
	r.deliver(t, r.readings(1, 3))
	b.Freeze()
	end := make(chan error, 1)
	before := r.written.Load()
	go func() { end <- r.Deliver(t.Context(), r.readings(4, 3)) }()
	peers.Await(t, "the batch on its way", func() bool { return r.written.Load() > before })
	b.Kill()
	var lost *upstream.Lost
	if err := <-end; !errors.As(err, &lost) {
		t.Errorf("error %v, want Lost", err)
	}
}

func TestNoAcknowledgementEndsTheConnection(t *testing.T) {
	var deaf atomic.Bool
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(_, topic string, payload []byte, _ bool) peers.Verdict {
		if deaf.Load() {
			return peers.Ignore
		}
		return peers.Take
	}})
	r := newRig(t, b.URL(), func(c *Config, _ *upstream.Host) { c.Timeout = 150 * time.Millisecond })
	r.deliver(t, r.readings(1, 3))
	deaf.Store(true)
	both := make(chan error, 2)
	for i, kind := range []agent.Kind{agent.KindReadings, agent.KindAlarms} {
		go func() { both <- r.Deliver(t.Context(), r.defs.Batch(kind, agent.Seq(10*i+4), 2)) }()
	}
	for range 2 {
		var lost *upstream.Lost
		var no *upstream.Refused
		if err := <-both; err == nil || errors.As(err, &lost) || errors.As(err, &no) {
			t.Errorf("error %v, want an unknown end that is not Lost", err)
		}
	}
	if !r.conditions.holds("upstream-unacknowledged") {
		t.Error("no condition")
	}
	deaf.Store(false)
	r.deliver(t, r.readings(4, 3))
	if r.conditions.holds("upstream-unacknowledged") {
		t.Error("the condition outlived its cause")
	}
}

func TestABlackHoleIsUnknown(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	p := peers.NewProxy(t, b.Addr())
	p.Hold()
	r := newRig(t, "mqtt://"+p.Addr(), func(c *Config, _ *upstream.Host) { c.Timeout = 100 * time.Millisecond })
	var no *upstream.Refused
	if err := r.Deliver(soon(t), r.readings(1, 3)); err == nil || errors.As(err, &no) {
		t.Errorf("error %v, want an unknown end", err)
	}
	p.Flow()
	// The CONNECT that was held arrives now, and its connection may throw out the next.
	peers.Await(t, "the delivery", func() bool { return r.Deliver(t.Context(), r.readings(1, 3)) == nil })
}

func TestAlarmsPassABatchThatIsNotAcknowledged(t *testing.T) {
	release := make(chan struct{})
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{Publish: func(_, topic string, payload []byte, _ bool) peers.Verdict {
		if strings.HasSuffix(topic, "readings") && !empty(payload) {
			return peers.Ignore
		}
		return peers.Take
	}})
	r := newRig(t, b.URL(), nil)
	ctx := soon(t)
	go func() {
		defer close(release)
		_ = r.Deliver(ctx, r.readings(1, 5000))
	}()
	before := r.written.Load()
	peers.Await(t, "the routine batch on its way", func() bool { return r.written.Load() > before+100_000 })
	r.deliver(t, r.defs.Batch(agent.KindAlarms, 6000, 1))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	<-release
}

func TestTheWillSaysOfflineWithTheConnectionsNumber(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{})
	p := peers.NewProxy(t, b.Addr())
	l := listen(t, mqttconn.Options{URL: b.URL()}, base+"status")
	r := newRig(t, "mqtt://"+p.Addr(), nil)
	var last uint64
	for i := range 3 {
		r.deliver(t, r.readings(agent.Seq(1+i), 1))
		p.Cut()
		peers.Await(t, "the will", func() bool { return len(l.on("status")) == 2*i+2 })
		online, will := statusOf(t, l.on("status")[2*i].Payload), statusOf(t, l.on("status")[2*i+1].Payload)
		if online.State != wire.Online || will.State != wire.Offline || will.Conn != online.Conn || online.Conn <= last {
			t.Fatalf("status %+v, will %+v, last number %d", online, will, last)
		}
		last = online.Conn
		peers.Await(t, "the loss noticed", func() bool { return r.session.conn.Err() != nil })
	}
}

func TestTheHeartbeatRenewsStatusAndChangedInfo(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r := newRig(t, b.URL(), func(c *Config, _ *upstream.Host) { c.Heartbeat = time.Second })
	r.deliver(t, r.readings(1, 1))
	count := func(last string) (n int) {
		for _, m := range b.Messages() {
			if m.Topic == base+last && m.Retain {
				n++
			}
		}
		return n
	}
	if count("status") != 1 || count("info") != 1 {
		t.Fatalf("%d status, %d info at the beginning", count("status"), count("info"))
	}
	r.version.Store(2)
	peers.Await(t, "a heartbeat", func() bool { return count("status") >= 2 && count("info") == 2 })
	b.Kick()
	peers.Await(t, "a connection without a batch", func() bool {
		msgs := b.Messages()
		last := msgs[len(msgs)-1]
		return count("status") >= 3 && !last.Will && batchTopic(last.Topic)
	})
	if n := count("info"); n != 2 {
		t.Errorf("unchanged info was sent again: %d", n)
	}
	r.deliver(t, r.readings(2, 1))
}

func TestTheHeartbeatSparesAByteLimit(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r := newRig(t, b.URL(), func(c *Config, _ *upstream.Host) { c.Heartbeat = time.Second })
	r.deliver(t, r.readings(1, 1))
	statuses := func() (all []wire.Status) {
		for _, m := range b.Messages() {
			if m.Topic == base+"status" {
				all = append(all, statusOf(t, m.Payload))
			}
		}
		return all
	}
	newest := func() wire.Status { all := statuses(); return all[len(all)-1] }
	if s := newest(); s.State != wire.Online || s.EveryS != 1 {
		t.Fatalf("at first %+v", s)
	}

	r.allowance.Store(int32(upstream.Scarce))
	peers.Await(t, "a promise of few", func() bool { return newest().EveryS == 900 })
	if err := r.beat(t.Context()); err != nil { // the broker saw it before we knew that it did
		t.Fatal(err)
	}
	before := len(statuses())
	for range 10 {
		if err := r.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(statuses()); n != before {
		t.Errorf("%d statuses more out of the last tenth", n-before)
	}
	r.deliver(t, r.defs.Batch(agent.KindAlarms, 2, 1))

	r.allowance.Store(int32(upstream.Spent))
	peers.Await(t, "a goodbye", func() bool { return newest().State == wire.Offline })
	if err := r.beat(t.Context()); err != nil { // waits for the goodbye's end
		t.Fatal(err)
	}
	written := r.written.Load()
	for range 10 {
		if err := r.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.written.Load(); n != written {
		t.Errorf("%d bytes more when the limit was used up", n-written)
	}

	r.allowance.Store(int32(upstream.Ample))
	peers.Await(t, "online again", func() bool { s := newest(); return s.State == wire.Online && s.EveryS == 1 })
}

// Info is by far the largest message that carries no record: it waits until the byte limit has
// enough left, unless it has changed.
func TestInfoSparesAByteLimit(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r := newRig(t, b.URL(), func(c *Config, h *upstream.Host) {
		c.Heartbeat = time.Second
		h.Meter.(*rig).allowance.Store(int32(upstream.Scarce))
	})
	seen := func() (infos int, number uint64) {
		for _, m := range b.Messages() {
			switch m.Topic {
			case base + "info":
				infos++
			case base + "status":
				number = max(number, statusOf(t, m.Payload).Conn)
			}
		}
		return infos, number
	}
	infos := func(want int) {
		t.Helper()
		peers.Await(t, "info", func() bool { n, _ := seen(); return n >= want })
		if n, _ := seen(); n != want {
			t.Fatalf("%d infos, want %d", n, want)
		}
	}
	// reconnect returns once batches cross a new connection: what it begins with is done.
	reconnect := func() {
		t.Helper()
		_, was := seen()
		b.Kick()
		peers.Await(t, "a new connection", func() bool {
			err := r.Deliver(t.Context(), r.readings(1, 1))
			_, number := seen()
			return err == nil && number > was
		})
	}
	r.deliver(t, r.readings(1, 1))
	infos(0)
	r.allowance.Store(int32(upstream.Ample))
	infos(1)

	// Long after, on a new connection, with little left.
	r.allowance.Store(int32(upstream.Scarce))
	r.informing.Lock()
	r.info.at -= infoEvery
	r.informing.Unlock()
	reconnect()
	infos(1)
	r.allowance.Store(int32(upstream.Ample))
	infos(2)

	// A change does not wait.
	r.allowance.Store(int32(upstream.Scarce))
	r.version.Store(2)
	reconnect()
	infos(3)
}

func TestWithoutBatchesTheConnectionIsMadeByTheHeartbeat(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	p := peers.NewProxy(t, b.Addr())
	p.Refuse()
	newAt := func(ms int) func(*Config, *upstream.Host) {
		return func(c *Config, _ *upstream.Host) { c.Heartbeat = time.Duration(ms) * time.Millisecond }
	}
	r := newRig(t, "mqtt://"+p.Addr(), newAt(1000))
	peers.Await(t, "the condition", func() bool { return r.conditions.holds("upstream-unreachable") })
	p.Accept()
	peers.Await(t, "online", func() bool { _, ok := b.Retained(base + "status"); return ok })
	peers.Await(t, "the condition's end", func() bool { return !r.conditions.holds("upstream-unreachable") })
}

func TestAnUnencodableRecordIsNamedAndNothingIsSent(t *testing.T) {
	b := peers.StartEmbedded(t, peers.EmbeddedOptions{})
	r := newRig(t, b.URL(), nil)
	batch := r.readings(1, 3)
	batch.Records[1].Reading.Def = 99
	var bad *wire.RecordError
	if err := r.Deliver(t.Context(), batch); !errors.As(err, &bad) || bad.Position.Seq != 2 {
		t.Errorf("error %v, want a RecordError for seq 2", err)
	}
	for _, m := range b.Messages() {
		if batchTopic(m.Topic) && !empty(m.Payload) {
			t.Errorf("sent %s", m.Payload)
		}
	}
	big := upstream.Batch{Kind: agent.KindReadings, Epoch: upstreamtest.Epoch, Records: make([]agent.Record, wire.MaxRecords+1)}
	var large *upstream.TooLarge
	if err := r.Deliver(t.Context(), big); !errors.As(err, &large) {
		t.Errorf("error %v, want TooLarge", err)
	}
}

func TestSettingsAreValidated(t *testing.T) {
	good := *Driver.Config().(*Config)
	good.URL = "mqtts://broker.example"
	if err := good.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for want, change := range map[string]func(*Config){
		"url":             func(c *Config) { c.URL = "http://x" },
		"cert and key":    func(c *Config) { c.Cert = "x" },
		"encoding":        func(c *Config) { c.Encoding = "xml" },
		"echo":            func(c *Config) { c.Echo = "maybe" },
		"heartbeat":       func(c *Config) { c.Heartbeat = 0 },
		"timeout":         func(c *Config) { c.Timeout = 0 },
		"keepalive":       func(c *Config) { c.KeepAlive = time.Millisecond },
		"password needs":  func(c *Config) { c.Password = "x" },
		"url holds":       func(c *Config) { c.URL = "mqtt://u:p@x" },
		"scheme \"wss\":": func(c *Config) { c.URL = "wss://x" },
	} {
		c := good
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if strings.Contains(err.Error(), "mqttconn") {
			t.Errorf("%s: the sentence does not begin with the key: %v", want, err)
		}
	}
}

// TestMosquittoDropsBySizeAndAcknowledges shows why the package's documentation warns of
// message_size_limit: the limit is nothing that a client could notice.
func TestMosquittoDropsBySizeAndAcknowledges(t *testing.T) {
	b := peers.Mosquitto(t, peers.BrokerOptions{Extra: []string{"message_size_limit 2000"}})
	l := listen(t, mqttconn.Options{URL: b.URL()}, base+"readings")
	r := newRig(t, b.URL(), nil)
	r.deliver(t, r.readings(1, 100))
	r.deliver(t, r.readings(101, 1))
	peers.Await(t, "the small batch", func() bool { return len(l.on("readings")) >= 2 })
	if n := len(l.on("readings")); n != 2 {
		t.Errorf("%d messages; if Mosquitto no longer swallows large ones, the documentation can say so", n)
	}
}
