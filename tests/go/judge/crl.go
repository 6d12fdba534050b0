package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"strings"
)

// crl reads a revocation list as etcd does (checkCRL in client/pkg/transport/listener_tls.go) and,
// with -ca, checks that this CA signed it. The body has the serial numbers, one on each line.
//
// etcd reads DER only. With -pem, each list of a PEM file is read, and one of them must be of the CA.
func crl(arguments []string) verdict {
	flags := flag.NewFlagSet("crl", flag.ExitOnError)
	path := flags.String("in", "", "the revocation list")
	inPem := flags.String("pem", "", "any text if the list is in PEM")
	ca := flags.String("ca", "", "the CA that signed it")
	_ = flags.Parse(arguments)

	lists := [][]byte{read(*path)}
	if *inPem != "" {
		lists = nil
		for rest := read(*path); ; {
			var block *pem.Block
			block, rest = pem.Decode(rest)
			if block == nil {
				break
			}
			lists = append(lists, block.Bytes)
		}
	}
	var signers []*x509.Certificate
	if *ca != "" {
		var err error
		if signers, err = certificates(read(*ca)); err != nil {
			return refused(err)
		}
	}
	var serials []string
	for _, der := range lists {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return refused(err)
		}
		if list.Number == nil || list.NextUpdate.IsZero() || list.AuthorityKeyId == nil {
			return refused(errors.New("the list lacks its number, its next update or its key identifier"))
		}
		signed := *ca == ""
		for _, signer := range signers {
			signed = signed || list.CheckSignatureFrom(signer) == nil
		}
		if !signed {
			return refused(errors.New("the CA did not sign the list"))
		}
		for _, entry := range list.RevokedCertificateEntries {
			serials = append(serials, fmt.Sprintf("%X", entry.SerialNumber))
		}
	}
	return verdict{OK: true, Body: strings.Join(serials, "\n")}
}
