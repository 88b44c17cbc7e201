package bus

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"periph.io/x/conn/v3/onewire"

	"github.com/frostline/frostline/agent"
)

// faultError is an error with the fault that it means for a reading. Its text is the
// error's alone; errors.As finds the fault and everything in the error's chain.
type faultError struct {
	fault agent.Fault
	err   error
}

func (e *faultError) Error() string   { return e.err.Error() }
func (e *faultError) Unwrap() []error { return []error{e.fault, e.err} }

func faulty(f agent.Fault, err error) error { return &faultError{f, err} }

// errnoFaults says what the kernel's answer to a transaction means. Controllers report a
// missing acknowledge as ENXIO, EREMOTEIO (bcm2835) or EIO, see the kernel's
// Documentation/i2c/fault-codes.rst. The order matters where one text begins like another.
var errnoFaults = []struct {
	errno syscall.Errno
	fault agent.Fault
}{
	{syscall.ENXIO, agent.FaultAbsent},
	{syscall.EREMOTEIO, agent.FaultAbsent},
	{syscall.EIO, agent.FaultAbsent},
	{syscall.ENODEV, agent.FaultAbsent},
	{syscall.ENOENT, agent.FaultAbsent},
	{syscall.ETIMEDOUT, agent.FaultTimeout},
	{syscall.EBADMSG, agent.FaultCRC},
	{syscall.EPROTO, agent.FaultProtocol},
	{syscall.EACCES, agent.FaultOpen},
	{syscall.EPERM, agent.FaultOpen},
}

// classify gives err the fault that it means. An error that has one already keeps it.
// periph's Linux drivers format the kernel's answer into a text and lose the number, so
// where errors.Is finds none the end of the text decides.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var known agent.Fault
	if errors.As(err, &known) {
		return err
	}
	var none onewire.NoDevicesError
	if errors.As(err, &none) && none.NoDevices() {
		return faulty(agent.FaultAbsent, err)
	}
	var short onewire.ShortedBusError
	if errors.As(err, &short) && short.IsShorted() {
		return faulty(agent.FaultShortCircuit, err)
	}
	text := err.Error()
	for _, e := range errnoFaults {
		if errors.Is(err, e.errno) || strings.HasSuffix(text, e.errno.Error()) {
			return faulty(e.fault, err)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return faulty(agent.FaultAbsent, err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return faulty(agent.FaultTimeout, err)
	}
	switch {
	case strings.Contains(text, "CRC error during search"):
		return faulty(agent.FaultCRC, err)
	case strings.Contains(text, "no device present"), strings.Contains(text, "devices disappeared"):
		return faulty(agent.FaultAbsent, err)
	case strings.Contains(text, "timeout waiting"):
		return faulty(agent.FaultTimeout, err)
	}
	return faulty(agent.FaultIO, err)
}

// classifyFile is classify for files of the kernel, where EIO says that the driver
// behind the file failed, not that a device did not acknowledge.
func classifyFile(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.EIO) {
		return faulty(agent.FaultIO, err)
	}
	return classify(err)
}
