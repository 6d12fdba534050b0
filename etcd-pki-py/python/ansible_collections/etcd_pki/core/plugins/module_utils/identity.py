# SPDX-License-Identifier: MIT OR Apache-2.0

"""For whom and for what a certificate is, as a task says it."""

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
"""The options that say it."""

REQUIRED_IF = [
    ("state", "present", ["role"]),
    ("state", "present", ["name", "common_name"], True),
]
"""What of them is required."""


def identity(library, parameters):
    """For whom."""
    return library.Identity(
        parameters["name"],
        names=parameters["names"] or [],
        common_name=parameters["common_name"],
        organization=parameters["organization"],
    )


def profile(library, parameters, **more):
    """For what."""
    return library.Profile(
        parameters["role"],
        compatibility=parameters["profile"],
        allow_member_common_name=parameters["allow_member_common_name"],
        **more,
    )
