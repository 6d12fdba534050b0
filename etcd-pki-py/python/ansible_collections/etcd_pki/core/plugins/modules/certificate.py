#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Sign a certificate request for etcd, where the CA is
description:
  - Signs a request that M(etcd_pki.core.certificate_request) or another tool made on another host. Run it on the machine with the CA's
    key, with C(delegate_to). Never bring that key to the hosts.
  - Names, usages and validity come from the task. The request's claims are not granted. Claims beyond the task are in RV(not_granted).
  - A certificate that is up to date is kept. A new one is signed if a name, a usage, the key or the CA differs, or if it expires soon.
version_added: 0.1.0
author: etcd-pki (@etcd-pki)
extends_documentation_fragment:
  - ansible.builtin.files
  - etcd_pki.core.common.attributes
  - etcd_pki.core.common.file
  - etcd_pki.core.common.identity
attributes:
  idempotent:
    support: partial
    details: Not with O(force=true), which signs in each run.
options:
  path:
    description:
      - The file of the certificate and of the intermediate CAs after it. It stays where the CA is, so that the next run can compare it.
        The next task copies it to its host. O(mode) is text, in quotes.
      - A file with a private key is neither replaced nor removed.
    type: path
    required: true
  csr_path:
    description:
      - The certificate request.
      - Exactly one of O(csr_path) and O(csr_content) is required if O(state=present).
    type: path
  csr_content:
    description:
      - The text of the certificate request. In check mode it may be empty, as M(etcd_pki.core.certificate_request) returns it if there
        is no request yet.
    type: str
  ownca_path:
    description:
      - The CA's certificate. If it is not a root, the certificates above it follow in the file.
      - Exactly one of O(ownca_path) and O(ownca_content) is required if O(state=present).
      - In check mode it may be missing, if an earlier task would make it. Then there is a warning.
    type: path
  ownca_content:
    description:
      - The text of the CA's certificate.
    type: str
  ownca_privatekey_path:
    description:
      - The CA's private key.
      - Exactly one of O(ownca_privatekey_path) and O(ownca_privatekey_content) is required if O(state=present).
    type: path
  ownca_privatekey_content:
    description:
      - The text of the CA's private key, such as from a vault.
    type: str
  ownca_privatekey_passphrase:
    description:
      - The passphrase of the CA's private key.
    type: str
  validity:
    description:
      - How long a new certificate is valid, such as V(90d), V(10y) or V(+52w), or until when, such as V(2030-12-31T23:59:59Z) or
        V(20301231235959Z). The default is one year. It never outlives its CA.
      - A new value alone does not cause a new signature.
    type: str
    aliases: [ownca_not_after]
  renew_before:
    description:
      - How long before it expires a certificate is renewed, such as V(30d), or a share of its validity, such as V(33%). It is at most a
        third of the validity.
    type: str
    default: 30d
  record:
    description:
      - Add a new certificate to the record of what the CA issued, C(.etcd-pki-issued.jsonl) next to O(ownca_path), before it is written.
        C(etcd-pki ca issued) shows it.
      - A CA has a record if its directory has one or a lock file of etcd-pki, or if its key has the name of a CA key in a layout. The
        CA in O(ownca_content) has none.
    type: bool
    default: true
  return_content:
    description:
      - Return the certificate and the CA's certificate, to copy them to the host.
    type: bool
    default: false
seealso:
  - module: etcd_pki.core.certificate_request
  - module: community.crypto.x509_certificate
"""

EXAMPLES = r"""
- name: Sign it where the CA is
  etcd_pki.core.certificate:
    path: /etc/etcd-ca/issued/member-{{ inventory_hostname }}.pem
    csr_content: "{{ request.csr }}"
    ownca_path: /etc/etcd-ca/ca.pem
    ownca_privatekey_path: /etc/etcd-ca/ca-key.pem
    role: member
    name: "{{ inventory_hostname }}"
    names: ["{{ ansible_host }}"]
    return_content: true
  delegate_to: ca.example.com
  register: signed

- name: Copy it to its host
  ansible.builtin.copy:
    content: "{{ signed.certificate }}"
    dest: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}.pem
    mode: "0644"

- name: With a CA from a vault
  etcd_pki.core.certificate:
    path: client-backup.pem
    csr_path: client-backup.csr
    ownca_content: "{{ vaulted_ca }}"
    ownca_privatekey_content: "{{ vaulted_ca_key }}"
    role: client
    name: backup
    validity: 90d
"""

RETURN = r"""
reasons:
  description: Why something was changed, or in check mode would be changed.
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: The code of the finding, which never changes. None for a reason that is no finding, such as O(force).
      type: str
      sample: EP025
    kind:
      description: The kind of the reason, which never changes.
      type: str
      sample: missing_name
    message:
      description: The reason in words.
      type: str
      sample: 10.0.0.99 is missing
filename:
  description: The certificate's file.
  returned: always
  type: str
  sample: /etc/etcd-ca/issued/member-etcd-1.pem
certificate:
  description: The certificate in PEM, and the intermediate CAs after it. In check mode the existing certificate, or empty if there is
    none.
  returned: if O(state=present) and O(return_content=true)
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
ca:
  description: The root above the certificate in PEM, which etcd must trust. In check mode empty if there is no CA yet.
  returned: if O(state=present) and O(return_content=true)
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
not_granted:
  description: The request's claims that the task does not have. The certificate does not have them either.
  returned: if O(state=present)
  type: list
  elements: str
  sample: ["basicConstraints CA:TRUE", "organization system:masters"]
not_after:
  description: When the certificate expires. In check mode that of the existing certificate, or empty if there is none.
  returned: if O(state=present)
  type: str
  sample: "2027-11-24T20:01:17Z"
backup_file:
  description: The copy of the certificate that was replaced or removed.
  returned: if O(backup=true) and something was
  type: str
  sample: /etc/etcd-ca/issued/member-etcd-1.pem.2210.2026-11-24@20:01:17~
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.etcd_pki.core.plugins.module_utils import facts
from ansible_collections.etcd_pki.core.plugins.module_utils.files import File, check_directory
from ansible_collections.etcd_pki.core.plugins.module_utils.identity import OPTIONS, REQUIRED_IF, identity, profile
from ansible_collections.etcd_pki.core.plugins.module_utils.library import library
from ansible_collections.etcd_pki.core.plugins.module_utils.moment import rfc3339, validity


def load_ca(pki, parameters):
    """Returns the CA. Its key and certificate match, and it is valid today."""
    passphrase = parameters["ownca_privatekey_passphrase"]
    certificate, key = parameters["ownca_path"], parameters["ownca_privatekey_path"]
    if certificate and key:
        return pki.CertificateAuthority.from_files(certificate, key, passphrase=passphrase)
    certificate = pki.read_file(certificate) if certificate else parameters["ownca_content"]
    key = pki.read_file(key) if key else parameters["ownca_privatekey_content"]
    return pki.CertificateAuthority.from_pem(certificate, key, passphrase=passphrase)


def request(pki, parameters):
    """Returns the request. Its own signature is valid."""
    if parameters["csr_path"]:
        return pki.CertificateRequest.from_file(parameters["csr_path"])
    return pki.CertificateRequest.from_pem(parameters["csr_content"])


def missing_yet(module, pki):
    """Returns the reason if a file is missing in check mode, because the task that creates it did
    not run. Existing files must still be correct.
    """
    parameters = module.params

    def is_missing(option):
        path = parameters[option]
        if path is None or os.path.exists(path):
            return False
        module.warn(f"{option}: {path} is missing, and has to be made first")
        return True

    missing = [option for option in ("ownca_path", "ownca_privatekey_path", "csr_path") if is_missing(option)]
    if any(option.startswith("ownca_") for option in missing):
        return facts.reason("missing_ca", "the CA is missing")
    if missing or parameters["csr_content"] == "":
        load_ca(pki, parameters)
        return facts.reason("missing_request", "the request is missing")
    return None


def certificates(pki, contents):
    """Returns the existing certificate and its chain, and the reason if they cannot be read."""
    if contents is None:
        return [], facts.reason("missing_certificate", "the certificate is missing")
    try:
        return pki.Certificate.all_from_bytes(contents), None
    except pki.Error as error:
        return [], facts.reason("unreadable", f"unreadable: {error}")


def intended(pki, parameters):
    """Returns the identity, the profile and the renewal time of the certificate. Invalid values
    fail in each run, even if nothing is signed.
    """
    who, what = identity(pki, parameters), profile(pki, parameters, validity=validity(parameters["validity"]))
    return who, what, pki.ClusterDefaults(renew_before=parameters["renew_before"]).renew_before


def sign(module, pki, file, found, result):
    """Signs the certificate, if there is a reason to."""
    parameters = module.params
    who, what, before = intended(pki, parameters)
    ca, csr = load_ca(pki, parameters), request(pki, parameters)
    if ca.lacks_key_usage:
        module.warn(
            "the CA's certificate has no keyUsage, so Python 3.13 and openssl -x509_strict refuse what it signs; "
            "etcd_pki.core.cluster, or `etcd-pki ca renew`, mends it with the same key"
        )
    if parameters["ownca_path"] and parameters["ownca_privatekey_path"]:
        for finding in pki.inspect_ca(parameters["ownca_path"], parameters["ownca_privatekey_path"]):
            module.warn(f"{finding}: {finding.fix}")
    # Signs even if nothing is due, to find out which claims are not granted. Without a reason the
    # result is discarded
    issued = ca.sign(csr, what, who)
    result["not_granted"] = [str(claim) for claim in issued.denied_claims]
    if result["not_granted"]:
        module.warn(f"the request of {issued.certificate.subject} claims, and does not get: {', '.join(result['not_granted'])}")
    reasons = result["reasons"]
    if found:
        reasons += [facts.of_finding(one) for one in ca.reasons(found[0], csr.public_key, what, who, renew_before=before)]
        if found[1:] != issued.chain:
            reasons.append(facts.reason("chain", "other certificates belong behind it"))
    if not reasons and parameters["force"]:
        reasons.append(facts.reason("force", "it was requested (force)"))
    if parameters["return_content"]:
        result["ca"] = ca.root.to_pem().decode()
    if not reasons:
        return found[0]
    if issued.requested_utc and parameters["validity"]:
        module.warn(f"it ends with its CA, before the {rfc3339(issued.requested_utc)} that was asked for")
    record(module, pki, ca, csr, issued.certificate)
    file.write(pki, issued.to_pem())
    finding = issued.certificate.peer_port
    if finding:
        module.warn(f"{finding.message}; {finding.fix}")
    return issued.certificate


def record(module, pki, ca, csr, certificate):
    """Adds the certificate to the record of the CA, before it is written."""
    path, key = module.params["ownca_path"], module.params["ownca_privatekey_path"]
    if module.check_mode or not module.params["record"] or not path:
        return
    if pki.record_path(path, key or path):
        pki.record_issued(path, certificate, ca, requester=csr.subject or None)


def present(module, pki, result):
    """Creates or renews the certificate, if it is missing, differs or is due."""
    parameters = module.params
    check_directory(module, parameters["path"])
    file = File(module, parameters["path"])
    file.check_attributes(pki)
    before = file.read(pki)
    found, reason = certificates(pki, before)
    result.update(reasons=[reason] if reason else [], not_granted=[])
    missing = missing_yet(module, pki) if module.check_mode else None
    if missing:
        intended(pki, parameters)
        result["reasons"].append(missing)
        if parameters["return_content"]:
            result["ca"] = ""
        after = dict(to_be_signed=True)
    else:
        after = facts.of_certificate(sign(module, pki, file, found, result))
    result["changed"] = is_due = bool(result["reasons"])
    attributes = dict(before={}, after={})
    # A new file had no other attributes before
    if file.set_attributes(None if before is None else attributes) and before is not None:
        result["changed"] = True
        result["reasons"].append(facts.reason("attributes", f"{file.path} had another owner, group or mode"))
    if parameters["return_content"]:
        result["certificate"] = ((before or b"") if module.check_mode else file.read(pki)).decode()
    was = facts.of_certificate(found[0]) if found else {}
    result["not_after"] = was.get("not_after", "") if module.check_mode else after["not_after"]
    if module.check_mode and is_due:
        # The certificate of check mode is discarded, so these facts are meaningless
        for fact in ("serial_number", "fingerprint"):
            after.pop(fact, None)
    if result["reasons"]:
        after["reasons"] = facts.messages(result["reasons"])
    result["diff"] = dict(before=dict(was, **attributes["before"]), after=dict(after, **attributes["after"]))
    return file


def absent(module, pki, result):
    """Removes the certificate."""
    file = File(module, module.params["path"])
    found, _reason = certificates(pki, file.read(pki))
    result["changed"] = file.remove(pki)
    result["reasons"] = [facts.reason("absent", "state is absent")] if result["changed"] else []
    after = dict(reasons=facts.messages(result["reasons"])) if result["changed"] else {}
    result["diff"] = dict(before=facts.of_certificate(found[0]) if found else {}, after=after)
    return file


def main():
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type="path", required=True),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            csr_path=dict(type="path"),
            csr_content=dict(type="str"),
            ownca_path=dict(type="path"),
            ownca_content=dict(type="str"),
            ownca_privatekey_path=dict(type="path", no_log=False),
            ownca_privatekey_content=dict(type="str", no_log=True),
            ownca_privatekey_passphrase=dict(type="str", no_log=True),
            validity=dict(type="str", aliases=["ownca_not_after"]),
            renew_before=dict(type="str", default="30d"),
            force=dict(type="bool", default=False),
            backup=dict(type="bool", default=False),
            record=dict(type="bool", default=True),
            return_content=dict(type="bool", default=False),
            **OPTIONS,
        ),
        required_if=[
            ("state", "present", ["csr_path", "csr_content"], True),
            ("state", "present", ["ownca_path", "ownca_content"], True),
            ("state", "present", ["ownca_privatekey_path", "ownca_privatekey_content"], True),
            *REQUIRED_IF,
        ],
        mutually_exclusive=[
            ("csr_path", "csr_content"),
            ("ownca_path", "ownca_content"),
            ("ownca_privatekey_path", "ownca_privatekey_content"),
        ],
        add_file_common_args=True,
        supports_check_mode=True,
    )
    result = dict(changed=False, filename=module.params["path"])
    with library(module) as pki:
        work = present if module.params["state"] == "present" else absent
        file = work(module, pki, result)
        if file.backup_file:
            result["backup_file"] = file.backup_file
    module.exit_json(**result)


if __name__ == "__main__":
    main()
