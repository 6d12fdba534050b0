"""Judges certificates, requests and revocation lists with pyca/cryptography.

Its verifier follows RFC 5280 and the CA/Browser Forum."""

import argparse
import ipaddress
import json
import pathlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError


def subject(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def request(content):
    if not x509.load_pem_x509_csr(content).is_signature_valid:
        raise ValueError("the signature is not by the request's own key")


def revocation_list(content, ca):
    load = x509.load_pem_x509_crl if b"-----BEGIN" in content else x509.load_der_x509_crl
    issuers = x509.load_pem_x509_certificates(ca)
    crl = load(content)
    if not any(crl.is_signature_valid(issuer.public_key()) for issuer in issuers):
        raise ValueError("the CA did not sign the list")
    crl.extensions.get_extension_for_class(x509.CRLNumber)
    for revoked in crl:
        revoked.extensions


def verify(question, content, ca, host):
    leaf, *intermediates = x509.load_pem_x509_certificates(content)
    policy = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(ca)))
    if question == "server":
        verifier = policy.build_server_verifier(subject(host))
    else:
        verifier = policy.build_client_verifier()
    verifier.verify(leaf, intermediates)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", choices=["server", "client", "request", "crl"])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--ca", type=pathlib.Path)
    parser.add_argument("--host")
    options = parser.parse_args()
    content = options.file.read_bytes()
    try:
        if options.question == "request":
            request(content)
        elif options.question == "crl":
            revocation_list(content, options.ca.read_bytes())
        else:
            verify(options.question, content, options.ca.read_bytes(), options.host)
        verdict = {"ok": True}
    except (VerificationError, UnsupportedAlgorithm, ValueError) as error:
        verdict = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(verdict))


if __name__ == "__main__":
    main()
