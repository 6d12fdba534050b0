# SPDX-License-Identifier: MIT OR Apache-2.0

"""Documentation that several modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments for modules that write, that only read, that write one file, and that have options
    for the subject of a certificate.
    """

    FILE = r"""
options:
  state:
    description:
      - Whether the file at O(path) must exist.
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - Make the file at O(path) again, even if it is up to date. This never replaces a private key.
    type: bool
    default: false
  backup:
    description:
      - Keep a copy of a file that is replaced or removed, next to it, with the date in its name.
    type: bool
    default: false
notes:
  - A file is replaced as a whole or not at all, and never through a symbolic link. O(unsafe_writes) does not change that.
"""

    IDENTITY = r"""
options:
  role:
    description:
      - The role of the certificate. A V(member) is an etcd server, and also a client of other members. A V(node), such as a host with
        kube-apiserver, and a V(client), a user, are clients only, and etcd's peer port refuses them.
      - Required if O(state=present).
    type: str
    choices: [member, node, client]
  name:
    description:
      - The name of the host or user. The common name follows from it. It is C(etcd-member-NAME), C(etcd-node-NAME), or for a client the
        name itself. A member's certificate is also valid for this name.
      - Required if O(state=present) and there is no O(common_name).
    type: str
  names:
    description:
      - The names and addresses by which clients connect to the host. Text in the form of an address is an address, other text is a DNS
        name. The prefixes C(DNS:), C(IP:) and C(URI:) set the type. An element may list several with commas, as in OpenSSL.
      - A member's certificate also has C(localhost), C(127.0.0.1) and C(::1). A node's or a client's certificate without names has the
        address C(0.0.0.0), so that etcd's peer port refuses it.
    type: list
    elements: str
    aliases: [subject_alt_name]
  common_name:
    description:
      - A common name, instead of the one that follows from O(role) and O(name). etcd's RBAC uses it as the user.
    type: str
  organization:
    description:
      - The organization in the subject.
    type: str
  profile:
    description:
      - V(strict) gives each role only what it needs. V(kubespray) makes certificates as Kubespray's script does, each with the usages of
        servers and clients.
    type: str
    choices: [strict, kubespray]
    default: strict
  allow_member_common_name:
    description:
      - Let a node or a client have a common name that begins like a member's.
    type: bool
    default: false
"""

    ATTRIBUTES = r"""
requirements:
  - The Python package etcd-pki (C(pip install etcd-pki)) on the host on which the module runs, for Python 3.9 or later.
attributes:
  check_mode:
    description: Can run in check_mode and return what would change, with all reasons, without changing anything.
    support: full
  diff_mode:
    description: Returns the state before and after, without secrets.
    support: full
  idempotent:
    description: When run twice in a row outside check mode with the same arguments, the second run changes nothing.
    support: full
"""

    ATTRIBUTES_OF_FACTS = r"""
requirements:
  - The Python package etcd-pki (C(pip install etcd-pki)) on the host on which the module runs, for Python 3.9 or later.
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
  idempotent:
    description: Changes nothing in any mode.
    support: full
"""
