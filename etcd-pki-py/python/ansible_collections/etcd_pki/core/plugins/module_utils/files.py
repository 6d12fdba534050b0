# SPDX-License-Identifier: MIT OR Apache-2.0

"""Files on the target: read, written whole or not at all, and given owner, group and mode."""

from __future__ import annotations

import os
import stat


class File:
    """A file that a module keeps as it should be."""

    def __init__(self, module, path, secret=False, attributes=None):
        self.module = module
        self.path = path
        self.secret = secret
        self.backup_file = None
        # Those of the task, or others, such as the key's beside a request
        parameters = module.params if attributes is None else attributes
        self.attributes = module.load_file_common_arguments(parameters, path=path)

    def read(self, library):
        """Its contents; None if there is none."""
        try:
            return library.read_file(self.path)
        except FileNotFoundError:
            return None

    def write(self, library, contents):
        """Puts contents into its place, keeping a copy of what was there if the task says so. A file that exists keeps its owner,
        group and mode."""
        module = self.module
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

    def set_attributes(self):
        """Gives it the owner, group and mode that the task says, and takes from others what they may do with a key. Returns whether
        something changed."""
        changed = False
        if self.secret and self.attributes.get("mode") is None and os.path.exists(self.path):
            if stat.S_IMODE(os.stat(self.path).st_mode) & 0o007:
                changed = self.module.set_mode_if_different(self.path, "0600", False)
        if not os.path.exists(self.path):
            # Only in check mode, where it is still to be made
            return changed
        return self.module.set_fs_attributes_if_different(self.attributes, changed)

    def remove(self):
        """Removes it. Returns whether it was there."""
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return False
        if not self.module.check_mode:
            if self.module.params.get("backup"):
                self.backup_file = self._copied()
            os.unlink(self.path)
        return True

    def _copied(self):
        # Nobody else may read the copy of a key before it has its mode
        umask = os.umask(0o077)
        try:
            return self.module.backup_local(self.path)
        finally:
            os.umask(umask)


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
