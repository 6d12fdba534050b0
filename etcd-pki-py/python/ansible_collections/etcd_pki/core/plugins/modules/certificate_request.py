#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_request
short_description: A private key and a certificate request for etcd, on the host that uses them
description:
  - Makes a private key on the host, and a certificate request for it. The key never leaves the host. The request goes to the machine
    with the CA, where M(etcd_pki.core.certificate) signs it.
  - An existing key is used. It is never replaced, unless O(regenerate) allows it.
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
    details: Not with O(force=true), which makes a request in each run, and not with O(regenerate=always), which makes a key.
options:
  path:
    description:
      - The file of the request. O(mode), O(owner) and O(group) are for this file, and O(mode) is text, in quotes.
      - A file with a private key is neither replaced nor removed.
    type: path
    required: true
  privatekey_path:
    description:
      - The file of the private key. If there is none, the key is made before the request.
      - Exactly one of O(privatekey_path) and O(privatekey_content) is required if O(state=present).
    type: path
  privatekey_content:
    description:
      - The text of the private key, if it is not in a file of the host. It is not written.
    type: str
  privatekey_passphrase:
    description:
      - The passphrase of the private key. A new key is encrypted with it. etcd cannot read an encrypted key.
    type: str
  privatekey_mode:
    description:
      - The mode of the key's file, octal and in quotes. A mode that gives access to others than the owner and the group is refused.
      - Without it, a new key has mode 0600, and an existing key is closed to others than the owner and the group.
    type: raw
  privatekey_owner:
    description:
      - The owner of the key's file.
    type: str
  privatekey_group:
    description:
      - The group of the key's file.
    type: str
  algorithm:
    description:
      - The algorithm of the key. Without it, a new key has V(ec-p256), or V(rsa-2048) with O(profile=kubespray), and an existing key
        may have any algorithm.
    type: str
    choices: [ec-p256, ec-p384, ed25519, rsa-2048, rsa-3072, rsa-4096]
  regenerate:
    description:
      - What to do with a key at O(privatekey_path) that has another O(algorithm) or cannot be read.
      - V(never) uses a key of another algorithm, and fails if it cannot be read.
      - V(fail) fails in both cases.
      - V(partial_idempotence) replaces a key of another algorithm, and fails if it cannot be read.
      - V(full_idempotence) replaces it in both cases.
      - V(always) makes a new key in each run.
      - A certificate does not match a replaced key. etcd works again when the new certificate is installed. O(staged=true) avoids this
        gap.
    type: str
    choices: [never, fail, partial_idempotence, full_idempotence, always]
    default: fail
  staged:
    description:
      - Keep the pair in use until the certificate for a new key is installed. If a later task fails, the old pair works as before.
      - A new key is made in a hidden file next to O(privatekey_path), such as C(.member-etcd-1-key.pem.next), and the request is for this
        key. M(etcd_pki.core.certificate_install) installs the key together with its certificate. Until then, each run uses the same
        staged key, unless O(algorithm) differs or O(regenerate=always).
      - Needs O(privatekey_path). If there is no key at O(privatekey_path), the key is made there.
    type: bool
    default: false
  return_content:
    description:
      - Return the request, to sign it on another machine.
    type: bool
    default: false
seealso:
  - module: etcd_pki.core.certificate
  - module: etcd_pki.core.certificate_install
  - module: community.crypto.openssl_csr
"""

EXAMPLES = r"""
- name: A key and a request on each member
  etcd_pki.core.certificate_request:
    path: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}.csr
    privatekey_path: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}-key.pem
    privatekey_owner: etcd
    role: member
    name: "{{ inventory_hostname }}"
    names: ["{{ ansible_host }}"]
    return_content: true
  register: request

- name: A new key with another algorithm, while etcd uses the old pair until the new one is installed
  etcd_pki.core.certificate_request:
    path: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}.csr
    privatekey_path: /etc/ssl/etcd/ssl/member-{{ inventory_hostname }}-key.pem
    algorithm: ec-p384
    regenerate: partial_idempotence
    staged: true
    role: member
    name: "{{ inventory_hostname }}"
    names: ["{{ ansible_host }}"]
    return_content: true
  register: request

- name: A key and a request for a client
  etcd_pki.core.certificate_request:
    path: /home/backup/etcd.csr
    privatekey_path: /home/backup/etcd-key.pem
    role: client
    name: backup
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
  description: The request's file.
  returned: always
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1.csr
privatekey_path:
  description: The key's file.
  returned: if O(privatekey_path) is given
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1-key.pem
staged:
  description: Whether the request is for a staged key.
  returned: if O(state=present)
  type: bool
  sample: false
staged_privatekey_path:
  description: The file of the staged key.
  returned: if O(staged=true)
  type: str
  sample: /etc/ssl/etcd/ssl/.member-etcd-1-key.pem.next
csr:
  description: The request in PEM. In check mode the existing request, or empty if there is none or if its key would be new.
  returned: if O(state=present) and O(return_content=true)
  type: str
  sample: "-----BEGIN CERTIFICATE REQUEST-----..."
subject:
  description: The subject, as RFC 4514 text, also in check mode without a key.
  returned: if O(state=present)
  type: str
  sample: CN=etcd-member-etcd-1
public_key_fingerprint:
  description: SHA-256 of the public key. In check mode empty if there is no key yet.
  returned: if O(state=present)
  type: str
  sample: 4A3F09...
backup_file:
  description: The copy of the request that was replaced or removed.
  returned: if O(backup=true) and something was
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1.csr.2210.2026-11-24@20:01:17~
privatekey_backup_file:
  description: The copy of the key that was replaced, with its mode.
  returned: if O(backup=true) and it was
  type: str
  sample: /etc/ssl/etcd/ssl/member-etcd-1-key.pem.2210.2026-11-24@20:01:17~
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.etcd_pki.core.plugins.module_utils import facts
from ansible_collections.etcd_pki.core.plugins.module_utils.files import File, check_directory
from ansible_collections.etcd_pki.core.plugins.module_utils.identity import OPTIONS, REQUIRED_IF, identity, profile
from ansible_collections.etcd_pki.core.plugins.module_utils.library import library


class Key:
    """The private key: an existing key, or a new one."""

    def __init__(self, module, pki):
        self.module, self.pki = module, pki
        parameters = module.params
        self.path = parameters["privatekey_path"]
        self.reasons = []
        self.file = self.staged_file = None
        # Whether the request is for a staged key
        self.is_staged = False
        self.passphrase = parameters["privatekey_passphrase"]
        self.existing = []
        if self.path is None:
            if parameters["staged"]:
                module.fail_json(msg="staged: there is no file to stage a key next to (hint: give privatekey_path)")
            content = parameters["privatekey_content"]
            self.key = pki.PrivateKey.from_pem(content, passphrase=self.passphrase)
            self._warn_if_clear("privatekey_content", lambda: pki.PrivateKey.from_pem(content))
            self._is_used()
            return
        check_directory(module, self.path)
        self.file = File(module, self.path, secret=True, prefix="privatekey_")
        self.file.check_attributes(pki)
        files = [self.file]
        if parameters["staged"]:
            self.staged_file = File(module, str(pki.staged_key_path(self.path)), secret=True, prefix="privatekey_")
            files.append(self.staged_file)
        self.existing = [file for file in files if file.read(pki) is not None]
        self.key = self._staged() or self._found()

    def _staged(self):
        """Returns the key that an earlier run has staged; None if there is none, or if it does not
        fit, or if it is installed.
        """
        parameters = self.module.params
        if self.staged_file not in self.existing or parameters["regenerate"] == "always":
            return None
        try:
            staged = self.pki.PrivateKey.from_file(self.staged_file.path, passphrase=self.passphrase)
        except self.pki.FormatError:
            return None
        if parameters["algorithm"] not in (None, str(staged.algorithm)):
            return None
        try:
            current = self.pki.PrivateKey.from_file(self.path, passphrase=self.passphrase)
        except self.pki.Error:
            current = None
        if current and current.public_key == staged.public_key:
            return None
        self._warn_if_clear(self.staged_file.path, lambda: self.pki.PrivateKey.from_file(self.staged_file.path))
        self.is_staged = True
        return staged

    def _found(self):
        """Returns the existing key; None if there is none, or if it must be replaced."""
        regenerate = self.module.params["regenerate"]
        if self.file not in self.existing:
            self.reasons.append(facts.reason("missing_key", "the key is missing"))
            return None
        if regenerate == "always":
            self.reasons.append(facts.reason("regenerate", "a new key was requested"))
            return None
        try:
            self.key = self.pki.PrivateKey.from_file(self.path, passphrase=self.passphrase)
        except self.pki.Error as error:
            if regenerate != "full_idempotence" or isinstance(error, OSError):
                raise
            self.reasons.append(facts.reason("unreadable", f"the key is unreadable: {error}"))
            return None
        if not self._is_used():
            return None
        self._warn_if_clear(self.path, lambda: self.pki.PrivateKey.from_file(self.path))
        return self.key

    def _warn_if_clear(self, place, read):
        """Warns if there is a passphrase but the key is not encrypted, as the user expects."""
        if self.passphrase is None:
            return
        try:
            read()
        except self.pki.errors.EncryptedKeyError:
            return
        self.module.warn(
            f"{place} is not encrypted, and stays so: privatekey_passphrase encrypts only a new key (regenerate: always makes one)"
        )

    def _is_used(self):
        """Whether the existing key is used: its algorithm is right, or every algorithm is accepted.
        Fails if the algorithm is wrong, and the task neither accepts nor replaces the key.
        """
        wanted, regenerate = self.module.params["algorithm"], self.module.params["regenerate"]
        if wanted in (None, str(self.key.algorithm)) or regenerate == "never":
            return True
        difference = f"the key is {self.key.algorithm}, should be {wanted}"
        if self.path is None or regenerate == "fail":
            place = self.path or "privatekey_content"
            self.module.fail_json(
                msg=f"{place}: {difference}; it is not replaced unless regenerate says so (regenerate: partial_idempotence), "
                "or used as it is (regenerate: never)"
            )
        self.reasons.append(facts.reason("algorithm", difference))
        return False

    def made(self):
        """Returns the key. Without one, generates it, in check mode only for this run."""
        if self.key is not None:
            return self.key
        parameters = self.module.params
        key = self.pki.PrivateKey.generate(parameters["algorithm"] or profile(self.pki, parameters).algorithm)
        secret = key.to_secret_pem() if self.passphrase is None else key.to_encrypted_pem(self.passphrase)
        self.is_staged = self.staged_file is not None and self.file in self.existing
        self.used_file.write(self.pki, secret)
        return key

    @property
    def used_file(self):
        """The file of the key that the request is for."""
        return self.staged_file if self.is_staged else self.file


def difference(pki, found, wanted):
    """Returns the differences between the existing request and the desired one."""
    if found is None:
        return [facts.reason("missing_request", "the request is missing")]
    try:
        found = pki.CertificateRequest.from_pem(found)
    except pki.Error as error:
        return [facts.reason("unreadable", f"the request is unreadable: {error}")]
    reasons = []
    if found.public_key != wanted.public_key:
        reasons.append(facts.reason("other_key", "the request is for another key"))
    have, want = ([str(claim) for claim in request.claims] for request in (found, wanted))
    reasons += [facts.reason("missing_claim", f"{claim} is missing") for claim in want if claim not in have]
    reasons += [facts.reason("extra_claim", f"{claim} is not requested") for claim in have if claim not in want]
    return reasons


def present(module, pki, result):
    """Creates the request and its key, if they are missing or differ."""
    parameters = module.params
    who, what = identity(pki, parameters), profile(pki, parameters)
    # Invalid names fail here, before a key is generated
    pki.CertificateRequest.create(pki.PrivateKey.generate(), what, who)
    check_directory(module, parameters["path"])
    file = File(module, parameters["path"])
    file.check_attributes(pki)
    before = file.read(pki)
    key = Key(module, pki)
    private_key = key.made()
    request = pki.CertificateRequest.create(private_key, what, who)
    reasons = difference(pki, before, request)
    if not reasons and parameters["force"]:
        reasons = [facts.reason("force", "it was requested (force)")]
    if reasons:
        file.write(pki, request.to_pem())
    result["reasons"] = key.reasons + reasons
    result["changed"] = bool(result["reasons"])
    changes = {}
    existing = [*key.existing, file] if before is not None else key.existing
    for kept in filter(None, (key.file, key.staged_file, file)):
        was_there = kept in existing
        changes[kept] = dict(before={}, after={})
        # A new file had no other attributes before
        if kept.set_attributes(changes[kept] if was_there else None) and was_there:
            result["changed"] = True
            result["reasons"].append(facts.reason("attributes", f"{kept.path} had another owner, group or mode"))
    result["subject"] = request.subject
    result["staged"] = key.is_staged
    if key.staged_file is not None:
        result["staged_privatekey_path"] = key.staged_file.path
    unmade = module.check_mode and key.key is None
    result["public_key_fingerprint"] = "" if unmade else private_key.public_key.fingerprint_sha256
    if parameters["return_content"]:
        content = before if module.check_mode else file.read(pki)
        # The request for a key that must be replaced is left out: a CA must not sign it again
        result["csr"] = "" if unmade or content is None else content.decode()
    if key.file is not None and key.used_file.backup_file:
        result["privatekey_backup_file"] = key.used_file.backup_file
    after = facts.of_request(request)
    if unmade:
        after["public_key_fingerprint"] = "that of a new key"
    if result["reasons"]:
        after["reasons"] = facts.messages(result["reasons"])
    result["diff"] = dict(before=described(pki, before), after=after)
    for time, shown in result["diff"].items():
        shown.update(changes[file][time])
        for name, kept in (("privatekey", key.file), ("staged_privatekey", key.staged_file)):
            if kept is not None and changes[kept][time]:
                shown[name] = changes[kept][time]
    return file


def described(pki, contents):
    """Returns the facts of the earlier request."""
    if contents is None:
        return {}
    try:
        return facts.of_request(pki.CertificateRequest.from_pem(contents))
    except pki.Error:
        return dict(unreadable=True)


def absent(module, pki, result):
    """Removes the request. The key stays."""
    file = File(module, module.params["path"])
    before = file.read(pki)
    result["changed"] = file.remove(pki)
    result["reasons"] = [facts.reason("absent", "state is absent")] if result["changed"] else []
    after = dict(reasons=facts.messages(result["reasons"])) if result["changed"] else {}
    result["diff"] = dict(before=described(pki, before), after=after)
    return file


def main():
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type="path", required=True),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            privatekey_path=dict(type="path", no_log=False),
            privatekey_content=dict(type="str", no_log=True),
            privatekey_passphrase=dict(type="str", no_log=True),
            privatekey_mode=dict(type="raw", no_log=False),
            privatekey_owner=dict(type="str", no_log=False),
            privatekey_group=dict(type="str", no_log=False),
            algorithm=dict(type="str", choices=["ec-p256", "ec-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"]),
            regenerate=dict(
                type="str",
                choices=["never", "fail", "partial_idempotence", "full_idempotence", "always"],
                default="fail",
            ),
            staged=dict(type="bool", default=False),
            force=dict(type="bool", default=False),
            backup=dict(type="bool", default=False),
            return_content=dict(type="bool", default=False),
            **OPTIONS,
        ),
        required_if=[("state", "present", ["privatekey_path", "privatekey_content"], True), *REQUIRED_IF],
        mutually_exclusive=[("privatekey_path", "privatekey_content")],
        add_file_common_args=True,
        supports_check_mode=True,
    )
    result = dict(changed=False, filename=module.params["path"])
    if module.params["privatekey_path"]:
        result["privatekey_path"] = module.params["privatekey_path"]
    with library(module) as pki:
        work = present if module.params["state"] == "present" else absent
        file = work(module, pki, result)
        if file.backup_file:
            result["backup_file"] = file.backup_file
    module.exit_json(**result)


if __name__ == "__main__":
    main()
