# SPDX-License-Identifier: MIT OR Apache-2.0

"""Files on the target: reading, atomic writing, and owner, group and mode."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat

READ = ("privatekey_path", "csr_path", "ownca_path", "ownca_privatekey_path", "src", "ca_path")
"""The options with files that a module reads, in addition to the file at ``path``."""

_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


class File:
    """A file that a module manages."""

    def __init__(self, module, path, secret=False, prefix=""):
        self.module = module
        self.path = path
        self.secret = secret
        self.backup_file = None
        # The prefix of the options mode, owner and group. A file other than the one at path has a
        # prefix, such as the key of a request
        self.prefix = prefix
        own = {name: module.params[prefix + name] for name in ("mode", "owner", "group")}
        self.attributes = module.load_file_common_arguments(own if prefix else module.params, path=path)
        if not secret:
            self._check_it_is_no_other()

    def check_attributes(self, library):
        """Fails if the owner, group or mode of the task is impossible, before a file is written."""
        mode = self.attributes["mode"]
        # The mode of a key is checked as in the module cluster. Other files also accept the
        # symbolic modes of Ansible, so for them only a number is checked
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
        """Returns the contents; None if the file is missing. Fails if the file has a private key
        but should not have one: a key that is replaced or removed is lost.
        """
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
        """Writes the contents, and keeps a copy of the old ones if the task has backup. An existing
        file keeps its owner, group and mode.
        """
        module = self.module
        self.read(library)
        if os.path.islink(self.path):
            module.fail_json(msg=f"{self.path} is a symbolic link, and nothing is written through one: name the file itself")
        if module.check_mode:
            return
        self.keep()
        library.write_files([(self.path, contents, self.secret)], overwrite=True)

    def keep(self):
        """Warns of further names of a file that is replaced next, and keeps a copy of it if the task
        has backup.
        """
        if not os.path.lexists(self.path):
            return
        links = os.stat(self.path).st_nlink
        if links > 1:
            self.module.warn(f"{self.path} has {links} names (hard links): the others keep the old content")
        if self.module.params.get("backup"):
            self.backup_file = self._copied()

    def set_attributes(self, difference=None):
        """Sets the owner, group and mode of the task, and removes the access of others to a key.
        Returns whether something changed, and writes the old and the new values into difference.
        """
        if not os.path.exists(self.path):
            # Only in check mode, in which the file was not created
            return False
        changed = False
        if self.secret and self.attributes.get("mode") is None:
            if stat.S_IMODE(os.stat(self.path).st_mode) & 0o007:
                changed = self.module.set_mode_if_different(self.path, "0600", False, difference)
        return self.module.set_fs_attributes_if_different(self.attributes, changed, difference)

    def remove(self, library):
        """Removes the file. Returns whether it existed."""
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
        """Fails if the file to write is also a file to read."""
        for option in READ:
            other = self.module.params.get(option)
            if other and same(self.path, other):
                self.module.fail_json(msg=f"path and {option} are the same file, {self.path}: give each its own")

    def _copied(self):
        # Other users must not read the copy of a key before its mode is set
        umask = os.umask(0o077)
        try:
            return self.module.backup_local(self.path)
        finally:
            os.umask(umask)


def holds_key(library, contents):
    """Whether the contents have a private key: in PEM or DER, encrypted or not, of any kind."""
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
    """Whether both paths are the same file, which need not exist yet."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def check_directory(module, path):
    """Fails if no file can be written at a path."""
    directory = os.path.dirname(path) or "."
    if module.check_mode and not os.path.lexists(directory):
        # An earlier task would have created it
        module.warn(f"{directory} is missing, and has to be made first")
    elif not os.path.isdir(directory):
        module.fail_json(msg=f"{directory} is no directory: make it first, with mode 0700 where a key goes")
    if os.path.isdir(path):
        module.fail_json(msg=f"{path} is a directory, and a file is to be there")
