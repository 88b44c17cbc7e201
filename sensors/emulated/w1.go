package emulated

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/frostline/frostline/sensors/emulated/chip"
)

// master is the folder of the one 1-Wire master of a kernel directory.
const master = "w1_bus_master1"

// w1Dir is the kernel's directory of 1-Wire devices, with the files that thermometers and
// masters have there. A device that is unplugged has no folder.
type w1Dir struct {
	gate
	devices map[string]*chip.DS18B20 // by folder
}

// Open opens a file or the directory itself.
func (d *w1Dir) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f := &file{info: info{name: path.Base(name)}}
	err := d.use(func() (err error) {
		folder, base, inside := strings.Cut(name, "/")
		switch {
		case name == ".":
			f.info.dir, f.entries = true, d.folders()
		case folder == master:
			f.info.dir = !inside
			f.text, err = d.ofMaster(base, inside)
		default:
			f.info.dir = !inside
			f.text, err = d.ofDevice(folder, base, inside)
		}
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f.Reader = bytes.NewReader(f.text)
	return f, nil
}

// WriteFile takes the command that starts all conversions; it needs none here.
func (d *w1Dir) WriteFile(name string, data []byte) error {
	return d.use(func() error {
		if name != master+"/therm_bulk_read" {
			return &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission}
		}
		if strings.TrimSpace(string(data)) != "trigger" {
			return &fs.PathError{Op: "write", Path: name, Err: syscall.EINVAL}
		}
		return nil
	})
}

// folders lists what is plugged in, sorted. It needs the gate's mu.
func (d *w1Dir) folders() []fs.DirEntry {
	all := []string{master}
	for name, dev := range d.devices {
		if dev.Reset() {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	entries := make([]fs.DirEntry, len(all))
	for i, name := range all {
		entries[i] = fs.FileInfoToDirEntry(info{name: name, dir: true})
	}
	return entries
}

func (d *w1Dir) ofMaster(base string, inside bool) ([]byte, error) {
	if !inside {
		return nil, nil
	}
	switch base {
	case "therm_bulk_read":
		return []byte("1\n"), nil // all have finished
	case "w1_master_slaves":
		var b []byte
		for _, e := range d.folders() {
			if e.Name() != master {
				b = append(append(b, e.Name()...), '\n')
			}
		}
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func (d *w1Dir) ofDevice(folder, base string, inside bool) ([]byte, error) {
	dev, ok := d.devices[folder]
	if !ok || !dev.Reset() {
		return nil, fs.ErrNotExist
	}
	if !inside {
		return nil, nil
	}
	switch base {
	case "name":
		return []byte(folder + "\n"), nil
	case "w1_slave", "temperature":
	default:
		return nil, fs.ErrNotExist
	}
	text, ok := dev.W1Slave()
	if !ok {
		return nil, fs.ErrNotExist
	}
	if base == "w1_slave" {
		return text, nil
	}
	_, milli, found := bytes.Cut(text, []byte("t="))
	if !found || !bytes.Contains(text, []byte("YES")) {
		return nil, syscall.EIO // as w1_therm does for a wrong checksum
	}
	return milli, nil
}

// file is an open file or folder.
type file struct {
	*bytes.Reader
	info    info
	text    []byte
	entries []fs.DirEntry
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.info.dir {
		return nil, &fs.PathError{Op: "readdir", Path: f.info.name, Err: syscall.ENOTDIR}
	}
	if n <= 0 {
		rest := f.entries
		f.entries = nil
		return rest, nil
	}
	if len(f.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.entries))
	part := f.entries[:n]
	f.entries = f.entries[n:]
	return part, nil
}

// info describes a file. Sizes are 0, as the kernel's are no help either.
type info struct {
	name string
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return 0 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

var _ fs.ReadDirFile = (*file)(nil)
