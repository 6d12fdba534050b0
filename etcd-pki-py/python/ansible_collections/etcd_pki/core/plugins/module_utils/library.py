# SPDX-License-Identifier: MIT OR Apache-2.0

"""The Python package etcd_pki on the target, and what it says when something is wrong."""

from __future__ import annotations

import traceback
from contextlib import contextmanager

from ansible.module_utils.basic import missing_required_lib

try:
    import etcd_pki

    MISSING = None
except ImportError:
    etcd_pki = None
    MISSING = traceback.format_exc()


@contextmanager
def library(module):
    """The package, for as long as a module works with it. What the package refuses fails the task, with the way out where there is
    one."""
    if MISSING:
        reason = "It is needed on the host on which the module runs."
        module.fail_json(msg=missing_required_lib("etcd-pki", reason=reason), exception=MISSING)
    try:
        yield etcd_pki
    except etcd_pki.Error as error:
        message = str(error)
        if isinstance(error, etcd_pki.SpecificationError):
            # Not the position: the text with that line was never seen by whoever wrote the task
            message = f"{error.field}: {error.reason}"
        if error.hint:
            message = f"{message} (hint: {error.hint})"
        module.fail_json(msg=message)
    except OSError as error:
        module.fail_json(msg=str(error))
