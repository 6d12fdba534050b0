package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
)

var keys = map[string]func() (crypto.Signer, error){
	"rsa-2048": func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
	"ec-p256":  func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
	"ed25519": func() (crypto.Signer, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	},
}

// create creates a certificate request for a new key, with the call that kubeadm and cfssl use.
func create(arguments []string) verdict {
	flags := flag.NewFlagSet("create", flag.ExitOnError)
	algorithm := flags.String("key", "", "rsa-2048, ec-p256 or ed25519")
	template := flags.String("template", "{}", "x509.CertificateRequest in JSON")
	_ = flags.Parse(arguments)

	generate, known := keys[*algorithm]
	if !known {
		stop("unknown key " + *algorithm)
	}
	var wanted x509.CertificateRequest
	if err := json.Unmarshal([]byte(*template), &wanted); err != nil {
		stop(err.Error())
	}
	key, err := generate()
	if err != nil {
		return refused(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &wanted, key)
	if err != nil {
		return refused(err)
	}
	made := accepted()
	made.Body = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	return made
}
