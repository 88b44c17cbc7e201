package farside

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Plain is an error of a connection in words for who has to mend it: what happened, what to
// look at, and in brackets the error itself. An error that it does not know stays as it is.
func Plain(err error) string {
	words := plain(err)
	if words == "" {
		return err.Error()
	}
	return words + " (" + err.Error() + ")"
}

func plain(err error) string {
	if words := plainTLS(err); words != "" {
		return words
	}
	var name *net.DNSError
	var slow net.Error
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "nobody knows the name " + name.Name + ": check the url, and the name server of this network"
	case errors.As(err, &name):
		return "the name " + name.Name + " cannot be looked up: check that this gateway has a network and a name server"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check host and port of the url, and that the other side runs"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETDOWN):
		return "there is no way to that address: check cable, modem and network of this gateway"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the other side hung up: check that it runs, and that the url has the right port and scheme"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT),
		errors.As(err, &slow) && slow.Timeout():
		return "no answer in time: check the network, the url, and whether a firewall is in the way"
	}
	return ""
}

func plainTLS(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "the other side's certificate is from an authority that is not trusted here: give that authority's certificate as ca"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the other side's certificate is not valid at this time: check its dates, and this gateway's clock"
	case errors.As(err, &host):
		return "the other side's certificate is for another name: check the host in the url"
	case errors.As(err, &record):
		return "the other side does not speak TLS on that port: check scheme and port of the url"
	case IsTLS(err):
		return "the two sides do not accept each other's certificate or TLS version: check ca, cert and key"
	}
	return ""
}
