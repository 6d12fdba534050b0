package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"time"
)

var usages = map[string]x509.ExtKeyUsage{
	"server": x509.ExtKeyUsageServerAuth,
	"client": x509.ExtKeyUsageClientAuth,
}

// verify builds a chain from the certificate to the CA for one usage, and checks the name if one is
// given.
func verify(arguments []string) verdict {
	flags := flag.NewFlagSet("verify", flag.ExitOnError)
	certificate := flags.String("cert", "", "the certificate, with its chain")
	ca := flags.String("ca", "", "the certificates that are trusted")
	usage := flags.String("usage", "server", "server or client")
	name := flags.String("name", "", "the DNS name or IP address that the certificate must be good for")
	instant := flags.String("at", "", "the time of the verdict, RFC 3339; now if empty")
	_ = flags.Parse(arguments)

	wanted, known := usages[*usage]
	if !known {
		stop("unknown usage " + *usage)
	}
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{wanted},
	}
	if *instant != "" {
		at, err := time.Parse(time.RFC3339, *instant)
		if err != nil {
			stop(err.Error())
		}
		options.CurrentTime = at
	}
	if !options.Roots.AppendCertsFromPEM(read(*ca)) {
		return refused(errors.New("no certificate in the file of the CA"))
	}
	chain, err := certificates(read(*certificate))
	if err != nil {
		return refused(err)
	}
	for _, intermediate := range chain[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return refused(err)
	}
	// Not through VerifyOptions.DNSName, which takes an IP address only in brackets.
	if *name != "" {
		if err := chain[0].VerifyHostname(*name); err != nil {
			return refused(err)
		}
	}
	return accepted()
}

// certificates parses every certificate of a PEM file, the leaf first.
func certificates(content []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
	if len(found) == 0 {
		return nil, errors.New("no certificate in the file")
	}
	return found, nil
}
