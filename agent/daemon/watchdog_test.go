package daemon

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

// systemd is the other end of the notify socket.
type systemd struct{ conn *net.UnixConn }

func newSystemd(t *testing.T, watchdog time.Duration) *systemd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(watchdog.Microseconds(), 10))
	t.Setenv("WATCHDOG_PID", "")
	return &systemd{conn}
}

// hears reports whether the word comes within d.
func (s *systemd) hears(t *testing.T, word string, d time.Duration) bool {
	t.Helper()
	timer := time.AfterFunc(d, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) }) // long ago: at once
	defer func() {
		timer.Stop()
		_ = s.conn.SetReadDeadline(time.Time{})
	}()
	buf := make([]byte, 256)
	for {
		n, err := s.conn.Read(buf)
		if err != nil {
			return false
		}
		if strings.Contains(string(buf[:n]), word) {
			return true
		}
	}
}

// forget drops what was said until now.
func (s *systemd) forget(t *testing.T) {
	t.Helper()
	for s.hears(t, "", 20*time.Millisecond) {
	}
}

// The watchdog is fed while every lane produces values or declared failures, and not while one
// hangs; a disk that is sick and declared so never feeds a restart loop.
func TestTheWatchdogIsFedWhileTheAgentDoesItsWork(t *testing.T) {
	sd := newSystemd(t, 300*time.Millisecond)
	r, disk := newRig(t), &sickDisk{}
	r.fault = disk.fault
	r.start(twoRooms)
	if !sd.hears(t, "READY=1", patience) {
		t.Fatal("not ready")
	}
	r.measured(2)
	if !sd.hears(t, "WATCHDOG=1", patience) {
		t.Fatal("not fed while everything works")
	}

	for _, sick := range []struct {
		name, code string
		sicken     func()
	}{
		{"refuses", "store-failing", func() { disk.refuse("begin", sqlite3.Error{Code: sqlite3.ErrIoErr}) }},
		{"hangs", "store-hanging", func() { disk.freeze("begin") }},
	} {
		sick.sicken()
		r.tick(10*time.Second, 2)
		r.shown(sick.code, "store")
		r.tick(time.Minute, 2)
		sd.forget(t)
		if !sd.hears(t, "WATCHDOG=1", patience) {
			t.Errorf("not fed while the disk %s and says so", sick.name)
		}
		disk.heal()
		r.gone(sick.code, "store")
	}

	release := make(chan struct{})
	r.dial("b").hold(release)
	r.tick(10*time.Second, 1)
	r.tick(time.Minute, 1)
	sd.forget(t)
	if sd.hears(t, "WATCHDOG=1", time.Second) {
		t.Error("fed while a lane hangs")
	}
	r.dial("b").hold(nil)
	close(release)
	r.tick(10*time.Second, 1)
	if !sd.hears(t, "WATCHDOG=1", patience) {
		t.Error("not fed after the lane works again")
	}
	r.stop()
	if !sd.hears(t, "STOPPING=1", patience) {
		t.Error("systemd is not told of the stop")
	}
}
