#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_install
short_description: Install a signed certificate on its host, together with the staged key that it is for
description:
  - Installs a certificate that M(etcd_pki.core.certificate) signed, next to its key.
  - If the certificate is for a staged key of M(etcd_pki.core.certificate_request), both replace the pair in use. The key is replaced
    first, and the certificate directly after it. In between, etcd may read a pair that does not match. It reads the files again at the
    next handshake.
  - A certificate that is for neither key is refused, and nothing changes. The next run finishes a run that was interrupted.
version_added: 0.1.0
author: etcd-pki (@etcd-pki)
extends_documentation_fragment:
  - ansible.builtin.files
  - etcd_pki.core.common.attributes
options:
  path:
    description:
      - The file of the certificate and of the intermediate CAs after it. O(mode), O(owner) and O(group) are for this file, and O(mode) is
        text, in quotes.
      - A file with a private key or with a CA certificate is not replaced.
    type: path
    required: true
  privatekey_path:
    description:
      - The file of the private key, as in M(etcd_pki.core.certificate_request).
    type: path
    required: true
  privatekey_passphrase:
    description:
      - The passphrase of the private key. The key stays encrypted.
    type: str
  privatekey_mode:
    description:
      - The mode of the key's file, octal and in quotes. A mode that gives access to others than the owner and the group is refused.
      - Without it, an installed key has the mode of the key that it replaces, and is closed to others than the owner and the group.
    type: raw
  privatekey_owner:
    description:
      - The owner of the key's file. Without it, an installed key has the owner of the key that it replaces.
      - A key of another user than root, this user, and the owner of the directory is refused.
    type: str
  privatekey_group:
    description:
      - The group of the key's file. Without it, an installed key has the group of the key that it replaces.
    type: str
  content:
    description:
      - The text of the certificate, and of the intermediate CAs after it. In check mode it may be empty, as M(etcd_pki.core.certificate)
        returns it if there is no certificate yet.
      - Exactly one of O(content) and O(src) is required.
    type: str
  src:
    description:
      - The certificate in a file of the host.
    type: path
  ca_content:
    description:
      - The text of the certificates of the CAs that etcd trusts. The module refuses the certificate if etcd would not accept it with
        these CAs, for example because it has expired. These CA certificates are not written.
    type: str
  ca_path:
    description:
      - The same certificates in a file of the host. In check mode it may be missing, if an earlier task would create it.
    type: path
  backup:
    description:
      - Keep a copy of a file that is replaced, next to it, with the date in its name.
    type: bool
    default: false
seealso:
  - module: etcd_pki.core.certificate_request
  - module: etcd_pki.core.certificate
notes:
  - A file is replaced as a whole or not at all, and never through a symbolic link. O(unsafe_writes) does not change that.
"""

EXAMPLES = r"""
- name: The certificate on its host, and the key that it is for
  etcd_pki.core.certificate_install:
    path: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}.pem
    privatekey_path: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}-key.pem
    privatekey_owner: etcd
    content: "{{ signed.certificate }}"
    ca_content: "{{ signed.ca }}"
"""

RETURN = r"""
reasons:
  description: Why something was changed, or in check mode would be changed.
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: The code of the finding. It is always null, because these reasons are no findings.
      type: str
    kind:
      description: The kind of the reason, which never changes.
      type: str
      sample: staged_key
    message:
      description: The reason in words.
      type: str
      sample: the staged key has its certificate
filename:
  description: The certificate's file.
  returned: always
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1.pem
privatekey_path:
  description: The key's file.
  returned: always
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1-key.pem
privatekey_changed:
  description: Whether the staged key replaced the key in use, or in check mode would replace it.
  returned: always
  type: bool
  sample: false
not_after:
  description: When the certificate expires. In check mode empty if there is no certificate yet.
  returned: always
  type: str
  sample: "2027-11-24T20:01:17Z"
backup_file:
  description: The copy of the certificate that was replaced.
  returned: if O(backup=true) and the certificate was replaced
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1.pem.2210.2026-11-24@20:01:17~
privatekey_backup_file:
  description: The copy of the key that was replaced, with its mode.
  returned: if O(backup=true) and the key was replaced
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1-key.pem.2210.2026-11-24@20:01:17~
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.etcd_pki.core.plugins.module_utils import facts
from ansible_collections.etcd_pki.core.plugins.module_utils.files import File, check_directory
from ansible_collections.etcd_pki.core.plugins.module_utils.library import library


def given(pki, parameters):
    """Returns the certificate that the task gives, and its chain."""
    contents = pki.read_file(parameters["src"]) if parameters["src"] else parameters["content"]
    return pki.Certificate.all_from_bytes(contents)


def verify(module, pki, certificates):
    """Fails if etcd would refuse the certificate with the CAs of the task."""
    path, cas = module.params["ca_path"], module.params["ca_content"]
    if module.check_mode and (cas == "" or (path and not os.path.exists(path))):
        # An earlier task would have created the CA
        return
    cas = pki.read_file(path) if path else cas
    if cas is not None:
        roots = pki.Certificate.all_from_bytes(cas)
        pki.Verifier(roots, intermediates=certificates[1:]).verify(certificates[0]).raise_for_reasons()


def missing_yet(module, pki):
    """Returns the reason if the certificate or the key is missing in check mode, because the task
    that creates it did not run.
    """
    parameters = module.params
    if parameters["content"] == "" or (parameters["src"] and not os.path.exists(parameters["src"])):
        return facts.reason("missing_certificate", "the certificate is not signed yet")
    key = parameters["privatekey_path"]
    if not os.path.exists(key) and not os.path.exists(pki.staged_key_path(key)):
        module.warn(f"privatekey_path: {key} is missing, and has to be made first")
        return facts.reason("missing_key", "the key is missing")
    return None


def changes(installed, before):
    """Returns the reasons of an installation."""
    reasons = []
    if installed.key:
        reasons.append(facts.reason("staged_key", "the staged key has its certificate"))
    elif installed.staged_key:
        reasons.append(facts.reason("staged_key", "an interrupted run has installed the staged key"))
    if installed.certificate and before is None:
        reasons.append(facts.reason("missing_certificate", "the certificate is missing"))
    elif installed.certificate:
        reasons.append(facts.reason("other_certificate", "another certificate is installed"))
    return reasons


def install(module, pki, certificate, key, result):
    """Installs the certificate, and its key if that is staged. Returns the certificate."""
    parameters = module.params
    certificates = given(pki, parameters)
    contents = b"".join(one.to_pem() for one in certificates)
    paths = pki.PairPaths(certificate.path, key.path)
    keywords = dict(key_owner=parameters["privatekey_owner"], passphrase=parameters["privatekey_passphrase"])
    planned = pki.install_certificate(paths, contents, dry_run=True, **keywords)
    result["reasons"] = changes(planned, certificate.read(pki))
    result["privatekey_changed"] = planned.key
    if planned.certificate:
        verify(module, pki, certificates)
    if planned.is_changed and not module.check_mode:
        if planned.certificate:
            certificate.keep()
        if planned.key:
            key.keep()
        pki.install_certificate(paths, contents, **keywords)
    return certificates[0]


def described(pki, contents):
    """Returns the facts of an installed certificate."""
    if contents is None:
        return {}
    try:
        return facts.of_certificate(pki.Certificate.all_from_bytes(contents)[0])
    except pki.Error:
        return dict(unreadable=True)


def run(module, pki, result):
    """Brings the certificate and its key to their files."""
    parameters = module.params
    for path in (parameters["path"], parameters["privatekey_path"]):
        check_directory(module, path)
    certificate = File(module, parameters["path"])
    key = File(module, parameters["privatekey_path"], secret=True, prefix="privatekey_")
    for file in (certificate, key):
        file.check_attributes(pki)
    before = certificate.read(pki)
    existing = [file for file in (certificate, key) if os.path.lexists(file.path)]
    was = described(pki, before)
    missing = missing_yet(module, pki) if module.check_mode else None
    if missing:
        result["reasons"], result["not_after"] = [missing], was.get("not_after", "")
        after = dict(to_be_signed=True)
    else:
        after = facts.of_certificate(install(module, pki, certificate, key, result))
        result["not_after"] = after["not_after"]
    result["changed"] = bool(result["reasons"])
    attributes = {}
    for file in (certificate, key):
        attributes[file] = dict(before={}, after={})
        # A new file had no other attributes before
        is_old = file in existing
        if file.set_attributes(attributes[file] if is_old else None) and is_old:
            result["changed"] = True
            result["reasons"].append(facts.reason("attributes", f"{file.path} had another owner, group or mode"))
    if result["reasons"]:
        after["reasons"] = facts.messages(result["reasons"])
    result["diff"] = dict(before=was, after=after)
    for time, shown in result["diff"].items():
        shown.update(attributes[certificate][time])
        if attributes[key][time]:
            shown["privatekey"] = attributes[key][time]
    for name, file in (("backup_file", certificate), ("privatekey_backup_file", key)):
        if file.backup_file:
            result[name] = file.backup_file


def main():
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type="path", required=True),
            privatekey_path=dict(type="path", required=True, no_log=False),
            privatekey_passphrase=dict(type="str", no_log=True),
            privatekey_mode=dict(type="raw", no_log=False),
            privatekey_owner=dict(type="str", no_log=False),
            privatekey_group=dict(type="str", no_log=False),
            content=dict(type="str"),
            src=dict(type="path"),
            ca_content=dict(type="str"),
            ca_path=dict(type="path"),
            backup=dict(type="bool", default=False),
        ),
        required_one_of=[("content", "src")],
        mutually_exclusive=[("content", "src"), ("ca_content", "ca_path")],
        add_file_common_args=True,
        supports_check_mode=True,
    )
    result = dict(
        changed=False,
        filename=module.params["path"],
        privatekey_path=module.params["privatekey_path"],
        privatekey_changed=False,
    )
    with library(module) as pki:
        run(module, pki, result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
