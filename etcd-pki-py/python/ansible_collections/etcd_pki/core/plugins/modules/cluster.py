#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: The CA, the keys and the certificates of a whole etcd cluster
description:
  - Makes the files of a cluster in a directory, as its specification requires, and reports each change with all its reasons.
  - The options are the fields of the specification that the command C(etcd-pki apply) reads.
  - A certificate is renewed if a name or a usage differs, if it expires soon, or if another CA signed it. Its key stays, so etcd always
    reads a pair that matches.
  - A CA is never replaced. If the CA of existing certificates is missing, the task fails.
  - Without members, nodes and clients, it makes only the CA, with which M(etcd_pki.core.certificate) signs.
version_added: 0.1.0
author: etcd-pki (@etcd-pki)
extends_documentation_fragment:
  - etcd_pki.core.common.attributes
  - etcd_pki.core.common.specification
options:
  directory:
    description:
      - The directory of the files. It is made if it is missing.
    type: path
    required: true
  host:
    description:
      - Only the files of this host, with the paths that they have on it.
    type: str
  exchange:
    description:
      - A directory for requests and certificates, so that keys stay on their hosts. Bring it from host to host, and never a key.
      - With O(host), the task makes the keys of that host, writes requests to its folder, and installs signed certificates. Without
        O(host), where the CA is, it signs the requests of all hosts.
    type: path
  trust:
    description:
      - The SHA-256 of CA certificates that O(host) may trust when they arrive in O(exchange), as C(etcd-pki ca show) prints it where
        the CA is. Colons, lower case and a leading C(sha256:) are accepted.
      - A host needs it for its first CA, since the person who brings O(exchange) could put another CA there. Without it, the task
        installs nothing of that CA, fails, and shows each fingerprint. Later certificates need no fingerprint if a trusted key signed
        them.
    type: list
    elements: str
  only:
    description:
      - Only the files of this host or user.
    type: str
  rekey:
    description:
      - Make a new key for each certificate that is renewed. Its two files are replaced one after the other. In between, etcd may read a
        pair that does not match. It reads them again at the next handshake.
    type: bool
    default: false
  prune:
    description:
      - Remove pairs that are not in the specification, as RV(unmanaged) lists them. V(true) removes all of them, also those that the
        command C(etcd-pki cert issue) made. With O(only), it removes those of that name. A list of names removes only the pairs of
        these hosts and clients.
      - A removed certificate stays valid until it expires, for everyone who has a copy of its key. The module warns of each one. O(revoke)
        revokes them.
    type: raw
    default: false
  revoke:
    description:
      - Revoke the certificates that O(prune) removes, and those that get a new key with O(rekey). They are added to C(revoked.crl) and
        C(revoked.pem) after their replacement is in place.
    type: bool
    default: false
  backup:
    description:
      - Keep replaced and removed files, as hidden files next to them.
    type: bool
    default: false
  replace_links:
    description:
      - Replace a symbolic link from one file of the directory to another with a pair. Kubespray makes such links on control planes,
        from the names of other hosts to the host's own pair. The linked pair does not change.
      - Without it, the task fails for that pair and does the rest. A link to outside of the directory is never replaced.
    type: bool
    default: false
  ownca_privatekey_passphrase:
    description:
      - The passphrase of the CA's private key. A new key is encrypted with it.
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

- name: Refuse alice's certificates, and what prune removes
  etcd_pki.core.cluster:
    directory: pki
    members: [etcd-1]
    clients: [root]
    revoked: [{client: alice, reason: keyCompromise}]
    prune: true
    revoke: true
  delegate_to: localhost
  run_once: true

- name: Keys that stay on their hosts, the first and the last of three steps
  etcd_pki.core.cluster:
    directory: /etc/ssl/etcd/ssl
    members: "{{ etcd_members }}"
    host: "{{ inventory_hostname }}"
    exchange: /var/lib/etcd-pki/exchange
    # Read on the machine with the CA, not from the exchange directory
    trust: ["{{ etcd_ca_sha256 }}"]

- name: Only the CA
  etcd_pki.core.cluster:
    directory: /etc/etcd-ca
    ca: {common_name: etcd-ca, validity: 10y}
"""

RETURN = r"""
changes:
  description: The changes that were made, or in check mode would be made, in the order of the plan. If a pair fails, the changes that
    were made.
  returned: success, and failure after the first change
  type: list
  elements: dict
  contains:
    action:
      description:
        - V(create) makes a key and its certificate. V(renew) makes a certificate for the existing key. V(re-issue) replaces both.
          V(chmod) sets modes or owners. V(revoke) adds certificates to the revocation lists. V(remove) removes a pair that is not in the
          specification.
        - With O(exchange), V(request) writes a request, and a key if there is none. V(sign) signs a request. V(install) installs a
          certificate. V(trust) installs the certificates of a CA, or gives them to a host.
      type: str
      sample: renew
    certificate:
      description: The certificate's file.
      type: str
      sample: /etc/ssl/etcd/ssl/member-etcd-1.pem
    privatekey:
      description: The key's file. None for the revocation lists.
      type: str
      sample: /etc/ssl/etcd/ssl/member-etcd-1-key.pem
    role:
      description: The role, or V(ca) for a CA. None for a pair that is removed.
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
ca_changed:
  description: Whether a CA's certificate is among the changes. etcd reads it only when it starts.
  returned: success, and failure after the first change
  type: bool
  sample: false
hosts_to_restart:
  description:
    - The hosts with a member that must be restarted, because etcd reads the CA only when it starts. etcd reads a new certificate of a
      member at the next handshake.
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
    - For a CA certificate that is not trusted, the reason has its fingerprint.
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
  description: With O(exchange) and without O(host), the hosts that sent no request.
  returned: success
  type: list
  elements: str
  sample: []
failures:
  description: The pairs that could not be changed, each with its reason. The other changes are made.
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
      description: What failed, or what blocks the change.
      type: str
next_renewal:
  description: When the next certificate must be renewed. None in check mode if all are new.
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
    - The peer CA, if O(ca) has no separate one. It is never removed, also not with O(prune). Delete it yourself once no member uses it.
      None if there is none.
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
missing_ca_keys:
  description:
    - The missing keys of CAs that must sign. In check mode they show that the task would fail on this host.
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
from ansible_collections.etcd_pki.core.plugins.module_utils.specification import SPECIFICATION, specification

ATTEMPTS = 5
"""The number of attempts to plan and apply while other processes change files."""


def planned(cluster, parameters):
    """Returns the plan for the options of the task."""
    options = ("host", "exchange", "trust", "only", "rekey", "backup", "replace_links", "revoke")
    return cluster.plan(prune=parameters["prune"], **{option: parameters[option] for option in options})


def pruned(module):
    """Returns the pairs to remove: all, none, or those of these names."""
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
    """Returns the plan, the earlier state of its files, and the report; none in check mode."""
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
            # Another task changed the same directory first, and this one has changed nothing
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def reason(module, step, error):
    """Returns why a step failed or is blocked, with a hint."""
    if any(finding.code == "EP046" for finding in step.reasons):
        hint = "compare the SHA-256 with `etcd-pki ca show` where the CA is; if it is the same, give it in trust"
        return f"{error} (hint: {hint})"
    return explained(module, error)


def refused(plan):
    """The files of the exchange directory that are refused."""
    return [dict(path=str(one.path), reason=one.reason) for one in plan.refused]


def changing(plan):
    """The steps of a plan that change something."""
    return [step for step in plan.changes if str(step.action) != "wait"]


def fail_for(module, plan, report, error):
    """Fails because of a failed step or a refused file, and reports the changes that were made."""
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
        ca_changed=has_ca(made),
        hosts_to_restart=report.hosts_to_restart,
    )


def changes(steps):
    """Returns the changes of steps, in the form of the result."""
    return [
        dict(
            of_step(step),
            action=str(step.action),
            role="ca" if step.ca else step.role and str(step.role),
            host=step.host,
            reasons=[facts.of_finding(finding) for finding in step.reasons],
        )
        for step in steps
    ]


def of_step(step):
    """The files of a step. The revocation lists have no key."""
    files = paths(step.paths)
    return dict(files, privatekey=None) if step.is_of_revocation_lists else files


def paths(pair):
    """The two files of a pair."""
    return dict(certificate=str(pair.certificate), privatekey=str(pair.key))


def has_ca(changes):
    """Whether a CA certificate is among the changes. One that is given to a host does not change
    the CA here.
    """
    own = [change for change in changes if change["role"] == "ca" and change["host"] is None]
    return any(change["action"] != "chmod" for change in own)


def snapshot(pki, plan):
    """Returns the current state of each pair that a plan changes, file by file, if it exists."""
    found = {}
    for step in changing(plan):
        found.update(modes(step, "current") if str(step.action) == "chmod" else certified(pki, step.paths))
    return found


def certified(pki, pair):
    """Returns the names of a certificate, if it can be read."""
    try:
        certificate = pki.Certificate.from_file(pair.certificate)
    except (pki.Error, OSError):
        return {}
    return {str(pair.certificate): names(certificate.dns_names, certificate.ip_addresses, certificate.uris)}


def modes(step, which):
    """Returns the current or the desired modes of files."""
    found = {}
    for finding in step.reasons:
        modes = getattr(finding, which)
        if finding.path and modes:
            found[str(finding.path)] = dict(mode=modes[0])
    return found


def difference(plan, before, made):
    """Returns the state of each file before and after, with the change and its reasons."""
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
    """Returns alternative names, in the form of the diff."""
    return dict(names=sorted(str(name) for several in lists for name in several))


# Other users own a CA's files: they can sign with its key, or replace the trusted certificates
OWNERS = ("EP052", "EP054")
# The actions that issue a new certificate
ISSUING = ("create", "renew", "re-issue", "request", "sign")


def warn(module, plan, report):
    """Warns of users who share a CA's files, of hard links with the old content, of removed
    certificates, of clients that etcd's peer port accepts, and of certificates that are valid for
    less time, or renewed later, than requested.
    """
    now = datetime.now(timezone.utc)
    for step in plan.steps:
        for finding in step.reasons if step.ca else []:
            is_directory = finding.code == "EP015" and finding.path == plan.directory
            if finding.code in OWNERS or is_directory:
                module.warn(f"{finding.message}: {finding.fix}")
    for step in plan.changes:
        if step.pair and str(step.action) in ISSUING:
            for finding in filter(None, [step.pair.peer_port, step.pair.renewed_later(now=plan.now_utc)]):
                module.warn(f"{step.paths.certificate}: {finding.message}; {finding.fix}")
        is_removed = str(step.action) == "remove" and not module.params["revoke"]
        gone = step.removed_certificate if is_removed else None
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
            revoke=dict(type="bool", default=False),
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
        # The next renewal depends on the new files
        rest = plan if module.check_mode or not made else planned(cluster, module.params)
        due = rest.next_renewal
        module.exit_json(
            changed=plan.has_work,
            changes=made,
            ca_changed=has_ca(made),
            hosts_to_restart=(report or plan).hosts_to_restart,
            next_renewal=due and rfc3339(due.due_utc),
            next_renewal_certificate=due and str(due.paths.certificate),
            unmanaged=[paths(pair) for pair in rest.unmanaged],
            unmanaged_ca=rest.unmanaged_ca and paths(rest.unmanaged_ca),
            waiting=[str(step.paths.certificate) for step in rest.changes if str(step.action) == "wait"],
            refused=[],
            hosts_without_request=rest.hosts_without_request,
            missing_ca_keys=[str(step.paths.key) for step in rest.cas_without_key],
            directory=str(plan.directory),
            diff=difference(plan, before, made),
        )


if __name__ == "__main__":
    main()
