# SPDX-License-Identifier: MIT OR Apache-2.0

"""The identity and the profile of a certificate, from the options of a task."""

from __future__ import annotations

OPTIONS = dict(
    role=dict(type="str", choices=["member", "node", "client"]),
    name=dict(type="str"),
    names=dict(type="list", elements="str", aliases=["subject_alt_name"]),
    common_name=dict(type="str"),
    organization=dict(type="str"),
    profile=dict(type="str", choices=["strict", "kubespray"], default="strict"),
    allow_member_common_name=dict(type="bool", default=False),
)
"""The options for the identity and the profile."""

REQUIRED_IF = [
    ("state", "present", ["role"]),
    ("state", "present", ["name", "common_name"], True),
]
"""The required options."""


def identity(library, parameters):
    """Returns the identity."""
    return library.Identity(
        parameters["name"],
        names=parameters["names"] or [],
        common_name=parameters["common_name"],
        organization=parameters["organization"],
    )


def profile(library, parameters, **more):
    """Returns the profile."""
    return library.Profile(
        parameters["role"],
        compatibility=parameters["profile"],
        allow_member_common_name=parameters["allow_member_common_name"],
        **more,
    )
