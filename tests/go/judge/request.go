package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
)

// request parses a certificate request and checks its signature with its own key.
func request(arguments []string) verdict {
	flags := flag.NewFlagSet("request", flag.ExitOnError)
	path := flags.String("in", "", "the certificate request")
	_ = flags.Parse(arguments)

	block, _ := pem.Decode(read(*path))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return refused(errors.New("the file does not begin with a certificate request"))
	}
	parsed, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return refused(err)
	}
	if err := parsed.CheckSignature(); err != nil {
		return refused(err)
	}
	return accepted()
}
