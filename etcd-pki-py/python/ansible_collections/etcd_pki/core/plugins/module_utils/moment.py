# SPDX-License-Identifier: MIT OR Apache-2.0

"""Instants and durations in the formats of Ansible."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_SPAN = re.compile(r"^([+-])(?=\d)(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$")


def moment(text):
    """Parses text: returns a timedelta for ``+30d``, ``-1h`` and ``+32w1d2h``; an aware datetime
    for ``20301231235959Z`` and ``2030-12-31T23:59:59Z``; None for anything else.
    """
    span = _SPAN.match(text)
    if span:
        weeks, days, hours, minutes, seconds = (int(number or 0) for number in span.groups()[1:])
        try:
            length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError:
            return None
        return -length if span.group(1) == "-" else length
    for form in ("%Y%m%d%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    return None


def validity(text):
    """Returns a validity for the package, which parses text such as ``90d`` and ``10y`` itself."""
    if text is None:
        return None
    return moment(text) or text


def instant(text):
    """Parses an instant; returns None for other text."""
    found = moment(text)
    if not isinstance(found, timedelta):
        return found
    try:
        return datetime.now(timezone.utc) + found
    except OverflowError:
        # After the year 9999, which no certificate reaches
        return None


def rfc3339(when):
    """Returns an instant in the format of results: ``2030-12-31T23:59:59Z``."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
