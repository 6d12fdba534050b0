#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: The certificate authority, keys and certificates of a whole etcd cluster
description:
  - Has all files of a cluster in a directory as its specification says, in one call, and tells each change with every reason.
  - The options are the fields of the specification that the command C(etcd-pki apply) reads.
  - A certificate is made anew where a name or usage differs, where it ends soon, or where its authority is another. Its key stays,
    so that etcd, which reads a pair at each handshake, always finds one that matches.
  - An authority is never replaced. What one has signed whose files are gone fails the task.
  - With no members, nodes and clients it is the authority alone, which M(etcd_pki.core.certificate) signs with.
version_added: 0.1.0
author: etcd-pki (@etcd-pki)
extends_documentation_fragment:
  - etcd_pki.core.common.attributes
options:
  directory:
    description:
      - Where the files go. It is made if it is missing.
    type: path
    required: true
  layout:
    description:
      - What the files are called, and so which tools find them.
    type: str
    choices: [kubespray, kubeadm, cfssl, k3s, etcdadm]
    default: kubespray
  ca:
    description:
      - The authority.
    type: dict
    suboptions:
      common_name:
        description: Its common name, C(etcd-ca) if nothing is said.
        type: str
      organization:
        description: Its organization.
        type: str
      algorithm:
        description: The algorithm of its key.
        type: str
      validity:
        description: How long its certificate is valid, ten years if nothing is said.
        type: str
      peers:
        description: Whether members have another authority for the peer port, so that no client's certificate is taken there.
        type: str
        choices: [shared, separate]
      peer_common_name:
        description: The common name of the authority for the peer port.
        type: str
  defaults:
    description:
      - What each entry has that does not say it itself.
    type: dict
    suboptions:
      algorithm:
        description: The algorithm of keys, such as V(ec-p256), V(ed25519) or V(rsa-2048).
        type: str
      validity:
        description: How long certificates are valid, a year if nothing is said.
        type: str
      renew_before:
        description: How long before their end they are renewed, V(30d) or V(33%), thirty days if nothing is said.
        type: str
      profile:
        description: Whose habits they follow.
        type: str
        choices: [strict, kubespray]
      san:
        description: V(given) leaves alternative names as they are given, without those of members and loopback's, which are added otherwise.
        type: str
        choices: [given]
  shared_names:
    description:
      - Names and addresses in every member's certificate, such as that of a load balancer.
    type: list
    elements: str
  members:
    description:
      - The members of etcd. Each is a name, or a dictionary with C(name) and, if need be, C(names), C(addresses), C(common_name),
        C(organization), C(algorithm) and C(validity).
    type: list
    elements: raw
  nodes:
    description:
      - Hosts that only dial etcd, as those of kube-apiserver do. Each is as in O(members), and may have C(san=none) and
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
      - What the client beside each member has other than all others, as a dictionary with C(organization), C(algorithm), C(validity) and
        C(san=none), or V(none) if there is to be no such client.
    type: raw
  files:
    description:
      - Whose the files are, and who may read them. What is not said stays as it is.
    type: dict
    suboptions:
      owner:
        description: Their owner.
        type: str
      group:
        description: Their group.
        type: str
      key_mode:
        description: The mode of keys, in quotes, V('0600') if nothing is said.
        type: raw
      certificate_mode:
        description: The mode of certificates, in quotes, V('0644') if nothing is said.
        type: raw
      directory_mode:
        description: The mode of directories, in quotes, V('0700') if nothing is said.
        type: raw
  host:
    description:
      - Only the files of this host, as they lie on it.
    type: str
  only:
    description:
      - Only the files of this host or user.
    type: str
  rekey:
    description:
      - Make a new key wherever a certificate is made anew. Between its two files there is an instant in which etcd may read a pair that
        does not match; it reads them again at the next handshake.
    type: bool
    default: false
  prune:
    description:
      - Remove the files of hosts and users that are gone, which RV(surplus) tells.
    type: bool
    default: false
  backup:
    description:
      - Keep what is replaced or removed, in hidden files beside it.
    type: bool
    default: false
  replace_links:
    description:
      - Put a pair of its own in the place of a symbolic link from one file of the directory to another, such as those by which Kubespray
        lets a control plane find its own pair under the names of the others. What the link leads to stays as it is.
      - Without it the task fails where such a link is to be written, and changes nothing. A link that leads out of the directory is
        never replaced.
    type: bool
    default: false
  ownca_privatekey_passphrase:
    description:
      - The passphrase of the authority's private key, with which a new one is encrypted.
    type: str
seealso:
  - module: etcd_pki.core.certificate_request
  - module: etcd_pki.core.certificate
"""

EXAMPLES = r"""
- name: All certificates of the cluster, on the controller
  etcd_pki.core.cluster:
    directory: pki
    # In group_vars/etcd.yml: etcd_member: {name: "{{ inventory_hostname }}", addresses: ["{{ ansible_host }}"]}
    members: "{{ groups['etcd'] | map('extract', hostvars, 'etcd_member') | list }}"
    nodes: "{{ groups['kube_control_plane'] }}"
    clients: [root, {name: backup, validity: 90d}]
    defaults: {renew_before: 30d}
  delegate_to: localhost
  run_once: true
  register: pki

- name: What is due, and why
  ansible.builtin.debug:
    msg: "{{ item.action }} {{ item.certificate }}: {{ item.reasons | join('; ') }}"
  loop: "{{ pki.changes }}"

- name: The authority alone
  etcd_pki.core.cluster:
    directory: /etc/etcd-ca
    ca: {common_name: etcd-ca, validity: 10y}
"""

RETURN = r"""
changes:
  description: What was done, or in check mode would be, in the order in which it is done. If it fails in the middle, what was done before.
  returned: success, and failure after the first change
  type: list
  elements: dict
  contains:
    action:
      description:
        - V(create) makes a key and its certificate, V(renew) a certificate for the key that is there, V(re-issue) both in the place of
          others. V(mode) sets modes or owners, V(remove) removes a pair that is surplus.
      type: str
      sample: renew
    certificate:
      description: The certificate's file.
      type: str
      sample: /etc/ssl/etcd/ssl/member-etcd-1.pem
    privatekey:
      description: The key's file.
      type: str
      sample: /etc/ssl/etcd/ssl/member-etcd-1-key.pem
    role:
      description: The role, V(authority) for an authority.
      type: str
      sample: member
    host:
      description: The host that uses it, if one does.
      type: str
      sample: etcd-1
    reasons:
      description: Every reason.
      type: list
      elements: str
      sample: ["expires in 12 days", "10.0.0.99 is missing"]
  sample: []
authority_changed:
  description: Whether an authority's certificate is among the changes, which etcd reads only when it starts.
  returned: success, and failure after the first change
  type: bool
  sample: false
next_due:
  description: When the first of the certificates will be due. None in check mode if all are to be made.
  returned: success
  type: str
  sample: "2027-10-25T20:01:17Z"
next_due_certificate:
  description: Which that is.
  returned: success
  type: str
  sample: /etc/ssl/etcd/ssl/client-backup.pem
surplus:
  description: Pairs of hosts and users that are gone. O(prune) removes them.
  returned: success
  type: list
  elements: dict
  contains:
    certificate:
      description: The certificate's file.
      type: str
      sample: /etc/ssl/etcd/ssl/member-etcd-9.pem
    privatekey:
      description: The key's file.
      type: str
      sample: /etc/ssl/etcd/ssl/member-etcd-9-key.pem
  sample: []
surplus_authority:
  description:
    - The authority of peers, where O(ca) has none apart any more. It is never removed, O(prune) or not. Remove it by hand once no member
      presents what it signed. None if there is none.
  returned: success
  type: dict
  contains:
    certificate:
      description: The certificate's file.
      type: str
      sample: /etc/ssl/etcd/ssl/peer-ca.pem
    privatekey:
      description: The key's file.
      type: str
      sample: /etc/ssl/etcd/ssl/peer-ca-key.pem
  sample: null
missing_authority_keys:
  description:
    - The keys of authorities that are to sign something, and are not there. In check mode they tell that the task would fail on this host.
  returned: success
  type: list
  elements: str
  sample: []
directory:
  description: Where the files are.
  returned: success
  type: str
  sample: /etc/ssl/etcd/ssl
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.etcd_pki.core.plugins.module_utils.library import explained, library
from ansible_collections.etcd_pki.core.plugins.module_utils.moment import rfc3339

SPECIFICATION = dict(
    layout=dict(type="str", choices=["kubespray", "kubeadm", "cfssl", "k3s", "etcdadm"], default="kubespray"),
    directory=dict(type="path", required=True),
    ca=dict(
        type="dict",
        options=dict(
            common_name=dict(type="str"),
            organization=dict(type="str"),
            algorithm=dict(type="str"),
            validity=dict(type="str"),
            peers=dict(type="str", choices=["shared", "separate"]),
            peer_common_name=dict(type="str"),
        ),
    ),
    defaults=dict(
        type="dict",
        options=dict(
            algorithm=dict(type="str"),
            validity=dict(type="str"),
            renew_before=dict(type="str"),
            profile=dict(type="str", choices=["strict", "kubespray"]),
            san=dict(type="str", choices=["given"]),
        ),
    ),
    shared_names=dict(type="list", elements="str"),
    members=dict(type="list", elements="raw"),
    nodes=dict(type="list", elements="raw"),
    clients=dict(type="list", elements="raw"),
    admin=dict(type="raw"),
    files=dict(
        type="dict",
        options=dict(
            owner=dict(type="str"),
            group=dict(type="str"),
            # As they were written: a number without quotes is no longer octal, and is refused
            key_mode=dict(type="raw", no_log=False),
            certificate_mode=dict(type="raw"),
            directory_mode=dict(type="raw"),
        ),
    ),
)
"""The fields of a specification."""

ATTEMPTS = 5
"""How often a plan is made anew because another process has changed a file in between."""


def specification(parameters):
    """What the task says, without what it does not say."""
    said = {field: parameters[field] for field in SPECIFICATION if parameters[field] is not None}
    for field in ("ca", "defaults", "files"):
        if field in said:
            said[field] = {name: value for name, value in said[field].items() if value is not None}
    return said


def planned(cluster, parameters):
    """What is to be done."""
    options = ("host", "only", "rekey", "prune", "backup", "replace_links")
    return cluster.plan(**{option: parameters[option] for option in options})


def check_links(pki, plan):
    """Fails as carrying out the plan would, where a link that is not to be replaced is in the way."""
    for step in plan.changes:
        for cause in step.causes:
            if cause.kind == "symbolic_link":
                raise pki.SymbolicLinkError(f"{cause.facts['path']} is a symbolic link")


def check_way(pki, plan):
    """Fails as carrying out the plan would in the end, where what is never replaced is in the way of a pair."""
    for step in plan.changes:
        for cause in step.causes:
            if cause.kind != "in_the_way":
                continue
            if os.path.islink(cause.facts["path"]):
                raise pki.SymbolicLinkError(f"{cause.facts['path']} is a symbolic link")
            raise pki.IoError(
                cause.facts["reason"], "move it, or run the task as the files' owner; it does the rest all the same"
            )


def check_authorities(pki, plan, passphrase):
    """Fails as carrying out the plan would, where the key of an authority that is there cannot sign."""
    signing = {step.wanted.issuer for step in plan.changes if str(step.action) != "mode"}
    for step in plan.steps:
        certificate, key = step.paths.certificate, step.paths.key
        if not step.wanted.is_authority or step.wanted.issuer not in signing:
            continue
        if os.path.exists(certificate) and os.path.exists(key):
            pki.CertificateAuthority.from_files(certificate, key, passphrase=passphrase, to_renew=True)


def carried_out(module, pki, cluster):
    """The plan that was carried out, or in check mode would be."""
    for attempt in range(1, ATTEMPTS + 1):
        plan = planned(cluster, module.params)
        before = snapshot(pki, plan, module.params["prune"])
        if not plan.has_work:
            break
        try:
            passphrase = module.params["ownca_privatekey_passphrase"]
            if module.check_mode:
                if not module.params["replace_links"]:
                    check_links(pki, plan)
                check_authorities(pki, plan, passphrase)
                check_way(pki, plan)
            else:
                plan.apply(passphrase=passphrase)
            break
        except pki.ChangedError:
            # Another task on the same directory was faster; nothing has been done
            if attempt == ATTEMPTS:
                raise
        except pki.Error as error:
            if not error.done:
                raise
            fail_in_the_middle(module, plan, error)
    return plan, before


def fail_in_the_middle(module, plan, error):
    """Fails, and tells what was done before."""
    planned = changes(plan, module.params["prune"])
    done = {str(file) for file in error.done}
    made = [change for change in planned if change["certificate"] in done]
    message = f"{explained(module, error)}; {len(made)} of {len(planned)} changes are done, and another run does the rest"
    module.fail_json(msg=message, changed=True, changes=made, authority_changed=has_authority(made))


def changes(plan, prune):
    """What a plan does, as results show it."""
    found = []
    for step in plan.changes:
        found.append(
            dict(
                paths(step.paths),
                action=str(step.action),
                role="authority" if step.wanted.is_authority else str(step.wanted.role),
                host=step.wanted.host,
                reasons=[str(cause) for cause in step.causes],
            )
        )
    for pair in plan.surplus if prune else []:
        found.append(dict(paths(pair), action="remove", role=None, host=None, reasons=["it is surplus"]))
    return found


def paths(pair):
    """The two files of a pair."""
    return dict(certificate=str(pair.certificate), privatekey=str(pair.key))


def has_authority(changes):
    """Whether an authority's certificate is among them."""
    return any(change["role"] == "authority" and change["action"] != "mode" for change in changes)


def snapshot(pki, plan, prune):
    """What there is of each pair that a plan changes, file by file; nothing where there is none."""
    found = {}
    for step in plan.changes:
        found.update(modes(step, "found") if str(step.action) == "mode" else certified(pki, step.paths))
    for pair in plan.surplus if prune else []:
        found.update(certified(pki, pair))
    return found


def certified(pki, pair):
    """The names in a certificate that is there."""
    try:
        certificate = pki.Certificate.from_file(pair.certificate)
    except (pki.Error, OSError):
        return {}
    return {str(pair.certificate): names(certificate.dns_names, certificate.ip_addresses, certificate.uris)}


def modes(step, which):
    """The modes that files have, or should have."""
    facts = [cause.facts for cause in step.causes if cause.kind == "mode"]
    return {str(fact["path"]): dict(mode=f"{fact[which]:04o}") for fact in facts}


def difference(plan, before, made):
    """What was and what is, file by file, with what was done to each pair and why."""
    after = {}
    for step in plan.changes:
        if str(step.action) == "mode":
            after.update(modes(step, "wanted"))
        else:
            after[str(step.paths.certificate)] = names(step.wanted.alternative_names or [])
    for change in made:
        done = dict(action=change["action"], reasons=change["reasons"])
        after.setdefault(change["certificate"], {}).update(done)
    return dict(before=before, after=after)


def names(*lists):
    """Alternative names, as differences show them."""
    return dict(names=sorted(str(name) for several in lists for name in several))


def main():
    module = AnsibleModule(
        argument_spec=dict(
            host=dict(type="str"),
            only=dict(type="str"),
            rekey=dict(type="bool", default=False, no_log=False),
            prune=dict(type="bool", default=False),
            backup=dict(type="bool", default=False),
            replace_links=dict(type="bool", default=False),
            ownca_privatekey_passphrase=dict(type="str", no_log=True),
            **SPECIFICATION,
        ),
        supports_check_mode=True,
    )
    prune = module.params["prune"]
    with library(module) as pki:
        cluster = pki.Cluster.from_mapping(specification(module.params))
        plan, before = carried_out(module, pki, cluster)
        made = changes(plan, prune)
        for step in plan.changes:
            for link in step.hard_links:
                module.warn(f"{link} has further names (hard links), which keep the old content")
        # What is due next is known of what is there
        rest = plan if module.check_mode or not made else planned(cluster, module.params)
        due = rest.first_due
        module.exit_json(
            changed=plan.has_work,
            changes=made,
            authority_changed=has_authority(made),
            next_due=due and rfc3339(due.due_utc),
            next_due_certificate=due and str(due.paths.certificate),
            surplus=[paths(pair) for pair in rest.surplus],
            surplus_authority=rest.surplus_authority and paths(rest.surplus_authority),
            missing_authority_keys=[str(step.paths.key) for step in rest.authorities_without_key],
            directory=str(plan.directory),
            diff=difference(plan, before, made),
        )


if __name__ == "__main__":
    main()
