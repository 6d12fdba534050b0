# SPDX-License-Identifier: MIT OR Apache-2.0

"""The Python package etcd_pki on the target, and its errors."""

from __future__ import annotations

import re
import traceback
from contextlib import contextmanager

from ansible.module_utils.basic import missing_required_lib

try:
    import etcd_pki

    MISSING = None
except ImportError:
    etcd_pki = None
    MISSING = traceback.format_exc()

_KEYWORD_OR_METHOD = re.compile(r"\b[a-z_]+=|\b[A-Z]\w+\.[a-z]")


def way_out(module, error):
    """Returns a hint in the terms of a task. Hints of the package have terms of Python: a part with
    a keyword or a method is left out.
    """
    if isinstance(error, etcd_pki.PassphraseError):
        options = [option for option in module.argument_spec if option.endswith("_passphrase")]
        return f"give the right passphrase with {options[0]}" if options else None
    if isinstance(error, etcd_pki.errors.MemberCommonNameError) and "allow_member_common_name" in module.argument_spec:
        return (
            "etcd's --peer-cert-allowed-cn would take it for a member; choose another common name, or say "
            "allow_member_common_name: true"
        )
    if isinstance(error, etcd_pki.errors.ExistingCaError) and error.layout and "layout" in module.argument_spec:
        return f"say layout: {error.layout}, or use an empty directory"
    if isinstance(error, etcd_pki.errors.SymbolicLinkError) and "replace_links" in module.argument_spec:
        return "remove the link, or say replace_links: true where it leads to another file of the directory"
    if isinstance(error, etcd_pki.errors.UntrustedOwnerError) and "privatekey_owner" in module.argument_spec:
        return "nothing was changed; if this user may have the key, give privatekey_owner; otherwise give the key another owner"
    parts = (error.hint or "").split("; ")
    return "; ".join(part for part in parts if not _KEYWORD_OR_METHOD.search(part))


def explained(module, error):
    """Returns the message of an error of the package, with its hint if there is one."""
    hint = way_out(module, error)
    return f"{error} (hint: {hint})" if hint else str(error)


def refuse_empty_passphrases(module):
    """Fails if a passphrase is empty, in each run, even if it is not needed."""
    for option, value in module.params.items():
        if option.endswith("_passphrase") and value == "":
            module.fail_json(
                msg=f"{option}: not a valid passphrase: it is empty (hint: leave {option} out, with default(omit) in a template, "
                "where the key is not to be encrypted)"
            )


@contextmanager
def library(module):
    """Gives a module the package. An error of the package fails the task."""
    if MISSING:
        reason = "It is needed on the host on which the module runs."
        module.fail_json(msg=missing_required_lib("etcd-pki", reason=reason), exception=MISSING)
    refuse_empty_passphrases(module)
    try:
        yield etcd_pki
    except etcd_pki.Error as error:
        module.fail_json(msg=explained(module, error))
    except OSError as error:
        module.fail_json(msg=str(error))
