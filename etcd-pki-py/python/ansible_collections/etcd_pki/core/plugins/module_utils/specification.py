# SPDX-License-Identifier: MIT OR Apache-2.0

"""The specification of a cluster, from the options of a task."""

from __future__ import annotations

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
            record=dict(type="bool"),
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
            # Raw values: a number without quotes is no longer octal, and is refused
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
    ports=dict(type="dict", options=dict(client=dict(type="int"), peer=dict(type="int"))),
    revoked=dict(
        type="list",
        elements="dict",
        options=dict(
            client=dict(type="str"),
            host=dict(type="str"),
            # Raw: without quotes, YAML reads a number in another base
            serial=dict(type="raw"),
            reason=dict(type="str"),
        ),
    ),
)
"""The fields of a specification."""


def specification(parameters):
    """Returns the fields of the specification that the task has set."""
    said = {field: parameters[field] for field in SPECIFICATION if parameters[field] is not None}
    for field in ("ca", "defaults", "files", "ports"):
        if field in said:
            said[field] = {name: value for name, value in said[field].items() if value is not None}
    if said.get("files", {}).get("ca"):
        of_ca = said["files"]["ca"].items()
        said["files"]["ca"] = {name: value for name, value in of_ca if value is not None}
    if "revoked" in said:
        given = [one.items() for one in said["revoked"]]
        said["revoked"] = [{name: value for name, value in one if value is not None} for one in given]
    return said
