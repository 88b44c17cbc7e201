package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// W1Dir is where Linux shows its 1-Wire devices.
const W1Dir = "/sys/bus/w1/devices"

// W1 is the directory of the kernel's 1-Wire devices, one folder for each
// (28-0316a2791a01) and one for each master (w1_bus_master1). A read of a file there runs
// a transaction and may take most of a second. All methods are safe for concurrent use.
type W1 struct {
	w   *worker
	raw fs.FS
}

// WriteFileFS is a W1 directory whose files can be written, as some of the kernel's can.
type WriteFileFS interface {
	fs.FS
	WriteFile(name string, data []byte) error
}

// NewW1 wraps a directory: SysW1(W1Dir), or another file system with the same files. now
// is monotonic time.
func NewW1(name string, raw fs.FS, now func() time.Duration) *W1 {
	return &W1{w: newWorker(name, now, closerOf(raw)), raw: raw}
}

// ReadFile reads a file below the directory, for example 28-0316a2791a01/temperature.
// A file that is not there is agent.FaultAbsent.
func (d *W1) ReadFile(ctx context.Context, name string) ([]byte, error) {
	text := make(chan []byte, 1)
	err := d.w.do(ctx, func() error {
		b, err := fs.ReadFile(d.raw, name)
		if err != nil {
			return fmt.Errorf("bus %s: %w", d.w.name, classifyFile(err))
		}
		text <- b
		return nil
	})
	if err != nil {
		return nil, err
	}
	return <-text, nil
}

// WriteFile writes a file below the directory, for example "trigger\n" to
// w1_bus_master1/therm_bulk_read, which starts all conversions of that master at once.
func (d *W1) WriteFile(ctx context.Context, name string, data []byte) error {
	out := append([]byte(nil), data...)
	return d.w.do(ctx, func() error {
		err := writeFile(d.raw, name, out)
		if err != nil {
			return fmt.Errorf("bus %s: %w", d.w.name, classifyFile(err))
		}
		return nil
	})
}

func writeFile(raw fs.FS, name string, data []byte) error {
	w, ok := raw.(WriteFileFS)
	if !ok {
		return &fs.PathError{Op: "write", Path: name, Err: errors.ErrUnsupported}
	}
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrInvalid}
	}
	return w.WriteFile(name, data)
}

// List returns the names in the directory, sorted: devices and masters. A directory that
// is not there (the w1 module is not loaded) is agent.FaultAbsent.
func (d *W1) List(ctx context.Context) ([]string, error) {
	names := make(chan []string, 1)
	err := d.w.do(ctx, func() error {
		entries, err := fs.ReadDir(d.raw, ".")
		if err != nil {
			return fmt.Errorf("bus %s: %w", d.w.name, classifyFile(err))
		}
		all := make([]string, len(entries))
		for i, e := range entries {
			all[i] = e.Name()
		}
		names <- all
		return nil
	})
	if err != nil {
		return nil, err
	}
	return <-names, nil
}

// String is the bus's name.
func (d *W1) String() string { return d.w.name }

// Stuck returns a *StuckError while a read hangs, nil otherwise.
func (d *W1) Stuck() error { return d.w.Stuck() }

// Close is as that of I2C.
func (d *W1) Close() error { return d.w.close() }

// SysW1 is a directory of the operating system, read and written in place.
func SysW1(dir string) WriteFileFS { return sysDir{os.DirFS(dir), dir} }

type sysDir struct {
	fs.FS
	dir string
}

// WriteFile writes an existing file; it creates none.
func (d sysDir) WriteFile(name string, data []byte) error {
	f, err := os.OpenFile(filepath.Join(d.dir, filepath.FromSlash(name)), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
