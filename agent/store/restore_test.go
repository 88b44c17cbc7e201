package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/frostline/frostline/agent"
)

// TestRestoreOverAStoreThatEndedUnclean: the old store's WAL is still there when the backup is
// put in its place, long and short; it is set aside, and nothing of it gets into the copy.
func TestRestoreOverAStoreThatEndedUnclean(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int{"a long WAL": 200, "a short one": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.Define([]agent.Definition{definition(0)})
			for range 100 {
				r.put(readings(r.clock.Now(), 20, 0)...)
			}
			file := filepath.Join(t.TempDir(), "backup.db")
			if err := r.Backup(context.Background(), file); err != nil {
				t.Fatal(err)
			}
			copied := r.Head()
			for range after {
				r.put(readings(r.clock.Now(), 20, 0)...)
			}
			dir := filepath.Join(t.TempDir(), "store")
			if err := os.MkdirAll(dir, 0o750); err != nil {
				t.Fatal(err)
			}
			// As a power cut leaves it: the files of the running store, with their WAL.
			take(t, filepath.Join(r.opt.Dir, fileName+"-wal"), filepath.Join(dir, fileName+"-wal"))
			take(t, filepath.Join(r.opt.Dir, fileName+"-shm"), filepath.Join(dir, fileName+"-shm"))
			take(t, file, filepath.Join(dir, fileName))
			if rep, err := Check(context.Background(), dir); err != nil || !rep.OK {
				t.Errorf("check of a copy beside a foreign WAL: %+v %v", rep, err)
			}
			o := r.opt
			o.Dir, o.Conditions = dir, newConditions()
			r2 := start(t, o, r.clock)
			r2.put(readings(r.clock.Now(), 1, 0)...)
			all := r2.all()
			contiguous(t, all)
			e := epochs(all)
			if len(e) != 2 || e[1].Reason != "restored" || e[1].Previous != copied.Epoch || e[1].LastSeq != copied.Seq {
				t.Errorf("epochs %+v, the copy ended at %v", e, copied)
			}
			aside, err := filepath.Glob(filepath.Join(dir, fileName+".before-restore-*-wal"))
			if err != nil || len(aside) != 1 {
				t.Errorf("set aside: %v %v", aside, err)
			}
			if err := r2.stop(); err != nil {
				t.Fatal(err)
			}
			if is, err := isCopy(filepath.Join(dir, fileName)); err != nil || is {
				t.Errorf("still marked as a copy: %v %v", is, err)
			}
			if rep, err := Check(context.Background(), dir); err != nil || !rep.OK {
				t.Errorf("check: %+v %v", rep, err)
			}
		})
	}
}

func take(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o640); err != nil {
		t.Fatal(err)
	}
}
