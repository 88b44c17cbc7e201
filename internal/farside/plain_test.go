package farside

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The usual troubles of a connection say what happened, what to look at, and the error itself.
func TestPlainWords(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	call := func(n syscall.Errno) error { return dial(os.NewSyscallError("connect", n)) }
	verify := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"refused":      {call(syscall.ECONNREFUSED), "nothing listens there: check host and port"},
		"no route":     {call(syscall.EHOSTUNREACH), "there is no way to that address: check cable"},
		"no network":   {call(syscall.ENETUNREACH), "there is no way to that address: check cable"},
		"no such host": {dial(&net.DNSError{Err: "no such host", Name: "brokr.example", IsNotFound: true}), "nobody knows the name brokr.example: check the url"},
		"no resolver":  {dial(&net.DNSError{Err: "i/o timeout", Name: "broker.example", IsTimeout: true}), "the name broker.example cannot be looked up: check"},
		"eof":          {io.EOF, "the other side hung up: check"},
		"reset":        {call(syscall.ECONNRESET), "the other side hung up: check"},
		"timeout":      {call(syscall.ETIMEDOUT), "no answer in time: check"},
		"deadline":     {context.DeadlineExceeded, "no answer in time: check"},
		"i/o timeout":  {dial(os.ErrDeadlineExceeded), "no answer in time: check"},
		"authority":    {verify(x509.UnknownAuthorityError{}), "the other side's certificate is from an authority that is not trusted here: give"},
		"expired":      {verify(x509.CertificateInvalidError{Reason: x509.Expired}), "the other side's certificate is not valid at this time: check its dates"},
		"other name":   {verify(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}), "the other side's certificate is for another name: check"},
		"no tls there": {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "the other side does not speak TLS on that port: check"},
		"their alert":  {&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "the two sides do not accept each other's certificate or TLS version: check"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fmt.Errorf("mqttconn: connect: %w", c.err)
			got := Plain(err)
			if !strings.HasPrefix(got, c.want) || !strings.HasSuffix(got, " ("+err.Error()+")") {
				t.Errorf("got %q", got)
			}
		})
	}
	if got := Plain(errors.New("something else")); got != "something else" {
		t.Errorf("an unknown error becomes %q", got)
	}
}
