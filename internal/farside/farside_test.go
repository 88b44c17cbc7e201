package farside

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type counter struct{ read, written atomic.Int64 }

func (c *counter) Add(read, written int) { c.read.Add(int64(read)); c.written.Add(int64(written)) }

func TestMetered(t *testing.T) {
	near, far := net.Pipe()
	var c counter
	m := Metered(near, &c)
	go func() {
		buf := make([]byte, 5)
		_, _ = io.ReadFull(far, buf)
		_, _ = far.Write([]byte("abc"))
		_ = far.Close()
	}()
	if _, err := m.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(m)
	if err != nil || string(got) != "abc" {
		t.Fatalf("read %q, %v", got, err)
	}
	if c.read.Load() != 3 || c.written.Load() != 5 {
		t.Errorf("counted %d in, %d out", c.read.Load(), c.written.Load())
	}
	if Metered(near, nil) != near {
		t.Error("a nil meter wraps")
	}
}

func TestTLSFilesAreChecked(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]TLS{
		"no such ca": {CA: empty + ".gone"}, "an empty ca": {CA: empty}, "no such cert": {Cert: empty + ".gone", Key: empty}, "an empty cert": {Cert: empty, Key: empty},
	} {
		if _, err := files.Config(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	c, err := TLS{ServerName: "x"}.Config()
	if err != nil || c.ServerName != "x" || c.MinVersion != tls.VersionTLS12 || c.InsecureSkipVerify {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestUnreachableHidesItsCause(t *testing.T) {
	err := fmt.Errorf("deliver: %w", &Unreachable{Err: fmt.Errorf("dial: %w", context.DeadlineExceeded)})
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("a dial's deadline passes for a missing answer")
	}
	if text := err.Error(); !strings.HasPrefix(text, "deliver: no answer in time: check ") || !strings.HasSuffix(text, " (dial: context deadline exceeded)") {
		t.Errorf("text %q", text)
	}
}

type conditions map[string]string

func (c conditions) Raise(code, detail string) { c[code] = detail }
func (c conditions) Clear(code string)         { delete(c, code) }

func TestWhatIsWaitedForTooLongIsShownAndCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		holds := conditions{}
		troubles := Troubles{To: holds}
		troubles.Expect("quick", "nothing")()
		slow := troubles.Expect("slow", "no answer")
		<-time.After(ShownWithin + time.Millisecond) // the bubble's time, not the machine's
		synctest.Wait()
		if holds["slow"] != "no answer for 4s" || len(holds) != 1 {
			t.Errorf("conditions %v", holds)
		}
		slow()
		troubles.Raise("other", "x")
		troubles.Clear()
		if len(holds) != 0 {
			t.Errorf("left: %v", holds)
		}
	})
}
