#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: ca_rotation
short_description: Go to one stage of a CA's rotation, while members and clients accept each other throughout
description:
  - Replaces the CA of a directory by a new one. Each task goes to one stage. The first stage is C(steady). In C(trusted), both CAs are
    trusted and the old one signs. In C(switched), the new one signs. The last stage is C(steady) again.
  - Each stage has a gate. If the next stage is not safe yet, the task fails and nothing changes, so a play can wait with C(until). A
    running member shows which CAs it has loaded, so the task asks each of O(members) at its addresses and O(ports), without a login.
  - With the strategy C(bundle), all members and clients are restarted in the stage C(trusted). With the strategy C(link), nothing is
    restarted before the old CA is dropped.
  - In the stage C(switched), M(etcd_pki.core.cluster) signs the certificates of the old CA again, with the same keys.
  - After the last stage, the key of the old CA is kept until O(forget=true). After that, another run of the whole play begins the next
    rotation. So run it on request only.
version_added: 0.1.0
author: etcd-pki (@etcd-pki)
extends_documentation_fragment:
  - etcd_pki.core.common.attributes
  - etcd_pki.core.common.specification
attributes:
  idempotent:
    support: partial
    details: Not with O(back=true), which goes back in each run.
options:
  directory:
    description:
      - The directory of the CA.
    type: path
    required: true
  stage:
    description:
      - The stage to reach. It must be the current stage or the next one.
      - V(trusted) creates the new CA and trusts it. The old CA still signs.
      - With V(switched) the new CA signs. With the strategy C(link) it may follow the stage C(steady) directly.
      - V(steady) drops the old CA.
      - Exactly one of O(stage), O(back) and O(forget) is required.
    type: str
    choices: [trusted, switched, steady]
  back:
    description:
      - Undo the last stage.
    type: bool
    default: false
  forget:
    description:
      - Remove the key and the certificate of the previous CA, after the rotation.
    type: bool
    default: false
  peers:
    description:
      - Rotate the separate peer CA instead of the other one.
    type: bool
    default: false
  strategy:
    description:
      - How hosts that trust only the old CA accept new certificates. V(auto) is C(link) if every member was shown to accept a link
        certificate, and otherwise C(bundle).
    type: str
    choices: [auto, link, bundle]
    default: auto
  confirm_restarted:
    description:
      - The members that were restarted with the current trust bundle. They are not asked. Use it in a play that has just restarted them.
    type: list
    elements: str
    default: []
  confirm_clients:
    description:
      - State that all clients trust the new CA, such as kube-apiserver, which reads the CA only when it starts.
    type: bool
    default: false
  confirm_issued:
    description:
      - The serial numbers, in hexadecimal and in quotes, of certificates of the old CA that are no longer in use. The record of
        the directory shows which ones may be in use elsewhere. Nothing shows when one is no longer in use, so it must be stated.
    type: list
    elements: str
    default: []
  ownca_privatekey_passphrase:
    description:
      - The passphrase of the CA's private key. The key of the new CA is encrypted with it too.
    type: str
seealso:
  - module: etcd_pki.core.cluster
"""

EXAMPLES = r"""
- name: The new CA is trusted
  etcd_pki.core.ca_rotation:
    directory: /etc/etcd-pki
    members: "{{ etcd_members }}"
    stage: trusted
  delegate_to: ca.example.com
  run_once: true

# Then copy ca.pem to all members and clients, and restart them one after the other

- name: The new CA signs
  etcd_pki.core.ca_rotation:
    directory: /etc/etcd-pki
    members: "{{ etcd_members }}"
    stage: switched
    confirm_restarted: "{{ groups['etcd'] }}"
    confirm_clients: true
  delegate_to: ca.example.com
  run_once: true
  register: rotation
  until: rotation is success
  retries: 60
  delay: 10
"""

RETURN = r"""
stage:
  description: The stage, or in check mode the stage that would be reached. If the task fails because of a gate, the current stage.
  returned: always
  type: str
  sample: trusted
previous_stage:
  description: The stage before the task.
  returned: always
  type: str
  sample: steady
strategy:
  description: The strategy, C(link) or C(bundle).
  returned: always
  type: str
  sample: bundle
gate:
  description: Whether the next stage is safe, C(open) or C(closed). After a change, the members are not asked again.
  returned: always
  type: str
  sample: closed
next_stage:
  description: The next stage.
  returned: always
  type: str
  sample: switched
obstacles:
  description: Why the gate is closed.
  returned: always
  type: list
  elements: str
  sample: ["etcd-1: nothing is known about it"]
members:
  description: What is known about each member.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: etcd-1
    ready:
      description: Whether it is ready for the next stage.
      type: bool
    text:
      description: What is known, in words.
      type: str
      sample: restarted, as confirmed
certificates_to_renew:
  description: The certificates in the directory that the other CA signed. M(etcd_pki.core.cluster) signs them again.
  returned: always
  type: list
  elements: str
  sample: [member-etcd-1.pem]
signing_ca:
  description: The subject of the CA that signs.
  returned: always
  type: str
  sample: CN=etcd-ca
previous_ca_kept:
  description: Whether the key of the previous CA is kept after the rotation. O(forget=true) removes it.
  returned: always
  type: bool
  sample: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.etcd_pki.core.plugins.module_utils.library import library
from ansible_collections.etcd_pki.core.plugins.module_utils.specification import SPECIFICATION, specification


class Change:
    """The change of a task: the rotation, and the options for its gate."""

    def __init__(self, module, pki):
        self.module, self.pki = module, pki
        parameters = module.params
        store = pki.Store(parameters["directory"], layout=parameters["layout"])
        self.rotation = pki.Rotation.read(store, "peer" if parameters["peers"] else "client")
        self.before = str(self.rotation.stage)
        given = specification(parameters)
        self.keywords = dict(passphrase=parameters["ownca_privatekey_passphrase"])
        if given.keys() - {"directory", "layout"}:
            self.keywords["cluster"] = pki.Cluster.from_mapping(given)
        self.evidence = dict(
            confirmed=parameters["confirm_restarted"],
            clients_confirmed=parameters["confirm_clients"],
            unused=parameters["confirm_issued"],
        )

    def gate(self):
        """Returns the gate to the next stage. Asks the members that the task does not confirm."""
        strategy = {} if self.module.params["strategy"] == "auto" else dict(strategy=self.module.params["strategy"])
        return self.rotation.gate(**self.keywords, **self.evidence, **strategy)

    def facts(self, gate):
        """Returns the facts of the rotation, for the result."""
        rotation = self.rotation
        return dict(
            stage=str(rotation.stage),
            previous_stage=self.before,
            strategy=str(gate.strategy),
            gate="open" if gate.is_open else "closed",
            next_stage=str(gate.next),
            obstacles=gate.obstacles,
            members=[dict(name=one.name, ready=one.is_ready, text=one.text) for one in gate.members],
            certificates_to_renew=[str(path) for path in rotation.leaves_of_other_ca],
            signing_ca=rotation.signing_ca.subject,
            previous_ca_kept=rotation.keeps_previous,
        )

    def refuse(self, message, gate):
        """Fails, and reports the facts, so that a play can wait."""
        self.module.fail_json(msg=message, **self.facts(gate))

    def decide(self):
        """Returns the stage to reach, whether the previous CA is then kept, and the function that goes
        there; None if there is nothing to do. Fails if the gate is closed.
        """
        parameters, rotation = self.module.params, self.rotation
        if parameters["back"]:
            return self._back()
        if parameters["forget"]:
            return self._forget()
        wanted = parameters["stage"]
        is_kept = wanted == "steady"
        if rotation.is_unfinished:
            return wanted, is_kept, lambda: rotation.next(**self.keywords, **self.evidence)
        if wanted == self.before:
            return None
        # The new CA is always safe to trust, so no member is asked
        gate = rotation.gate(strategy="bundle") if wanted == "trusted" else self.gate()
        if wanted != str(gate.next):
            self.refuse(f"the stage is {self.before}, and the next one is {gate.next}, not {wanted}", gate)
        if not gate.is_open:
            self.refuse(f"the stage {wanted} is not safe yet: {'; '.join(gate.obstacles)}", gate)
        if wanted == "trusted":
            return wanted, is_kept, lambda: rotation.prepare(**self.keywords)
        strategy = {} if parameters["strategy"] == "auto" else dict(strategy=parameters["strategy"])
        return wanted, is_kept, lambda: rotation.next(**self.keywords, **self.evidence, **strategy)

    def _back(self):
        rotation = self.rotation
        if self.before == "steady" and not rotation.keeps_previous and not rotation.is_unfinished:
            self.refuse("there is no rotation to undo", self.gate())
        if self.before == "trusted":
            self._refuse_leaves()
        reached = dict(steady="switched" if rotation.keeps_previous else "steady", trusted="steady", switched="trusted")
        return reached[self.before], False, lambda: rotation.back(**self.keywords)

    def _forget(self):
        rotation = self.rotation
        if self.before != "steady":
            self.refuse(f"the rotation is not finished: the stage is {self.before}", self.gate())
        if not rotation.keeps_previous:
            return None
        self._refuse_leaves()
        return self.before, False, rotation.forget

    def _refuse_leaves(self):
        """Fails if the CA that is removed has signed certificates of the directory."""
        leaves = self.rotation.leaves_of_other_ca
        if leaves:
            names = ", ".join(str(path) for path in leaves)
            self.refuse(f"certificates of the CA are still in the directory: {names}", self.gate())


def run(module, pki):
    """Goes to the stage, and returns the result."""
    change = Change(module, pki)
    before = dict(stage=change.before, previous_ca_kept=change.rotation.keeps_previous)
    after = before
    decided = change.decide()
    if decided:
        stage, is_kept, work = decided
        after = dict(stage=stage, previous_ca_kept=is_kept)
        if not module.check_mode:
            change.rotation = work()
            after = dict(stage=str(change.rotation.stage), previous_ca_kept=change.rotation.keeps_previous)
    # After a change, the members are not asked again
    result = change.facts(change.rotation.gate() if decided else change.gate())
    result.update(after, changed=bool(decided), diff=dict(before=before, after=after))
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            stage=dict(type="str", choices=["trusted", "switched", "steady"]),
            back=dict(type="bool", default=False),
            forget=dict(type="bool", default=False),
            peers=dict(type="bool", default=False),
            strategy=dict(type="str", choices=["auto", "link", "bundle"], default="auto"),
            confirm_restarted=dict(type="list", elements="str", default=[]),
            confirm_clients=dict(type="bool", default=False),
            confirm_issued=dict(type="list", elements="str", default=[]),
            ownca_privatekey_passphrase=dict(type="str", no_log=True),
            **SPECIFICATION,
        ),
        supports_check_mode=True,
    )
    asked = [option for option in ("stage", "back", "forget") if module.params[option]]
    if len(asked) != 1:
        module.fail_json(msg=f"exactly one of stage, back and forget is required, not {' and '.join(asked) or 'none'}")
    with library(module) as pki:
        module.exit_json(**run(module, pki))


if __name__ == "__main__":
    main()
