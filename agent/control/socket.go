package control

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// runtimeDir is what systemd's RuntimeDirectory=frostline is outside of the service.
const runtimeDir = "/run/frostline"

// socketIn makes a socket at path, in the place of one that nobody answers on any more.
func socketIn(path string, listen func(network, address string) (net.Listener, error), log *slog.Logger) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("control: remove the old socket: %w", err)
	}
	l, err := listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: listen: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, fmt.Errorf("control: socket mode: %w", errors.Join(err, l.Close()))
	}
	if g, err := user.LookupGroup("frostline"); err == nil {
		gid, _ := strconv.Atoi(g.Gid)
		if err := os.Chown(path, -1, gid); err != nil {
			log.Warn("control socket keeps its group", slog.Any("err", err))
		}
	}
	return l, nil
}

// takesNoFiles reports whether err is that of a file system that is read-only or full.
func takesNoFiles(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// spareName is the socket's file name in a directory that is not the store's: agents of
// different stores have different ones.
func spareName(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("control: %w", err)
	}
	return fmt.Sprintf("control-%08x.sock", crc32.ChecksumIEEE([]byte(abs))), nil
}

// serviceDir is the first directory of $RUNTIME_DIRECTORY; empty if systemd gave none.
func serviceDir() string {
	first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	return first
}

// sparePaths are where a client looks for the socket of an agent whose store cannot hold it.
func sparePaths(dir string) []string {
	name, err := spareName(dir)
	if err != nil {
		return nil
	}
	paths := []string{filepath.Join(cmp.Or(serviceDir(), runtimeDir), name)}
	if usual := filepath.Join(runtimeDir, name); usual != paths[0] {
		paths = append(paths, usual)
	}
	return paths
}
