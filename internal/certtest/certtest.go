// Package certtest issues TLS certificates to tests and measurements.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime is that of a certificate.
const lifetime = 24 * time.Hour

// Authority issues certificates.
type Authority struct {
	// PEM is its own certificate, as a file of authorities holds it.
	PEM  []byte
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority() *Authority {
	key := newKey()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "demo authority"}, NotBefore: time.Now().Add(-2 * lifetime), NotAfter: time.Now().Add(2 * lifetime),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := sign(template, template, key, key)
	cert, err := x509.ParseCertificate(der)
	must(err)
	return &Authority{PEM: encode("CERTIFICATE", der), cert: cert, key: key}
}

// Pool answers a pool with this authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Pair is a certificate with its key, as files hold them.
type Pair struct{ Cert, Key []byte }

// Issue makes a certificate for servers on loopback, by name or address, and for their clients. It is valid for the day that ends at end.
func (a *Authority) Issue(end time.Time) Pair {
	key := newKey()
	der := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "demo"}, NotBefore: end.Add(-lifetime), NotAfter: end,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key, a.key)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	return Pair{Cert: encode("CERTIFICATE", der), Key: encode("PRIVATE KEY", private)}
}

// Valid makes one that is valid now, and for long enough.
func (a *Authority) Valid() Pair { return a.Issue(time.Now().Add(lifetime / 2)) }

// Expired makes one that was valid until a minute ago.
func (a *Authority) Expired() Pair { return a.Issue(time.Now().Add(-time.Minute)) }

// TLS answers the pair as crypto/tls takes it.
func (p Pair) TLS() tls.Certificate {
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	must(err)
	return pair
}

// Write puts the pair into a folder, as tls.crt and tls.key like a Secret of Kubernetes, and answers where they are.
func (p Pair) Write(dir string) (cert, key string, err error) {
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := os.WriteFile(cert, p.Cert, 0o600); err != nil {
		return "", "", fmt.Errorf("write a certificate: %w", err)
	}
	if err := os.WriteFile(key, p.Key, 0o600); err != nil {
		return "", "", fmt.Errorf("write the key of a certificate: %w", err)
	}
	return cert, key, nil
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	return key
}

func sign(template, parent *x509.Certificate, of, by *ecdsa.PrivateKey) (der []byte) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	must(err)
	template.SerialNumber = serial
	der, err = x509.CreateCertificate(rand.Reader, template, parent, of.Public(), by)
	must(err)
	return der
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// must panics at what only a mistake in this package brings about.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("certtest: %v", err))
	}
}
