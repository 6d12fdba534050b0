# SPDX-License-Identifier: MIT OR Apache-2.0

"""What certificates and requests say, as results and diffs show it. Nothing here is secret."""

from __future__ import annotations

from ansible_collections.etcd_pki.core.plugins.module_utils.moment import rfc3339


def of_certificate(certificate):
    """A certificate's facts."""
    role = certificate.role
    return dict(
        subject=certificate.subject,
        common_name=certificate.common_name,
        organizations=certificate.organizations,
        issuer=certificate.issuer,
        role=role and str(role),
        names=certificate.dns_names,
        addresses=[str(address) for address in certificate.ip_addresses],
        uris=certificate.uris,
        other_names=certificate.other_names,
        key_usages=certificate.key_usages,
        extended_key_usages=certificate.extended_key_usages,
        is_authority=certificate.is_authority,
        not_before=rfc3339(certificate.not_valid_before_utc),
        not_after=rfc3339(certificate.not_valid_after_utc),
        serial_number=_hexadecimal(certificate.serial_number),
        signature_algorithm=certificate.signature_algorithm,
        key_algorithm=certificate.public_key.algorithm_name,
        public_key_fingerprint=certificate.public_key.fingerprint_sha256,
        fingerprint=certificate.fingerprint_sha256,
    )


def of_request(request):
    """A request's facts: what it claims, and for which key."""
    return dict(
        subject=request.subject,
        claims=[str(claim) for claim in request.claims],
        public_key_fingerprint=request.public_key.fingerprint_sha256,
    )


def _hexadecimal(number):
    """A serial number as openssl and the command show it, since one of 20 bytes is more than JSON's readers hold."""
    digits = f"{number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)
