#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: export
short_description: Copy the files of one host to a separate directory
description:
  - Copies the files of one host from a directory with the files of all hosts, as M(etcd_pki.core.cluster) writes them, into a
    separate directory. They have the paths, modes and owners that they need on the host.
  - The files are the keys and certificates of the host, and the certificates of the CAs. The key of a CA is never among them.
  - Each pair is checked first. Its key must match the certificate, and a CA of the cluster must have signed it.
  - To bring the directory to the host, use a module such as M(ansible.builtin.copy), from the machine on which this module runs.
version_added: 0.1.0
author: etcd-pki (@etcd-pki)
extends_documentation_fragment:
  - etcd_pki.core.common.attributes
  - etcd_pki.core.common.specification
options:
  directory:
    description:
      - The directory with the files of all hosts.
    type: path
    required: true
  host:
    description:
      - The name of the member or node whose files are copied.
    type: str
    required: true
  dest:
    description:
      - The directory for the files. It is created if it is missing.
      - Use a separate directory for each host. Without O(overwrite), it must be empty or up to date.
    type: path
    required: true
  overwrite:
    description:
      - Replace files in O(dest) that are not up to date. Other files in it stay, for example the key of an earlier export that the host
        no longer uses. RV(other_files) lists them.
    type: bool
    default: false
seealso:
  - module: etcd_pki.core.cluster
"""

EXAMPLES = r"""
- name: The files of each host, on the controller
  etcd_pki.core.export:
    directory: pki
    members: "{{ etcd_members }}"
    host: "{{ inventory_hostname }}"
    dest: export/{{ inventory_hostname }}
    overwrite: true
  delegate_to: localhost

- name: The same files on the host
  ansible.builtin.copy:
    src: export/{{ inventory_hostname }}/
    dest: /etc/ssl/etcd/ssl/
    mode: preserve
"""

RETURN = r"""
changes:
  description: The files that were written, or in check mode would be written.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: export/etcd-1/member-etcd-1.pem
    source:
      description: The file in O(directory).
      type: str
      sample: pki/member-etcd-1.pem
    state:
      description: The earlier state of the file, V(missing), V(other contents) or V(other permissions).
      type: str
      sample: missing
  sample: []
files:
  description: All files of the host in O(dest).
  returned: success
  type: list
  elements: str
  sample: [export/etcd-1/ca.pem, export/etcd-1/member-etcd-1.pem, export/etcd-1/member-etcd-1-key.pem]
other_files:
  description: The other files in O(dest), without hidden files. The module does not remove them. There may be private keys among them.
  returned: success
  type: list
  elements: str
  sample: []
unset_owners:
  description:
    - The owner and the group of O(files) that could not be set, because this machine does not know them, or because the user is not root.
      Set them on the host. Empty if nothing was written.
  returned: success
  type: list
  elements: str
  sample: []
dest:
  description: The directory with the files.
  returned: success
  type: str
  sample: export/etcd-1
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.etcd_pki.core.plugins.module_utils.library import library
from ansible_collections.etcd_pki.core.plugins.module_utils.specification import SPECIFICATION, specification

UP_TO_DATE = "up to date"


def described(pki, path, is_secret):
    """Returns the facts of a file for the diff; empty for a missing file."""
    try:
        if is_secret:
            return dict(public_key_fingerprint=pki.PrivateKey.from_file(path).public_key.fingerprint_sha256)
        certificates = pki.Certificate.all_from_bytes(pki.read_file(path))
    except FileNotFoundError:
        return {}
    except (pki.Error, OSError):
        return dict(unreadable=True)
    return dict(certificates=[f"{one.subject}, SHA-256 {one.fingerprint_sha256}" for one in certificates])


def difference(pki, changes):
    """Returns the state of each file before and after."""
    before, after = {}, {}
    for file in changes:
        path = str(file.path)
        before[path] = described(pki, file.path, file.is_secret)
        after[path] = dict(described(pki, file.source, file.is_secret), reason=file.state)
    return dict(before={path: shown for path, shown in before.items() if shown}, after=after)


def export(module, pki, cluster):
    """Writes the files that are not up to date, and returns the result."""
    host, dest = module.params["host"], module.params["dest"]
    found = cluster.export_changes(dest, host=host)
    changes = [file for file in found.files if file.state != UP_TO_DATE]
    if changes and found.needs_overwrite and not module.params["overwrite"]:
        module.fail_json(
            msg=f"{dest} has files, and {changes[0].path} is not up to date: {changes[0].state} "
            "(hint: use an empty directory, or give overwrite: true)"
        )
    # Before the files change
    diff = difference(pki, changes)
    unset_owners = []
    if changes and not module.check_mode:
        exported = cluster.export(dest, host=host, overwrite=module.params["overwrite"])
        unset_owners = exported.unset_owners
        if unset_owners:
            module.warn(f"the owner cannot be set to {' and '.join(unset_owners)} here: set it on the host")
    return dict(
        changed=bool(changes),
        changes=[dict(path=str(file.path), source=str(file.source), state=file.state) for file in changes],
        files=[str(file.path) for file in found.files],
        other_files=[str(path) for path in found.other_files],
        unset_owners=unset_owners,
        dest=dest,
        diff=diff,
    )


def main():
    module = AnsibleModule(
        argument_spec=dict(
            host=dict(type="str", required=True),
            dest=dict(type="path", required=True),
            overwrite=dict(type="bool", default=False),
            **SPECIFICATION,
        ),
        supports_check_mode=True,
    )
    with library(module) as pki:
        cluster = pki.Cluster.from_mapping(specification(module.params))
        module.exit_json(**export(module, pki, cluster))


if __name__ == "__main__":
    main()
