"""Exceptions: twelve families, by the action of the caller, and a class for each kind of error.

``etcd_pki`` itself has the families. Each kind is a subclass of one, so ``except`` with a family
catches all its kinds:

- ``Error``: anything that this package raises
- ``InvalidValueError``: a name, a time or another value is invalid; use another one
- ``SpecificationError``: correct the specification of the cluster
- ``FormatError``: the input is not what is expected; read another file
- ``PassphraseError``: ask for the passphrase
- ``CaError``: the CA cannot do this; renew it, or use another one
- ``VerificationError``: a certificate, a key or a signature is refused
- ``AlreadyExistsError``: nothing is replaced unless a keyword requests it
- ``BlockedError``: move away what is at a path, or repair it
- ``ConflictError``: another process is at work; try again
- ``FileAccessError``: the operating system refused; see ``errno``
- ``SignerError``: a key outside this process did not sign

Each exception is a ``ValueError`` or an ``OSError`` too. Its text is one line: the error, and the
file. Its facts are attributes. Its ``hint`` is advice, if there is any. It is also a note of the
exception, which a traceback shows from Python 3.11 on.
"""

from __future__ import annotations

import sys

# The same name as in typing, without its import
TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from etcd_pki._etcd_pki import Finding
    from etcd_pki._words import FindingCode


class Error(Exception):
    """Anything that this package raises, except for arguments of a wrong type."""

    hint: str | None
    """Advice in the terms of Python; also a note of the exception."""

    path: Path | None
    """The file, if the error is about one."""

    def __init__(self, message: str = "", hint: str | None = None, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.path = None
        self._facts = facts
        for name, value in (facts or {}).items():
            setattr(self, name, value)
        if hint:
            self.add_note(f"hint: {hint}")

    if sys.version_info < (3, 11):

        def add_note(self, note: str, /) -> None:
            """Adds a note, as Python does from 3.11 on (PEP 678)."""
            self.__notes__ = [*getattr(self, "__notes__", []), note]

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError would leave out the facts of the subclass
        return type(self), (str(self), self.hint, self._facts), vars(self)


class InvalidValueError(Error, ValueError):
    """A name, a time or another value is invalid. Use another one."""


class SpecificationError(Error, ValueError):
    """The specification of a cluster is invalid or contradicts itself: ``field``, ``reason`` and,
    if it was read from text, ``line`` and ``column``. Correct it.

    A ``field`` has its name in YAML, such as ``ca.peers`` or ``members[1].addresses``.
    """

    field: str
    reason: str
    line: int | None = None
    column: int | None = None


class FormatError(Error, ValueError):
    """The input is not what is expected, or has an unsupported format. Read another file."""


class PassphraseError(Error, ValueError):
    """A private key is encrypted, and its passphrase is missing or wrong. Ask for it."""


class CaError(Error, ValueError):
    """The CA cannot do this. Renew it, or use another one."""


class VerificationError(Error, ValueError):
    """A certificate, a key or a signature is refused."""


class AlreadyExistsError(Error, FileExistsError):
    """A file or a CA exists, and nothing is replaced unless a keyword such as ``overwrite``
    requests it.
    """


class BlockedError(Error, OSError):
    """A path has something that is neither read nor replaced: ``path``. Move or repair it."""

    path: Path


class ConflictError(Error, OSError):
    """Another process changes the same files. Try again."""


class FileAccessError(Error, OSError):
    """The operating system refused: ``action``, ``path``, and ``errno``, ``strerror``, ``filename``
    as in every ``OSError``.
    """

    action: str
    path: Path


class SignerError(Error, OSError):
    """A key outside this process did not sign: ``reason``. The exception of a signer in Python is
    the cause (``__cause__``).
    """

    reason: str


class CaKeyInLeafError(InvalidValueError):
    """A certificate would have the key of a CA, whose owner can sign certificates. ``subject`` is
    the CA's.
    """

    subject: str


class ClockError(InvalidValueError):
    """The clock of this machine, or the time that was given, cannot be right: ``now``."""

    now: datetime


class CommonNameLengthError(InvalidValueError):
    """A common name does not have 1 to 64 characters: ``common_name``."""

    common_name: str


class InvalidAlternativeNameError(InvalidValueError):
    """Text is no DNS name, no IP address and no URI: ``text``, ``reason``."""

    text: str
    reason: str


class InvalidChoiceError(InvalidValueError):
    """Text is none of the possible values: ``what`` it should be, ``text``, ``choices``."""

    what: str
    text: str
    choices: list[str]


class InvalidDurationError(InvalidValueError):
    """A duration or a time is invalid, such as a datetime without a time zone: ``text``,
    ``reason``.
    """

    text: str
    reason: str


class InvalidNameError(InvalidValueError):
    """A host, a user, a CA or their files cannot have this name, or nothing has it: ``name``,
    ``reason``.
    """

    name: str
    reason: str


class InvalidStateError(InvalidValueError):
    """An object cannot do this in its state, such as a lock that was released."""


class InvalidValidityError(InvalidValueError):
    """A certificate cannot have this validity: ``reason``."""

    reason: str


class LayoutMismatchError(InvalidValueError):
    """A store has another layout than the specification: ``store``, ``specification``."""

    store: str
    specification: str


class MemberCommonNameError(InvalidValueError):
    """A node or a client would get a member's common name: ``common_name``."""

    common_name: str


class NoAlternativeNameError(InvalidValueError):
    """A member's certificate would have no name and no address to connect to."""


class NoSubjectError(InvalidValueError):
    """A subject would be empty: no common name and no organization."""


class NotAdoptableError(InvalidValueError):
    """A directory has no known layout, or no specification can describe it: ``directory``,
    ``reason``.
    """

    directory: Path
    reason: str


class GateClosedError(CaError):
    """The next stage of a rotation is not safe yet: the ``reasons``."""

    reasons: list[str]


class RotationError(CaError):
    """A CA cannot be rotated, or the files of its rotation fit no stage: ``directory``, ``reason``."""

    directory: Path
    reason: str


class MalformedError(FormatError):
    """The input is damaged, or something else: ``what`` it should be, ``reason`` and, in a file of
    several blocks, ``block`` and ``line``.
    """

    what: str
    reason: str
    block: int | None = None
    line: int | None = None


class MissingBlockError(FormatError):
    """The input has no block of the required kind: ``what``, and what was ``found`` instead."""

    what: str
    found: list[str]


class SeveralBlocksError(FormatError):
    """The input has several blocks of a kind, and one is required: ``what``, and the ``lines`` at
    which they begin.
    """

    what: str
    lines: list[int]


class TooLargeError(FormatError):
    """The input is larger than any file of its kind: the ``limit`` in bytes."""

    limit: int


class UnsupportedAlgorithmError(FormatError):
    """A key, a curve, an encryption or a signature is not supported: ``what``."""

    what: str


class EncryptedKeyError(PassphraseError):
    """A private key is encrypted, and no passphrase was given."""


class WrongPassphraseError(PassphraseError):
    """A passphrase does not decrypt a private key."""


class CaExpiredError(CaError):
    """A CA expired: ``subject``, ``not_after``."""

    subject: str
    not_after: datetime


class CaNotYetValidError(CaError):
    """A CA is not valid yet: ``subject``, ``not_before``."""

    subject: str
    not_before: datetime


class IssuedByAnotherCaError(CaError):
    """Another CA issued a CA's certificate, so only that one can renew it: ``subject``, ``issuer``."""

    subject: str
    issuer: str


class NotACaError(CaError):
    """A certificate cannot sign certificates: ``subject``, ``reason``."""

    subject: str
    reason: str


class OtherCaError(CaError):
    """A directory has another CA than the specification: ``path``, ``found``, ``wanted``."""

    path: Path
    found: str
    wanted: str


class KeyMismatchError(VerificationError):
    """A certificate and a key do not match: ``expected`` and ``found``, SHA-256 of each public key."""

    expected: str
    found: str


class SignatureError(VerificationError):
    """A signature is not by the expected key: ``what``, ``reason``."""

    what: str
    reason: str


class UnacceptableError(VerificationError):
    """etcd would refuse the requested certificate, or all that the CA signs: ``code`` of the
    finding, ``reason``.
    """

    code: FindingCode
    reason: str


class VerdictError(VerificationError):
    """A verifier does not accept a certificate: the ``reasons`` of its verdict."""

    reasons: list[Finding]


class ExistingCaError(AlreadyExistsError):
    """A directory has a CA already, or certificates of one: ``directory``, ``found``, and the
    ``layout`` of these files, if it is another than the one that was given.
    """

    directory: Path
    found: str
    layout: str | None = None


class ExistingFileError(AlreadyExistsError):
    """A file exists: ``path``."""

    path: Path


class BlockedStepError(BlockedError):
    """A step of a plan is blocked, because etcd-pki never replaces the files at a path: ``path``,
    ``reason``.
    """

    reason: str


class NotAFileError(BlockedError):
    """A directory, a pipe or a socket is at the path of a file: ``path``."""


class NotReplaceableError(BlockedError):
    """A file has something that a new file must not replace, such as the certificate of a CA:
    ``path``, ``found``.
    """

    found: str


class StillRequiredError(BlockedError):
    """A certificate would be revoked, and the specification still requires it: ``path``,
    ``subject``.
    """

    subject: str


class SymbolicLinkError(BlockedError):
    """A file would be written through a symbolic link: ``path``."""


class UntrustedOwnerError(BlockedError):
    """A private key belongs to a user who should not own it, and so would its replacement:
    ``path``, ``owner``.
    """

    owner: str


class DirectoryGoneError(ConflictError):
    """A directory was moved or removed while etcd-pki wrote to it: ``path``."""

    path: Path


class FileChangedError(ConflictError):
    """A file has changed since the plan was made: ``path``."""

    path: Path


class LockedError(ConflictError, TimeoutError):
    """Another process holds a directory's lock: ``directory``, and the seconds ``waited``."""

    directory: Path
    waited: int


class MissingFileError(FileAccessError, FileNotFoundError):
    """A file or a directory does not exist."""


class PermissionDeniedError(FileAccessError, PermissionError):
    """The permissions of a file or a directory do not allow this."""
