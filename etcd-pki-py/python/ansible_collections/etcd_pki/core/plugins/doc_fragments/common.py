# SPDX-License-Identifier: MIT OR Apache-2.0

"""Documentation that several modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments for modules that write, that only read, that write one file, and that have options
    for the subject of a certificate or for the specification of a cluster.
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

    SPECIFICATION = r"""
options:
  layout:
    description:
      - The names of the files, as different tools use them.
    type: str
    choices: [kubespray, kubeadm, cfssl, k3s, etcdadm]
    default: kubespray
  ca:
    description:
      - The CA.
    type: dict
    suboptions:
      common_name:
        description: Its common name, by default C(etcd-ca).
        type: str
      organization:
        description: Its organization.
        type: str
      algorithm:
        description: The algorithm of its key.
        type: str
      validity:
        description: How long its certificate is valid, by default ten years.
        type: str
      peers:
        description: Whether members have a separate CA for the peer port. With V(separate), the peer port accepts no client.
        type: str
        choices: [shared, separate]
      peer_common_name:
        description: The common name of the peer CA.
        type: str
      record:
        description:
          - Whether issued certificates are added to the record of the directory's CAs, C(.etcd-pki-issued.jsonl), which
            C(etcd-pki ca issued) shows. The default is V(true).
        type: bool
  defaults:
    description:
      - Values for entries that do not have their own.
    type: dict
    suboptions:
      algorithm:
        description: The algorithm of keys, such as V(ec-p256), V(ed25519) or V(rsa-2048).
        type: str
      validity:
        description: How long certificates are valid, by default one year, with the profile V(kubespray) 36500 days.
        type: str
      renew_before:
        description: How long before they expire they are renewed, such as V(30d) or V(33%), by default thirty days.
        type: str
      profile:
        description: V(strict) gives each role what it needs. V(kubespray) gives what Kubespray's script gives.
        type: str
        choices: [strict, kubespray]
      san:
        description: V(given) uses only the given alternative names. Otherwise the names of members and the loopback names are added.
        type: str
        choices: [given]
  shared_names:
    description:
      - Names and addresses in every member's certificate, such as the name of a load balancer.
    type: list
    elements: str
  members:
    description:
      - The members of etcd. Each is a name, or a dictionary with C(name) and optionally C(names), C(addresses), C(common_name),
        C(organization), C(algorithm), C(validity) and C(ports).
    type: list
    elements: raw
  nodes:
    description:
      - Hosts that connect to etcd as clients, such as those of kube-apiserver. Each is as in O(members), and may have C(san=none) and
        C(allow_member_common_name).
    type: list
    elements: raw
  clients:
    description:
      - Users of etcd. Each is as in O(nodes).
    type: list
    elements: raw
  admin:
    description:
      - The client that the layout's tools expect for each member, as a dictionary with C(organization), C(algorithm), C(validity) and
        C(san=none). V(none) makes no such client.
    type: raw
  files:
    description:
      - Owner, group and modes of the files. Without a field, existing files keep what they have.
    type: dict
    suboptions:
      owner:
        description: Their owner.
        type: str
      group:
        description: Their group.
        type: str
      key_mode:
        description: The mode of keys, in quotes, by default V('0600').
        type: raw
      certificate_mode:
        description: The mode of certificates, in quotes, by default V('0644').
        type: raw
      directory_mode:
        description: The mode of directories, in quotes, by default V('0700').
        type: raw
      ca:
        description:
          - Owner and group of a CA's files, and the mode of its key. The fields above do not apply to a CA's key.
        type: dict
        suboptions:
          owner:
            description: Their owner. By default the key belongs to the user who makes it.
            type: str
          group:
            description: Their group.
            type: str
          key_mode:
            description: The mode of the key, in quotes, by default V('0600').
            type: raw
  ports:
    description:
      - The ports of all members. No file has them; they are for commands that connect to the members.
    type: dict
    suboptions:
      client:
        description: The port for clients, by default 2379.
        type: int
      peer:
        description: The port for peers, by default 2380.
        type: int
  revoked:
    description:
      - Certificates that etcd refuses before they expire. The task adds them to C(revoked.crl), which etcd reads, and to C(revoked.pem).
        Each is a dictionary with C(client), C(host) or C(serial), and optionally C(reason), such as C(keyCompromise).
      - Copy C(revoked.crl) to the members. Open connections stay open. Remove a revoked member from the cluster first.
    type: list
    elements: dict
    suboptions:
      client:
        description: The client with the certificates.
        type: str
      host:
        description: The member or node with the certificates.
        type: str
      serial:
        description: The serial number of the certificate, in hexadecimal and in quotes.
        type: raw
      reason:
        description: The reason in the list, by its name in RFC 5280. etcd ignores it.
        type: str
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
