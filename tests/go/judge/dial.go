package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"io"
	"net/http"
	"strings"
	"time"
)

// dial requests a page of a TLS server as a Go client does, with or without a certificate.
func dial(arguments []string) verdict {
	flags := flag.NewFlagSet("dial", flag.ExitOnError)
	url := flags.String("url", "", "what to GET")
	ca := flags.String("ca", "", "the certificates that are trusted")
	certificate := flags.String("cert", "", "the client's certificate, none if empty")
	key := flags.String("key", "", "its private key")
	name := flags.String("name", "", "the name that the server must have; the host of the URL if empty")
	timeout := flags.Duration("timeout", 10*time.Second, "when to give up")
	_ = flags.Parse(arguments)

	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: *name}
	if !config.RootCAs.AppendCertsFromPEM(read(*ca)) {
		return refused(errors.New("no certificate in the file of the CA"))
	}
	if *certificate != "" {
		pair, err := tls.X509KeyPair(read(*certificate), read(*key))
		if err != nil {
			return refused(err)
		}
		// Not through Certificates: a client would then send no certificate if the server's list of CAs
		// does not contain the issuer, and the server would not judge the certificate of another CA.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	client := http.Client{
		Timeout: *timeout,
		// HTTP/1.1 only: etcd's peer port supports nothing else.
		Transport: &http.Transport{TLSClientConfig: config, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}},
	}
	response, err := client.Get(*url)
	if err != nil {
		return refused(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return refused(err)
	}
	answer := accepted()
	answer.Status = response.StatusCode
	answer.Body = strings.TrimSpace(string(body))
	return answer
}
