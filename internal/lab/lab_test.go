package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestStatWithParenthesesInTheName(t *testing.T) {
	var u Usage
	text := "4242 (odd) name (x) S 1 4242 4242 0 -1 4194560 900 0 0 0 150 25 0 0 20 0 9 0 123 1 2 3\n"
	if err := parseStat([]byte(text), &u); err != nil || u.CPU != 1750*time.Millisecond {
		t.Errorf("CPU %v, %v; want 1.75s", u.CPU, err)
	}
}

func TestStatus(t *testing.T) {
	var u Usage
	text := "Name:\tfrostline\nVmPeak:\t  99999 kB\nVmRSS:\t   21504 kB\nRssAnon:\t   10240 kB\nRssFile:\t   11264 kB\n"
	if err := parseStatus([]byte(text), &u); err != nil || u.Anon != 10<<20 || u.RSS != 21<<20 {
		t.Errorf("%+v, %v; want 10 and 21 MiB", u, err)
	}
	if err := parseIO([]byte("rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 7\n"), &u); err != nil || u.Written != 4096 {
		t.Errorf("written %d, %v; want 4096", u.Written, err)
	}
}

func TestWhatIsNotProcIsAnError(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "short": "1 (x) S 1", "words": "write_bytes: many\nRssAnon:\n"} {
		var u Usage
		if err := parseStat([]byte(text), &u); !errors.Is(err, ErrProc) {
			t.Errorf("%s as stat: %v", name, err)
		}
		if err := parseIO([]byte(text), &u); !errors.Is(err, ErrProc) {
			t.Errorf("%s as io: %v", name, err)
		}
		if err := parseStatus([]byte(text), &u); !errors.Is(err, ErrProc) {
			t.Errorf("%s as status: %v", name, err)
		}
	}
}

// shell is a program that stands for the binary.
func shell(t *testing.T, script string) *Agent {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh on this system")
	}
	a, err := Start(sh, filepath.Join(t.TempDir(), "log"), "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestEndsOfAProcess(t *testing.T) {
	if err := shell(t, "exec sleep 60").Kill(); err != nil {
		t.Errorf("killed: %v", err)
	}
	a := shell(t, "exit 3")
	<-a.Ended()
	if err := a.Kill(); err == nil {
		t.Error("an agent that ended by itself counts as killed")
	}
	ready := filepath.Join(t.TempDir(), "ready")
	a = shell(t, `trap "exit 0" TERM; touch `+ready+`; while :; do sleep 0.01; done`)
	if err := Await(t.Context(), "the trap", 10*time.Second, time.Millisecond, func() bool {
		_, err := os.Stat(ready)
		return err == nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/self/io"); err == nil {
		if u, err := a.Usage(); err != nil || u.RSS <= 0 {
			t.Errorf("usage %+v, %v", u, err)
		}
	}
	if err := a.Stop(); err != nil {
		t.Errorf("stopped: %v", err)
	}
	if err := shell(t, "exit 1").Stop(); err == nil {
		t.Error("exit code 1 counts as a clean stop")
	}
}
