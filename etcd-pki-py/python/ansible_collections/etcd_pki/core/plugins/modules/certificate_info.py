#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: Read a certificate
description:
  - Reads a certificate of any tool, and returns its names, usages and dates.
version_added: 0.1.0
author: etcd-pki (@etcd-pki)
extends_documentation_fragment:
  - etcd_pki.core.common.attributes_of_facts
options:
  path:
    description:
      - The certificate's file, PEM or DER. If it has several certificates, the facts are those of the first one, and the others are in
        RV(chain).
      - Exactly one of O(path) and O(content) is required.
    type: path
  content:
    description:
      - The text of the certificate, in PEM.
    type: str
  valid_at:
    description:
      - Instants to test the validity at, with names of your choice. V(+30d), V(-1h) and V(+32w1d2h) are relative to now.
        V(2030-12-31T23:59:59Z) and V(20301231235959Z) are absolute.
    type: dict
seealso:
  - module: etcd_pki.core.certificate
  - module: community.crypto.x509_certificate_info
"""

EXAMPLES = r"""
- name: Read a member's certificate
  etcd_pki.core.certificate_info:
    path: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}.pem
    valid_at:
      next_month: +30d
  register: member

- name: Fail 30 days before it expires
  ansible.builtin.assert:
    that: member.valid_at.next_month
    fail_msg: "{{ member.subject }} expires on {{ member.not_after }}"
"""

RETURN = r"""
subject:
  description: The subject, as RFC 4514 text.
  returned: success
  type: str
  sample: CN=etcd-member-etcd-1
common_name:
  description: The subject's common name, which etcd's RBAC uses as the user.
  returned: success
  type: str
  sample: etcd-member-etcd-1
organizations:
  description: The subject's organizations.
  returned: success
  type: list
  elements: str
  sample: []
issuer:
  description: The issuer, as RFC 4514 text.
  returned: success
  type: str
  sample: CN=etcd-ca
role:
  description: The role that its usages fit. None for a CA, and if no role fits.
  returned: success
  type: str
  sample: member
names:
  description: The DNS names among its alternative names.
  returned: success
  type: list
  elements: str
  sample: [etcd-1, localhost]
addresses:
  description: The addresses among its alternative names.
  returned: success
  type: list
  elements: str
  sample: [10.0.0.11, 127.0.0.1, "::1"]
uris:
  description: The URIs among its alternative names.
  returned: success
  type: list
  elements: str
  sample: []
other_names:
  description: Alternative names of other kinds, described.
  returned: success
  type: list
  elements: str
  sample: []
key_usages:
  description: The usages of its key. None if they are not limited.
  returned: success
  type: list
  elements: str
  sample: [digitalSignature]
extended_key_usages:
  description: The extended usages. None if they are not limited.
  returned: success
  type: list
  elements: str
  sample: [serverAuth, clientAuth]
is_ca:
  description: Whether it is a CA's.
  returned: success
  type: bool
  sample: false
not_before:
  description: The first instant at which it is valid.
  returned: success
  type: str
  sample: "2026-11-24T19:56:17Z"
not_after:
  description: The last instant at which it is valid.
  returned: success
  type: str
  sample: "2027-11-24T20:01:17Z"
expired:
  description: Whether it expired.
  returned: success
  type: bool
  sample: false
valid_at:
  description: For each name in O(valid_at), whether it is valid then.
  returned: success
  type: dict
  sample: {next_month: true}
serial_number:
  description: The serial number, in hexadecimal.
  returned: success
  type: str
  sample: 4A1C90...
signature_algorithm:
  description: The algorithm of its signature.
  returned: success
  type: str
  sample: ecdsa-with-SHA256
key_algorithm:
  description: The algorithm of its key.
  returned: success
  type: str
  sample: ec-p256
public_key_fingerprint:
  description: SHA-256 of its public key.
  returned: success
  type: str
  sample: 4A3F09...
fingerprint:
  description: SHA-256 of the certificate.
  returned: success
  type: str
  sample: 90BB5F...
chain:
  description: The same facts, without RV(expired) and RV(valid_at), of each certificate behind it.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.etcd_pki.core.plugins.module_utils import facts
from ansible_collections.etcd_pki.core.plugins.module_utils.library import library
from ansible_collections.etcd_pki.core.plugins.module_utils.moment import instant


def moments(module):
    """The requested instants, by name."""
    found = {}
    for name, text in (module.params["valid_at"] or {}).items():
        found[name] = instant(str(text))
        if found[name] is None:
            module.fail_json(msg=f"valid_at.{name}: {text!r} is no instant: write +30d, seen from now, or 2030-12-31T23:59:59Z")
    return found


def main():
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type="path"),
            content=dict(type="str"),
            valid_at=dict(type="dict"),
        ),
        required_one_of=[("path", "content")],
        mutually_exclusive=[("path", "content")],
        supports_check_mode=True,
    )
    at = moments(module)
    with library(module) as pki:
        if module.params["path"]:
            certificate, *chain = pki.Certificate.all_from_file(module.params["path"])
        else:
            certificate, *chain = pki.Certificate.all_from_bytes(module.params["content"])
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        module.exit_json(
            changed=False,
            **facts.of_certificate(certificate),
            expired=end < datetime.now(timezone.utc),
            valid_at={name: begin <= when <= end for name, when in at.items()},
            chain=[facts.of_certificate(behind) for behind in chain],
        )


if __name__ == "__main__":
    main()
