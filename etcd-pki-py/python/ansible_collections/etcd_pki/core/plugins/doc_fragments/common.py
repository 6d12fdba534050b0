# SPDX-License-Identifier: MIT OR Apache-2.0

"""What the documentation of several modules says."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: of modules that write and that only tell, of those that write one file, and of those that say for whom a certificate
    is."""

    FILE = r"""
options:
  state:
    description:
      - Whether the file at O(path) should be there.
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - Make what is at O(path) anew even if it is as it should be. A private key is never made anew because of this.
    type: bool
    default: false
  backup:
    description:
      - Keep a copy of a file that is replaced or removed, beside it and with the date in its name.
    type: bool
    default: false
notes:
  - Files come whole or not at all, and never through a symbolic link. O(unsafe_writes) changes nothing about that.
"""

    IDENTITY = r"""
options:
  role:
    description:
      - What the certificate is for. A V(member) of etcd serves and dials; a V(node), such as a host of kube-apiserver, and a
        V(client), a user, only dial, and etcd's peer port refuses them.
      - Required if O(state=present).
    type: str
    choices: [member, node, client]
  name:
    description:
      - The host's or the user's name. The common name follows from it, C(etcd-member-NAME), C(etcd-node-NAME) or, for a client, the
        name itself, and a member's certificate is valid for it.
      - Required if O(state=present) and there is no O(common_name).
    type: str
  names:
    description:
      - By which names and addresses the host is dialled. What reads as an address is an address, anything else a DNS name; C(DNS:),
        C(IP:) and C(URI:) before it say which. An element may list several with commas, as OpenSSL does.
      - A member's certificate also has C(localhost), C(127.0.0.1) and C(::1). A node's or a client's without names has the address
        C(0.0.0.0), with which etcd's peer port refuses it.
    type: list
    elements: str
    aliases: [subject_alt_name]
  common_name:
    description:
      - Another common name than the one that follows from O(role) and O(name). It is the user that etcd's access control sees.
    type: str
  organization:
    description:
      - The organization in the subject.
    type: str
  profile:
    description:
      - V(strict) lets each role do what it needs and no more. V(kubespray) follows the habits of Kubespray's script, under which each
        certificate may serve and dial.
    type: str
    choices: [strict, kubespray]
    default: strict
  allow_member_common_name:
    description:
      - Let a node or a client have a common name that begins as a member's does.
    type: bool
    default: false
"""

    ATTRIBUTES = r"""
requirements:
  - The Python package etcd-pki (C(pip install etcd-pki)) on the host on which the module runs, for Python 3.9 or later.
attributes:
  check_mode:
    description: Can run in check_mode and return what would change, with every reason, without changing anything.
    support: full
  diff_mode:
    description: Returns what was and what is, of which nothing is secret.
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
