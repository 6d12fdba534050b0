"""What goes wrong: one class for each kind, each also what Python users catch there. All of them are in ``etcd_pki`` itself.

An exception's text is one line, what happened and in which file. Its facts are attributes, and ``hint`` is the way out where
there is one, in the words of the command.
"""

from __future__ import annotations

# As typing has it, without its import
TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from etcd_pki._etcd_pki import Finding


class Error(Exception):
    """What went wrong, where, and how to mend it."""

    hint: str | None
    """The way out, in the words of the command."""

    path: Path | None
    """The file that it is about, if it is about one."""

    def __init__(self, message: str = "", hint: str | None = None, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.path = None
        self._facts = facts
        for name, value in (facts or {}).items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError would leave out its own facts
        return type(self), (str(self), self.hint, self._facts), vars(self)


class _InputError(Error, ValueError):
    """What was given is not right."""


class _FileError(Error, OSError):
    """The operating system, or what is on its disk, is in the way."""


class AnotherAuthorityError(_InputError):
    """A directory holds the certificate of another authority than the specification's: ``path``, ``found``, ``wanted``."""

    path: Path
    found: str
    wanted: str


class AuthorityExistsError(Error, FileExistsError):
    """A new authority was asked for where one is, or what one has signed: ``directory``, ``found``, and the ``layout`` by which
    that is called, if it is another than the one that was said."""

    directory: Path
    found: str
    layout: str | None = None


class AuthorityExpiredError(_InputError):
    """An authority's certificate is past its end: ``subject``, ``not_after``."""

    subject: str
    not_after: datetime


class AuthorityKeyError(_InputError):
    """A leaf is to have the key of an authority, and whoever has it could sign certificates. ``subject`` is the authority's."""

    subject: str


class AuthorityNotYetValidError(_InputError):
    """An authority's certificate has not begun: ``subject``, ``not_before``."""

    subject: str
    not_before: datetime


class BlockedError(_FileError):
    """A step of a plan is blocked, since etcd-pki never replaces what is at a path: ``path``, ``reason``."""

    path: Path
    reason: str


class ChangedError(_FileError):
    """A file is not as it was when the plan was made: ``path``."""

    path: Path


class ClockError(_InputError):
    """The clock of this machine shows a time that cannot be right: ``now``."""

    now: datetime


class CommonNameLengthError(_InputError):
    """A common name is not 1 to 64 characters long: ``common_name``."""

    common_name: str


class DirectoryGoneError(_FileError):
    """A directory was moved or removed while it was written to: ``path``."""

    path: Path


class EncryptedKeyError(_InputError):
    """A private key is encrypted and no passphrase was given."""


class ExistsError(Error, FileExistsError):
    """A file exists and replacing it was not asked for: ``path``."""

    path: Path


class InvalidAlternativeNameError(_InputError):
    """Text that is no DNS name, no IP address and no URI: ``text``, ``reason``."""

    text: str
    reason: str


class InvalidDurationError(_InputError):
    """What is no duration and no instant, such as a datetime without a time zone: ``text``, ``reason``."""

    text: str
    reason: str


class InvalidNameError(_InputError):
    """A name that cannot name a host, a user, an authority or their files: ``name``, ``reason``."""

    name: str
    reason: str


class IoError(_FileError):
    """The operating system refused: ``action``, ``path``, and ``errno``, ``strerror``, ``filename`` as in every ``OSError``."""

    action: str
    path: Path


class IoNotFoundError(IoError, FileNotFoundError):
    """A file or a directory is not there."""


class IoPermissionError(IoError, PermissionError):
    """A file or a directory may not be used."""


class IrregularError(_FileError):
    """A directory, a pipe or a socket is where a file is to be read or written: ``path``."""

    path: Path


class IssuedByAnotherCaError(_InputError):
    """Another CA issued a CA's certificate, so only that one can renew it: ``subject``, ``issuer``."""

    subject: str
    issuer: str


class KeyMismatchError(_InputError):
    """A certificate and a key do not belong together: ``expected`` and ``found``, SHA-256 of each public key."""

    expected: str
    found: str


class LayoutError(_InputError):
    """A store has another layout than the specification: ``store``, ``specification``."""

    store: str
    specification: str


class LockedError(Error, TimeoutError):
    """Another process holds a directory's lock: ``directory``, and the seconds ``waited``."""

    directory: Path
    waited: int


class MalformedError(_InputError):
    """Bytes that are not what they should be: ``what``, ``reason`` and, in a file of several blocks, ``block`` and ``line``."""

    what: str
    reason: str
    block: int | None = None
    line: int | None = None


class MemberCommonNameError(_InputError):
    """A node or a client was to get a member's common name: ``common_name``."""

    common_name: str


class MissingError(_InputError):
    """The input has no block of the kind asked for: ``what``, and what was ``found`` instead."""

    what: str
    found: list[str]


class NoAlternativeNameError(_InputError):
    """A member's certificate would have no name and no address by which it is dialled."""


class NoSubjectError(_InputError):
    """A subject would be empty: no common name and no organization."""


class NotAdoptableError(_InputError):
    """A directory is in no known layout, or a specification cannot describe it: ``directory``, ``reason``."""

    directory: Path
    reason: str


class NotAnAuthorityError(_InputError):
    """A certificate cannot sign certificates: ``subject``, ``reason``."""

    subject: str
    reason: str


class NotReplaceableError(_FileError):
    """A file holds what a new file must not replace, such as the certificate of a CA: ``path``, and what was ``found``."""

    path: Path
    found: str


class SeveralError(_InputError):
    """One was wanted and several are there: ``what``, and the ``lines`` at which they begin."""

    what: str
    lines: list[int]


class SignatureError(_InputError):
    """A signature is not by the key that should have made it: ``what``, ``reason``."""

    what: str
    reason: str


class SignerError(Error):
    """A signer failed, in this process or outside of it: ``reason``."""

    reason: str


class SpecificationError(_InputError):
    """The specification of a cluster contradicts itself: ``field``, ``reason`` and, read from text, ``line`` and ``column``.

    A ``field`` is called as in YAML, such as ``ca.peers`` or ``members[1].addresses``.
    """

    field: str
    reason: str
    line: int | None = None
    column: int | None = None


class StateError(_InputError):
    """An object is no longer in the state that is needed, such as a lock that was released."""


class SymbolicLinkError(_FileError):
    """A file would be written through a symbolic link: ``path``."""

    path: Path


class TooLargeError(_InputError):
    """An input is larger than any file of its kind: the ``limit`` in bytes."""

    limit: int


class UnknownError(_InputError):
    """A word that is none of a list: ``what`` it should name, ``text``, ``choices``."""

    what: str
    text: str
    choices: list[str]


class UnacceptableError(_InputError):
    """etcd would refuse the requested certificate, or all that the CA signs: ``code`` of the finding, ``reason``."""

    code: str
    reason: str


class UnsupportedError(_InputError):
    """A key, a curve, an encryption or a signature that is not used: ``what``."""

    what: str


class UntrustedOwnerError(_FileError):
    """A private key belongs to a user who should not own it, and so would its replacement: ``path``, ``owner``."""

    path: Path
    owner: str


class ValidityError(_InputError):
    """A validity that cannot be written into a certificate: ``reason``."""

    reason: str


class VerificationError(_InputError):
    """A certificate is not accepted: the ``reasons`` of the verdict."""

    reasons: list[Finding]


class WrongPassphraseError(_InputError):
    """A passphrase does not open a private key."""
