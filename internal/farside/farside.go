// Package farside is what connections to far sides share: counting bytes, TLS from files,
// and telling what went wrong with a connection.
package farside

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// Meter counts the bytes on a socket. Safe for use by several goroutines.
type Meter interface {
	Add(read, written int)
}

// Metered counts what crosses c. A nil meter counts nothing.
func Metered(c net.Conn, m Meter) net.Conn {
	if m == nil {
		return c
	}
	return &metered{Conn: c, meter: m}
}

type metered struct {
	net.Conn
	meter Meter
}

// Read implements net.Conn.
func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.meter.Add(n, 0)
	return n, err
}

// Write implements net.Conn.
func (m *metered) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.meter.Add(0, n)
	return n, err
}

// TLS is what a TLS connection needs, as files in PEM.
type TLS struct {
	CA         string // authorities to trust; empty: the system's
	Cert, Key  string // our certificate, read anew at each handshake; empty: none
	ServerName string // name in the far side's certificate; empty: as dialed
}

// Config reads the files, for TLS 1.2 or newer. A certificate of ours is read again at
// each handshake, so that a renewed one is taken without a restart.
func (t TLS) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read ca: %s: no certificate in it", t.CA)
		}
	}
	if t.Cert == "" {
		return c, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read cert and key: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return c, nil
}

// IsTLS tells a refused certificate or handshake from a network that failed.
func IsTLS(err error) bool {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
		roots     x509.SystemRootsError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		remote    *net.OpError
	)
	switch {
	case errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &host), errors.As(err, &roots),
		errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert):
		return true
	}
	// An alert that the other side sent arrives as "remote error: tls: …".
	return errors.As(err, &remote) && remote.Op == "remote error"
}

// Unreachable says that no connection could be made. It hides its cause from errors.Is:
// a dial that ran into its deadline is not a far side that did not acknowledge in time.
type Unreachable struct{ Err error }

// Error is the cause in plain words.
func (u *Unreachable) Error() string { return Plain(u.Err) }
