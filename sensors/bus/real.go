package bus

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spireg"
	"periph.io/x/host/v3"
	"periph.io/x/host/v3/sysfs"
)

// initHost loads periph's drivers for this machine, once per process, because periph
// keeps them per process. A driver that fails leaves the others alone; its reason is
// part of the error of a bus that is then not found.
var initHost = sync.OnceValue(func() []driverreg.DriverFailure {
	state, err := host.Init()
	if err != nil {
		return []driverreg.DriverFailure{{Err: err}}
	}
	return state.Failed
})

// openI2C opens "i2c-1" or "/dev/i2c-1", or a bus as periph names it. A bus that
// appeared after periph looked is opened by its number.
func openI2C(name string) (i2c.Bus, error) {
	initHost()
	var n int
	if scan(name, "i2c-%d", &n) {
		path := fmt.Sprintf("/dev/i2c-%d", n)
		if err := device(path, "i2c", "/dev/i2c-*", "enable the bus (on a Raspberry Pi: dtparam=i2c_arm=on) and load i2c-dev"); err != nil {
			return nil, err
		}
		return sysfs.NewI2C(n)
	}
	for _, r := range i2creg.All() {
		if r.Name == name || slices.Contains(r.Aliases, name) {
			return r.Open()
		}
	}
	return nil, notFound(errors.New("no I²C bus of that name"), names("/dev/i2c-*"))
}

// openSPI opens "spi0.0" or "/dev/spidev0.0", or a port as periph names it.
func openSPI(name string) (spi.Port, error) {
	initHost()
	var b, cs int
	if scan(name, "spi%d.%d", &b, &cs) || scan(name, "spidev%d.%d", &b, &cs) {
		path := fmt.Sprintf("/dev/spidev%d.%d", b, cs)
		if err := device(path, "spi", "/dev/spidev*", "enable the port (on a Raspberry Pi: dtparam=spi=on)"); err != nil {
			return nil, err
		}
		return sysfs.NewSPI(b, cs)
	}
	for _, r := range spireg.All() {
		if r.Name == name || slices.Contains(r.Aliases, name) {
			return r.Open()
		}
	}
	return nil, notFound(errors.New("no SPI port of that name"), names("/dev/spidev*"))
}

// openOneWire opens a master of the kernel by periph's name, OneWire1.
func openOneWire(name string) (onewire.Bus, error) {
	failed := initHost()
	var there []string
	for _, r := range onewirereg.All() {
		if r.Name == name || slices.Contains(r.Aliases, name) {
			return r.Open()
		}
		there = append(there, append([]string{r.Name}, r.Aliases...)...)
	}
	return nil, withReasons(notFound(errors.New("no 1-Wire master of that name"), there), failed, "onewire")
}

// openW1 opens a directory by its path; any other name is the kernel's directory.
func openW1(name string) (fs.FS, error) {
	dir := W1Dir
	if filepath.IsAbs(name) {
		dir = name
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("%w; load the 1-Wire driver (on a Raspberry Pi: dtoverlay=w1-gpio)", err)
	}
	return SysW1(dir), nil
}

// openPin finds a GPIO line by its name.
func openPin(name string) (gpio.PinIO, error) {
	failed := initHost()
	if p := gpioreg.ByName(name); p != nil {
		return p, nil
	}
	for _, chip := range glob("/dev/gpiochip*") {
		if errors.Is(access(chip), syscall.EACCES) {
			return nil, fmt.Errorf("no GPIO line of that name: %s", mayNot(chip, "gpio"))
		}
	}
	var there []string
	for _, p := range gpioreg.All() {
		there = append(there, p.Name())
	}
	return nil, withReasons(notFound(errors.New("no GPIO line of that name"), there), failed, "gpio")
}

// openSerial opens a serial device by its path, in raw mode, 8N1.
func openSerial(path string, baud int) (io.ReadWriteCloser, error) {
	if err := device(path, "dialout", "/dev/serial/by-id/*", "check the cable"); err != nil {
		return nil, err
	}
	return serial.Open(path, &serial.Mode{BaudRate: baud})
}

// scan reports whether name, without a leading /dev/, is exactly what format makes of
// the numbers that it reads.
func scan(name, format string, numbers ...any) bool {
	base := strings.TrimPrefix(name, "/dev/")
	if n, err := fmt.Sscanf(base, format, numbers...); err != nil || n != len(numbers) {
		return false
	}
	values := make([]any, len(numbers))
	for i, p := range numbers {
		values[i] = *p.(*int)
	}
	return fmt.Sprintf(format, values...) == base
}

// device says in one sentence why a device file cannot be used.
func device(path, group, others, hint string) error {
	err := access(path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w", mayNot(path, group), err)
	case errors.Is(err, fs.ErrNotExist):
		return notFound(fmt.Errorf("%s: %w; %s", path, err, hint), names(others))
	}
	return fmt.Errorf("%s: %w", path, err)
}

func access(path string) error { return unix.Access(path, unix.R_OK|unix.W_OK) }

func mayNot(path, group string) string {
	return fmt.Sprintf("this user may not use %s, add it to group %s", path, group)
}

// notFound adds what there is instead.
func notFound(err error, there []string) error {
	if len(there) == 0 {
		return fmt.Errorf("%w; there is none on this machine", err)
	}
	slices.Sort(there)
	const most = 12
	if len(there) > most {
		there = append(there[:most:most], "…")
	}
	return fmt.Errorf("%w; there is %s", err, strings.Join(there, ", "))
}

// withReasons adds why periph's drivers of that kind failed.
func withReasons(err error, failed []driverreg.DriverFailure, kind string) error {
	for _, f := range failed {
		if f.D == nil || strings.Contains(f.D.String(), kind) {
			err = fmt.Errorf("%w; %w", err, f.Err)
		}
	}
	return err
}

func glob(pattern string) []string {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil // only a malformed pattern, and ours are constants
	}
	return found
}

func names(pattern string) []string {
	found := glob(pattern)
	for i, f := range found {
		if strings.Count(f, "/") == 2 {
			found[i] = filepath.Base(f)
		}
	}
	return found
}
