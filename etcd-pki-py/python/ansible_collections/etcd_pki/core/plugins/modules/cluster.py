#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: The certificate authority, keys and certificates of a whole etcd cluster
description:
  - Makes the files of a cluster in a directory as its specification requires, in one call, and reports each change with every reason.
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
      ca:
        description:
          - Owner and group of a CA's files, and the mode of its key. What is above does not apply to a CA's key.
        type: dict
        suboptions:
          owner:
            description: Their owner; for the key the user who makes it if nothing is given.
            type: str
          group:
            description: Their group.
            type: str
          key_mode:
            description: The mode of the key, in quotes, V('0600') if nothing is given.
            type: raw
  host:
    description:
      - Only the files of this host, as they lie on it.
    type: str
  exchange:
    description:
      - A directory in which requests and certificates are exchanged, so that keys stay on their hosts. Bring it from host to host, and
        never a key.
      - With O(host), the keys of that host are made on it, requests are written to its folder, and signed certificates are installed.
        Without O(host), where the authority is, the requests of all hosts are signed.
    type: path
  trust:
    description:
      - SHA-256 of the certificates of authorities that O(host) may trust when they arrive in O(exchange), as C(etcd-pki ca show) prints
        them where the authority is. Colons, upper and lower case, and C(sha256:) in front make no difference.
      - A host needs it for the first authority, since whoever brings O(exchange) may have put another one there. Without it, the task
        installs nothing of that authority, fails, and names each fingerprint. Later certificates need none if a trusted key vouches
        for them.
    type: list
    elements: str
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
      - Remove pairs that are not in the specification, which RV(unmanaged) has. V(true) removes all of them, also those that the command
        C(etcd-pki cert issue) made; with O(only), those of that name. A list of names removes the pairs of these hosts and clients alone.
      - What is removed stays valid until it expires, for everyone who has a copy of its key. The module warns of each such certificate.
    type: raw
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
      - Without it the task fails for that pair, and does the rest. A link that leads out of the directory is never replaced.
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
    msg: "{{ item.action }} {{ item.certificate }}: {{ item.reasons | map(attribute='message') | join('; ') }}"
  loop: "{{ pki.changes }}"

- name: Keys that stay on their hosts, the first and the last of three steps
  etcd_pki.core.cluster:
    directory: /etc/ssl/etcd/ssl
    members: "{{ etcd_members }}"
    host: "{{ inventory_hostname }}"
    exchange: /var/lib/etcd-pki/exchange
    # Read on the machine of the authority, not out of the exchange directory
    trust: ["{{ etcd_ca_sha256 }}"]

- name: The authority alone
  etcd_pki.core.cluster:
    directory: /etc/etcd-ca
    ca: {common_name: etcd-ca, validity: 10y}
"""

RETURN = r"""
changes:
  description: What was done, or in check mode would be, in the order of the plan. If a pair fails, what was done all the same.
  returned: success, and failure after the first change
  type: list
  elements: dict
  contains:
    action:
      description:
        - V(create) makes a key and its certificate, V(renew) a certificate for the existing key, V(re-issue) both in place of others.
          V(chmod) sets modes or owners, V(remove) removes a pair that is not in the specification.
        - With O(exchange), V(request) writes a request, and a key if there is none, V(sign) signs a request, V(install) installs a
          certificate, and V(trust) installs the certificates of an authority, or gives them to a host.
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
      description: The role, V(authority) for an authority; none for a pair that is removed.
      type: str
      sample: member
    host:
      description: The host that uses it, if one does.
      type: str
      sample: etcd-1
    reasons:
      description: Every reason.
      type: list
      elements: dict
      contains:
        code:
          description: The code of the finding, which never changes.
          type: str
          sample: EP025
        kind:
          description: The kind of the finding, which never changes.
          type: str
          sample: missing_name
        severity:
          description: How serious it is, V(critical), V(warning) or V(unknown).
          type: str
          sample: warning
        message:
          description: The sentence.
          type: str
          sample: 10.0.0.99 is missing
        fix:
          description: How to fix it.
          type: str
        path:
          description: The file or directory, if the finding has one.
          type: str
        name:
          description: A name, an address, a host or an extension, if the finding has one.
          type: str
        current:
          description: What the files have, if the finding compares.
          type: list
          elements: str
        desired:
          description: What they should have, if the finding compares.
          type: list
          elements: str
        not_after:
          description: When the certificate expires, if the finding has a time.
          type: str
        days:
          description: Whole days until then.
          type: int
  sample: []
authority_changed:
  description: Whether an authority's certificate is among the changes, which etcd reads only when it starts.
  returned: success, and failure after the first change
  type: bool
  sample: false
hosts_to_restart:
  description:
    - The hosts with a member that must be restarted, since etcd reads the CA when it starts. A member whose certificate alone is new
      reads it with the next handshake.
  returned: success, and failure after the first change
  type: list
  elements: str
  sample: []
waiting:
  description: With O(exchange) and O(host), the certificates that are requested and not signed yet.
  returned: success
  type: list
  elements: str
  sample: []
refused:
  description:
    - The files in O(exchange) that are refused, each with its reason. The rest is done, and the task fails.
    - A certificate of an authority that is not trusted has its fingerprint in the reason.
  returned: success, and failure after planning
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: /var/lib/etcd-pki/exchange/etcd-1/ca.pem
    reason:
      description: What is wrong with it.
      type: str
  sample: []
hosts_without_request:
  description: With O(exchange) and without O(host), the hosts from which no request has come.
  returned: success
  type: list
  elements: str
  sample: []
failures:
  description: The pairs that could not be changed, each with its reason. The others are done.
  returned: failure of a pair
  type: list
  elements: dict
  contains:
    certificate:
      description: The certificate's file.
      type: str
      sample: /etc/ssl/etcd/ssl/client-root.pem
    privatekey:
      description: The key's file.
      type: str
      sample: /etc/ssl/etcd/ssl/client-root-key.pem
    message:
      description: What failed or is in the way.
      type: str
next_renewal:
  description: When the first of the certificates is renewed. None in check mode if all are made.
  returned: success
  type: str
  sample: "2027-10-25T20:01:17Z"
next_renewal_certificate:
  description: The file of that certificate.
  returned: success
  type: str
  sample: /etc/ssl/etcd/ssl/client-backup.pem
unmanaged:
  description: The pairs that are not in the specification. O(prune) removes them.
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
unmanaged_ca:
  description:
    - The peer CA, where O(ca) has no separate one. It is never removed, with O(prune) or without. Delete it by hand once no member uses
      it. None if there is none.
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

from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.etcd_pki.core.plugins.module_utils import facts
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
            ca=dict(
                type="dict",
                options=dict(
                    owner=dict(type="str"),
                    group=dict(type="str"),
                    key_mode=dict(type="raw", no_log=False),
                ),
            ),
        ),
    ),
)
"""The fields of a specification."""

ATTEMPTS = 5
"""How often it plans again because another process has changed a file."""


def specification(parameters):
    """What the task says, without what it does not say."""
    said = {field: parameters[field] for field in SPECIFICATION if parameters[field] is not None}
    for field in ("ca", "defaults", "files"):
        if field in said:
            said[field] = {name: value for name, value in said[field].items() if value is not None}
    if said.get("files", {}).get("ca"):
        of_ca = said["files"]["ca"].items()
        said["files"]["ca"] = {name: value for name, value in of_ca if value is not None}
    return said


def planned(cluster, parameters):
    """What must change."""
    options = ("host", "exchange", "trust", "only", "rekey", "backup", "replace_links")
    return cluster.plan(prune=parameters["prune"], **{option: parameters[option] for option in options})


def pruned(module):
    """Which pairs are removed: all, none, or those of these names."""
    given = module.params["prune"]
    try:
        if not isinstance(given, list):
            return boolean(given)
    except TypeError:
        module.fail_json(msg=f"prune: {given!r} is neither true nor false (hint: give names as a list, such as [backup])")
    if not all(isinstance(name, str) and name for name in given):
        module.fail_json(msg=f"prune: {given!r} has something else than names (hint: put a number into quotes)")
    return given


def applied(module, pki, cluster):
    """The plan, what its files were before, and the report; in check mode there is no report."""
    passphrase = module.params["ownca_privatekey_passphrase"]
    for attempt in range(1, ATTEMPTS + 1):
        plan = planned(cluster, module.params)
        before = snapshot(pki, plan)
        try:
            if not module.check_mode:
                return plan, before, plan.apply(passphrase=passphrase)
            if not plan.cas_without_key:
                plan.check_keys(passphrase=passphrase)
            blocked = plan.blocked
            if blocked:
                module.fail_json(msg=reason(module, blocked[0], blocked[0].blocking_error), refused=refused(plan))
            return plan, before, None
        except pki.errors.FileChangedError:
            # Another task on the same directory was faster, and this one has changed nothing
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def reason(module, step, error):
    """Why a step failed or is blocked, with the way out."""
    if any(finding.code == "EP046" for finding in step.reasons):
        hint = "compare the SHA-256 with `etcd-pki ca show` where the authority is; if it is the same, give it in trust"
        return f"{error} (hint: {hint})"
    return explained(module, error)


def refused(plan):
    """The files of the exchange directory that are refused."""
    return [dict(path=str(one.path), reason=one.reason) for one in plan.refused]


def changing(plan):
    """The steps of a plan that change something."""
    return [step for step in plan.changes if str(step.action) != "wait"]


def fail_for(module, plan, report, error):
    """Fails for what could not be changed or is refused, and reports what was done all the same."""
    made = changes(step.step for step in report.done)
    failures = report.failures
    step = next((one.step for one in failures if str(one.error) == str(error)), None)
    message = reason(module, step, error) if step else error
    if made:
        message += f"; {len(made)} of {len(report.steps)} changes are done, and another run does the rest"
    module.fail_json(
        msg=message,
        changed=bool(made),
        changes=made,
        failures=[dict(paths(one.step.paths), message=reason(module, one.step, one.error)) for one in failures],
        refused=refused(plan),
        authority_changed=has_authority(made),
        hosts_to_restart=report.hosts_to_restart,
    )


def changes(steps):
    """What steps of a plan do, as results show it."""
    return [
        dict(
            paths(step.paths),
            action=str(step.action),
            role="authority" if step.ca else step.role and str(step.role),
            host=step.host,
            reasons=[facts.of_finding(finding) for finding in step.reasons],
        )
        for step in steps
    ]


def paths(pair):
    """The two files of a pair."""
    return dict(certificate=str(pair.certificate), privatekey=str(pair.key))


def has_authority(changes):
    """Whether an authority's certificate is among them. What is given to a host is no change of the authority here."""
    own = [change for change in changes if change["role"] == "authority" and change["host"] is None]
    return any(change["action"] != "chmod" for change in own)


def snapshot(pki, plan):
    """What each pair that a plan changes has now, file by file; nothing where there is none."""
    found = {}
    for step in changing(plan):
        found.update(modes(step, "current") if str(step.action) == "chmod" else certified(pki, step.paths))
    return found


def certified(pki, pair):
    """The names of a certificate, if it can be read."""
    try:
        certificate = pki.Certificate.from_file(pair.certificate)
    except (pki.Error, OSError):
        return {}
    return {str(pair.certificate): names(certificate.dns_names, certificate.ip_addresses, certificate.uris)}


def modes(step, which):
    """The modes that files have, or should have."""
    found = {}
    for finding in step.reasons:
        modes = getattr(finding, which)
        if finding.path and modes:
            found[str(finding.path)] = dict(mode=modes[0])
    return found


def difference(plan, before, made):
    """What was and what is, file by file, with what was done to each pair and why."""
    after = {}
    for step in changing(plan):
        if str(step.action) == "chmod":
            after.update(modes(step, "desired"))
        elif step.ca or step.pair:
            after[str(step.paths.certificate)] = names(step.pair.alternative_names if step.pair else [])
    for change in made:
        done = dict(action=change["action"], reasons=facts.messages(change["reasons"]))
        after.setdefault(change["certificate"], {}).update(done)
    return dict(before=before, after=after)


def names(*lists):
    """Alternative names, as differences show them."""
    return dict(names=sorted(str(name) for several in lists for name in several))


# What gives a pair a new certificate
ISSUING = ("create", "renew", "re-issue", "request", "sign")


def warn(module, plan, report):
    """Warns of copies that stay as they are, of removed certificates, of clients that etcd's peer port accepts, and of
    certificates that are valid for less time, or renewed later, than requested.
    """
    now = datetime.now(timezone.utc)
    for step in plan.changes:
        if step.pair and str(step.action) in ISSUING:
            for finding in filter(None, [step.pair.peer_port, step.pair.renewed_later]):
                module.warn(f"{step.paths.certificate}: {finding.message}; {finding.fix}")
        gone = step.removed_certificate
        if gone and gone.not_valid_after_utc > now:
            module.warn(
                f"{step.file} is removed, and its certificate stays valid until {rfc3339(gone.not_valid_after_utc)} for everyone who has "
                f"a copy of its key: {gone.subject}, serial {facts.of_certificate(gone)['serial_number']}"
            )
        for link in step.hard_links:
            module.warn(f"{link} has further names (hard links), which keep the old content")
    for shortened in report.shortened_validities if report else []:
        module.warn(f"{shortened.path} expires with its CA, before the requested {rfc3339(shortened.requested_utc)}")


def main():
    module = AnsibleModule(
        argument_spec=dict(
            host=dict(type="str"),
            exchange=dict(type="path"),
            trust=dict(type="list", elements="str"),
            only=dict(type="str"),
            rekey=dict(type="bool", default=False, no_log=False),
            prune=dict(type="raw", default=False),
            backup=dict(type="bool", default=False),
            replace_links=dict(type="bool", default=False),
            ownca_privatekey_passphrase=dict(type="str", no_log=True),
            **SPECIFICATION,
        ),
        required_by=dict(trust=("host", "exchange")),
        supports_check_mode=True,
    )
    module.params["prune"] = pruned(module)
    with library(module) as pki:
        cluster = pki.Cluster.from_mapping(specification(module.params))
        plan, before, report = applied(module, pki, cluster)
        warn(module, plan, report)
        try:
            if report:
                report.raise_for_failures()
        except pki.Error as error:
            fail_for(module, plan, report, error)
        for one in refused(plan):
            message = f"refused: {one['path']}: {one['reason']}"
            if report:
                fail_for(module, plan, report, message)
            module.fail_json(msg=message, refused=refused(plan))
        made = changes(changing(plan))
        # The next renewal is known from what is there now
        rest = plan if module.check_mode or not made else planned(cluster, module.params)
        due = rest.next_renewal
        module.exit_json(
            changed=plan.has_work,
            changes=made,
            authority_changed=has_authority(made),
            hosts_to_restart=(report or plan).hosts_to_restart,
            next_renewal=due and rfc3339(due.due_utc),
            next_renewal_certificate=due and str(due.paths.certificate),
            unmanaged=[paths(pair) for pair in rest.unmanaged],
            unmanaged_ca=rest.unmanaged_ca and paths(rest.unmanaged_ca),
            waiting=[str(step.paths.certificate) for step in rest.changes if str(step.action) == "wait"],
            refused=[],
            hosts_without_request=rest.hosts_without_request,
            missing_authority_keys=[str(step.paths.key) for step in rest.cas_without_key],
            directory=str(plan.directory),
            diff=difference(plan, before, made),
        )


if __name__ == "__main__":
    main()
