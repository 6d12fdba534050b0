package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// files judges many files in one run. Each line of standard input is a question and the contents of
// its files in hexadecimal: "ca FILE", "certificate FILE", "key FILE" or "pair CERTIFICATE KEY".
// The answer to each is a line with a verdict.
func files(arguments []string) verdict {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(output)
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			break
		}
		words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		contents := make([][]byte, 0, 2)
		for _, word := range words[1:] {
			content, err := hex.DecodeString(word)
			if err != nil {
				stop(err.Error())
			}
			contents = append(contents, content)
		}
		answer := accepted()
		if err := file(words[0], contents); err != nil {
			answer = refused(err)
		}
		if err := encoder.Encode(answer); err != nil {
			stop(err.Error())
		}
	}
	if err := output.Flush(); err != nil {
		stop(err.Error())
	}
	os.Exit(0)
	return verdict{}
}

func file(kind string, contents [][]byte) error {
	switch kind {
	case "ca":
		return trusted(contents[0])
	case "certificate":
		return chain(contents[0])
	case "key":
		return key(contents[0])
	case "pair":
		pair, err := tls.X509KeyPair(contents[0], contents[1])
		if err != nil {
			return err
		}
		return parsed(pair.Certificate)
	}
	stop("unknown kind of file " + kind)
	return nil
}

// trusted reads a trusted CA file as etcd does: every block must be a certificate. Without a block,
// etcd trusts no client.
func trusted(content []byte) error {
	count := 0
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return err
		}
		count++
	}
	if count == 0 {
		return errors.New("no certificate in the file")
	}
	return nil
}

// chain reads the part of a certificate file that tls.X509KeyPair uses, and then all certificates,
// as the other side of a connection does.
func chain(content []byte) error {
	var chain [][]byte
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	if len(chain) == 0 {
		return errors.New("no certificate in the file")
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return err
	}
	switch leaf.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return parsed(chain)
	}
	return fmt.Errorf("a key of type %T", leaf.PublicKey)
}

func parsed(chain [][]byte) error {
	for _, certificate := range chain {
		if _, err := x509.ParseCertificate(certificate); err != nil {
			return err
		}
	}
	return nil
}

// A certificate for no key in the files: tls.X509KeyPair then reports a good key as not matching.
const strange = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUO3PPgUOciq4ii2kbpGvi0ic4+HgwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHc3RyYW5nZTAgFw0yNjExMzAwMzI1NDBaGA8yMTI2MTEwNjAz
MjU0MFowEjEQMA4GA1UEAwwHc3RyYW5nZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABAjld+yzJrQn645f0uM0VqCmsCM0BmlRdiK8HRU1kwww9umjthi6my5Cn0uL
N5Pl7VKews85n18U9QruYMW02nSjUzBRMB0GA1UdDgQWBBTTkX+NLjYl1DKjeTCY
dcxlm22D6jAfBgNVHSMEGDAWgBTTkX+NLjYl1DKjeTCYdcxlm22D6jAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCwgOp8ltLAbiX4lzVa7AVMxjl6
KyKp4bmfN+odF3DXRQIgU6w0j5R4HUZI4V0f3dUlp+SXJEv6J0q3nr06BFcBM9w=
-----END CERTIFICATE-----
`

func key(content []byte) error {
	_, err := tls.X509KeyPair([]byte(strange), content)
	if err != nil && strings.Contains(err.Error(), "match") {
		return nil
	}
	return err
}
