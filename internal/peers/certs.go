package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs is a certificate authority with a server certificate for localhost and
// 127.0.0.1, as PEM files.
type Certs struct {
	Dir                   string
	CA                    string
	ServerCert, ServerKey string

	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// The certificates are valid for all of a test machine's life, whatever its clock says.
var (
	validFrom = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	validTo   = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
)

// NewCerts makes an authority and a server certificate in dir.
func NewCerts(t testing.TB, dir string) *Certs {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("peers: make a CA: %v", err)
	}
	c := &Certs{Dir: dir, key: key, serial: 1}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(c.serial), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: validFrom, NotAfter: validTo,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatalf("peers: make a CA: %v", err)
	}
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatalf("peers: make a CA: %v", err)
	}
	c.CA = c.write(t, "ca.pem", "CERTIFICATE", der)
	c.ServerCert, c.ServerKey = c.issue(t, "server", &x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   validFrom, NotAfter: validTo,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return c
}

// Client issues a client certificate with this common name and returns the paths of
// the certificate and its key.
func (c *Certs) Client(t testing.TB, commonName string) (cert, key string) {
	t.Helper()
	return c.issue(t, "client-"+filepath.Base(commonName), clientTemplate(commonName, validTo))
}

// ExpiredClient is Client with a certificate that expired long ago.
func (c *Certs) ExpiredClient(t testing.TB, commonName string) (cert, key string) {
	t.Helper()
	return c.issue(t, "expired-"+filepath.Base(commonName),
		clientTemplate(commonName, validFrom.AddDate(1, 0, 0)))
}

func clientTemplate(commonName string, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName},
		NotBefore: validFrom, NotAfter: until,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func (c *Certs) issue(t testing.TB, name string, template *x509.Certificate) (cert, key string) {
	t.Helper()
	c.serial++
	template.SerialNumber = big.NewInt(c.serial)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("peers: issue %s: %v", name, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, own.Public(), c.key)
	if err != nil {
		t.Fatalf("peers: issue %s: %v", name, err)
	}
	text, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatalf("peers: issue %s: %v", name, err)
	}
	return c.write(t, name+".pem", "CERTIFICATE", der), c.write(t, name+".key", "EC PRIVATE KEY", text)
}

func (c *Certs) write(t testing.TB, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(c.Dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatalf("peers: write a certificate: %v", err)
	}
	return path
}
