# SPDX-License-Identifier: MIT OR Apache-2.0

"""Files on the target: read, written whole or not at all, and given owner, group and mode."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat

READ = ("privatekey_path", "csr_path", "ownca_path", "ownca_privatekey_path")
"""The options that name files which a module reads beside the one at ``path``."""

_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


class File:
    """A file that a module keeps as it should be."""

    def __init__(self, module, path, secret=False, prefix=""):
        self.module = module
        self.path = path
        self.secret = secret
        self.backup_file = None
        # The options mode, owner and group, or those of another file than the one at path, such as the key's beside a request
        self.prefix = prefix
        own = {name: module.params[prefix + name] for name in ("mode", "owner", "group")}
        self.attributes = module.load_file_common_arguments(own if prefix else module.params, path=path)
        if not secret:
            self._check_it_is_no_other()

    def check_attributes(self, library):
        """Fails where no file can be given the owner, group and mode that the task says, before one is written."""
        mode = self.attributes["mode"]
        # Of a key as the module cluster takes it; of another file also in the other forms that Ansible takes, but as a number
        if mode is not None and (self.secret or not isinstance(mode, str)):
            field = "key_mode" if self.secret else "certificate_mode"
            try:
                library.Cluster.from_mapping(dict(files={field: mode}))
            except library.SpecificationError as error:
                hint = f" (hint: {error.hint})" if error.hint else ""
                self.module.fail_json(msg=f"{self.prefix}mode: {error.reason}{hint}")
        for option, find, kind in (("owner", pwd.getpwnam, "user"), ("group", grp.getgrnam, "group")):
            account = self.attributes[option]
            if account is None or account.isdigit():
                continue
            try:
                find(account)
            except KeyError:
                hint = "make it first, or write a number"
                self.module.fail_json(msg=f"{self.prefix}{option}: there is no {kind} {account} on this host (hint: {hint})")

    def read(self, library):
        """Its contents; None if there is none. It fails where a private key lies that is not to be there: nobody could bring back
        one that was replaced or removed."""
        try:
            contents = library.read_file(self.path)
        except FileNotFoundError:
            return None
        if not self.secret and holds_key(library, contents):
            self.module.fail_json(
                msg=f"{self.path} holds a private key, which is neither replaced nor removed: name another file"
            )
        return contents

    def write(self, library, contents):
        """Puts contents into its place, keeping a copy of what was there if the task says so. A file that exists keeps its owner,
        group and mode."""
        module = self.module
        self.read(library)
        if os.path.islink(self.path):
            module.fail_json(msg=f"{self.path} is a symbolic link, and nothing is written through one: name the file itself")
        if module.check_mode:
            return
        if os.path.lexists(self.path):
            links = os.stat(self.path).st_nlink
            if links > 1:
                module.warn(f"{self.path} has {links} names (hard links): the others keep the old content")
            if module.params.get("backup"):
                self.backup_file = self._copied()
        library.write_files([(self.path, contents, self.secret)], overwrite=True)

    def set_attributes(self, difference=None):
        """Gives it the owner, group and mode that the task says, and takes from others what they may do with a key. Returns whether
        something changed, and writes into difference what was and what is."""
        if not os.path.exists(self.path):
            # Only in check mode, where it is still to be made
            return False
        changed = False
        if self.secret and self.attributes.get("mode") is None:
            if stat.S_IMODE(os.stat(self.path).st_mode) & 0o007:
                changed = self.module.set_mode_if_different(self.path, "0600", False, difference)
        return self.module.set_fs_attributes_if_different(self.attributes, changed, difference)

    def remove(self, library):
        """Removes it. Returns whether it was there."""
        self.read(library)
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return False
        if not self.module.check_mode:
            if self.module.params.get("backup"):
                self.backup_file = self._copied()
            os.unlink(self.path)
        return True

    def _check_it_is_no_other(self):
        """Fails where the file that is written is one that is read."""
        for option in READ:
            other = self.module.params.get(option)
            if other and same(self.path, other):
                self.module.fail_json(msg=f"path and {option} are the same file, {self.path}: give each its own")

    def _copied(self):
        # Nobody else may read the copy of a key before it has its mode
        umask = os.umask(0o077)
        try:
            return self.module.backup_local(self.path)
        finally:
            os.umask(umask)


def holds_key(library, contents):
    """Whether a private key is in there: in PEM or DER, encrypted or not, of any kind."""
    if _KEY.search(contents):
        return True
    try:
        library.PrivateKey.from_der(contents)
    except (library.errors.EncryptedKeyError, library.errors.UnsupportedAlgorithmError):
        return True
    except library.Error:
        return False
    return True


def same(path, other):
    """Whether both name one file, which need not be there yet."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def check_directory(module, path):
    """Fails where no file could be put."""
    directory = os.path.dirname(path) or "."
    if module.check_mode and not os.path.lexists(directory):
        # A task before this one would have made it
        module.warn(f"{directory} is missing, and has to be made first")
    elif not os.path.isdir(directory):
        module.fail_json(msg=f"{directory} is no directory: make it first, with mode 0700 where a key goes")
    if os.path.isdir(path):
        module.fail_json(msg=f"{path} is a directory, and a file is to be there")
