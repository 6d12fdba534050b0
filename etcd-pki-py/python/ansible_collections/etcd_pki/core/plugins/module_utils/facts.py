# SPDX-License-Identifier: MIT OR Apache-2.0

"""The facts of certificates, requests and findings for results and diffs. None is secret."""

from __future__ import annotations

from ansible_collections.etcd_pki.core.plugins.module_utils.moment import rfc3339


def of_certificate(certificate):
    """Returns the facts of a certificate."""
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
        is_ca=certificate.is_ca,
        not_before=rfc3339(certificate.not_valid_before_utc),
        not_after=rfc3339(certificate.not_valid_after_utc),
        serial_number=_hexadecimal(certificate.serial_number),
        signature_algorithm=certificate.signature_algorithm,
        key_algorithm=certificate.public_key.algorithm_name,
        public_key_fingerprint=certificate.public_key.fingerprint_sha256,
        fingerprint=certificate.fingerprint_sha256,
    )


def of_request(request):
    """Returns the facts of a request: its claims and its public key."""
    return dict(
        subject=request.subject,
        claims=[str(claim) for claim in request.claims],
        public_key_fingerprint=request.public_key.fingerprint_sha256,
    )


def of_finding(finding):
    """Returns a finding with its facts."""
    facts = dict(
        path=finding.path and str(finding.path),
        target=finding.target and str(finding.target),
        subject=finding.subject,
        name=finding.name,
        current=finding.current or None,
        desired=finding.desired or None,
        not_before=finding.not_before and rfc3339(finding.not_before),
        not_after=finding.not_after and rfc3339(finding.not_after),
        days=finding.days,
        reason=finding.reason,
    )
    return dict(
        {name: value for name, value in facts.items() if value is not None},
        code=str(finding.code),
        kind=finding.kind,
        severity=str(finding.severity),
        message=finding.message,
        fix=finding.fix,
    )


def reason(kind, message):
    """Returns a reason for a change that is no finding."""
    return dict(code=None, kind=kind, message=message)


def messages(reasons):
    """Returns the sentences of reasons, for diffs."""
    return [one["message"] for one in reasons]


def _hexadecimal(number):
    """Returns a serial number in the form of openssl and the command. JSON readers cannot hold a
    number of 20 bytes.
    """
    digits = f"{number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)
