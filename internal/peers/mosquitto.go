package peers

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Broker is a real Mosquitto. Its methods are called by one goroutine, in a test by the test's.
type Broker struct {
	Port  int
	Dir   string // its own: configuration, ACL, certificates
	Certs *Certs // nil without TLS

	p *process
}

// BrokerOptions says how a broker is set up; the zero value is an open one without TLS.
type BrokerOptions struct {
	Users      map[string]string // name → password; none: anybody may log in
	ACL        string            // text of an acl_file; empty: everybody may do everything
	TLS        bool              // a listener with a generated certificate for localhost and 127.0.0.1
	ClientCert bool              // with TLS: clients need a certificate of the same CA; its common name is the user name
	Extra      []string          // further lines of mosquitto.conf
	ConfigFile string            // in place of all of the above: this file, as it is; Port must be what it listens on
	Port       int               // 0: a free one
	Certs      *Certs            // generated if nil and TLS is on
}

// mosquittoCached is where `make peers` may have put it, below .cache.
var mosquittoCached = []string{
	"mosquitto/usr/sbin/mosquitto", "mosquitto/sbin/mosquitto", "mosquitto/mosquitto", "bin/mosquitto",
}

// RunMosquitto starts an open broker outside of a test. Its files are in dir; extra are
// further lines of mosquitto.conf. The caller ends it with Stop; Start must not be called,
// Launch does the same with an error.
func RunMosquitto(dir string, extra ...string) (*Broker, error) {
	path, err := locate("mosquitto", "FROSTLINE_MOSQUITTO", mosquittoCached...)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	b := &Broker{Port: port, Dir: dir}
	lines := append(b.basics(), "log_type error", "log_type warning", "allow_anonymous true")
	config := filepath.Join(dir, "mosquitto.conf")
	text := strings.Join(append(lines, extra...), "\n") + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("peers: set up mosquitto: %w", err)
	}
	b.p = &process{name: "mosquitto", path: path, args: []string{"-c", config}, log: &logBuffer{}}
	return b, b.Launch()
}

// Mosquitto starts a broker on 127.0.0.1 and stops it when the test ends.
func Mosquitto(t testing.TB, o BrokerOptions) *Broker {
	t.Helper()
	path := find(t, "mosquitto", "FROSTLINE_MOSQUITTO", mosquittoCached...)
	b := &Broker{Port: o.Port, Dir: t.TempDir(), Certs: o.Certs}
	if b.Port == 0 {
		b.Port = FreePort(t)
	}
	config := o.ConfigFile
	if config == "" {
		config = b.configure(t, o)
	}
	b.p = &process{t: t, name: "mosquitto", path: path, args: []string{"-c", config}, log: &logBuffer{}}
	t.Cleanup(b.Stop)
	b.Start()
	return b
}

// configure writes mosquitto.conf and what it names, and returns its path.
func (b *Broker) configure(t testing.TB, o BrokerOptions) string {
	t.Helper()
	var conf strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&conf, format+"\n", args...) }
	for _, basic := range b.basics() {
		line("%s", basic)
	}
	line("log_type all")
	line("allow_anonymous %t", len(o.Users) == 0 || o.ClientCert)
	if len(o.Users) > 0 {
		line("password_file %s", b.write(t, "passwords", PasswordFile(t, o.Users)))
	}
	if o.ACL != "" {
		line("acl_file %s", b.write(t, "acl", o.ACL))
	}
	if o.TLS {
		if b.Certs == nil {
			b.Certs = NewCerts(t, b.Dir)
		}
		line("cafile %s", b.Certs.CA)
		line("certfile %s", b.Certs.ServerCert)
		line("keyfile %s", b.Certs.ServerKey)
		if o.ClientCert {
			line("require_certificate true")
			line("use_identity_as_username true")
		}
	}
	for _, extra := range o.Extra {
		line("%s", extra)
	}
	return b.write(t, "mosquitto.conf", conf.String())
}

// basics are the lines of mosquitto.conf that every broker has.
func (b *Broker) basics() []string {
	lines := []string{fmt.Sprintf("listener %d 127.0.0.1", b.Port), "log_dest stderr"}
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		lines = append(lines, "user root") // else it gives up root and with it its directory
	}
	return lines
}

func (b *Broker) write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(b.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("peers: set up mosquitto: %v", err)
	}
	return path
}

// Start runs the broker again on the same port after Stop or Kill.
func (b *Broker) Start() {
	b.p.t.Helper()
	b.p.start(b.answers)
}

// Launch is Start outside of a test.
func (b *Broker) Launch() error { return b.p.launch(b.answers) }

// Running reports whether the broker was started and not ended since.
func (b *Broker) Running() bool { return b.p.cmd != nil }

func (b *Broker) answers() error {
	c, err := net.DialTimeout("tcp", b.Addr(), time.Second)
	if err != nil {
		return fmt.Errorf("peers: reach mosquitto: %w", err)
	}
	return c.Close()
}

// Stop ends the broker politely. Stopping a stopped one does nothing.
func (b *Broker) Stop() { b.p.end(syscall.SIGTERM) }

// Kill ends the broker with SIGKILL.
func (b *Broker) Kill() { b.p.end(syscall.SIGKILL) }

// Freeze stops the process with its connections open; Thaw lets it go on.
func (b *Broker) Freeze() { b.p.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (b *Broker) Thaw() { b.p.signal(syscall.SIGCONT) }

// Addr is "127.0.0.1:<port>".
func (b *Broker) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.Port)) }

// URL is mqtt:// or mqtts:// and the address.
func (b *Broker) URL() string {
	if b.Certs != nil {
		return "mqtts://" + b.Addr()
	}
	return "mqtt://" + b.Addr()
}

// Log is everything the broker has written so far, over all its lives.
func (b *Broker) Log() string { return b.p.log.String() }

// PasswordFile is the text of a Mosquitto password_file for these users, as
// mosquitto_passwd writes it: "name:$7$<iterations>$<salt>$<PBKDF2-HMAC-SHA512>", or
// the older salted "$6$", which every version reads and which this writes.
func PasswordFile(t testing.TB, users map[string]string) string {
	t.Helper()
	var text strings.Builder
	for name, password := range users {
		salt := make([]byte, 12)
		if _, err := rand.Read(salt); err != nil {
			t.Fatalf("peers: password file: %v", err)
		}
		sum := sha512.Sum512(append([]byte(password), salt...))
		fmt.Fprintf(&text, "%s:$6$%s$%s\n", name,
			base64.StdEncoding.EncodeToString(salt), base64.StdEncoding.EncodeToString(sum[:]))
	}
	return text.String()
}
