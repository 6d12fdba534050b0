package main

import (
	"crypto/tls"
	"flag"
)

// pair loads a certificate and its key as etcd does for every handshake.
func pair(arguments []string) verdict {
	flags := flag.NewFlagSet("pair", flag.ExitOnError)
	certificate := flags.String("cert", "", "the certificate, with its chain")
	key := flags.String("key", "", "its private key")
	_ = flags.Parse(arguments)

	if _, err := tls.X509KeyPair(read(*certificate), read(*key)); err != nil {
		return refused(err)
	}
	return accepted()
}
