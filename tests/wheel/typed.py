"""What type checkers know about the facts of exceptions: tests/package.sh runs mypy and pyright
on this file. It is not executed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import etcd_pki
from typing_extensions import assert_type


def where(path: Path) -> str:
    """The example of the guide."""
    try:
        report = etcd_pki.Cluster.from_file(path).apply()
        for failure in report.failures:
            assert_type(failure.error, "etcd_pki.Error | None")
            assert_type(failure.step.reasons, "list[etcd_pki.Finding]")
        report.raise_for_failures()
    except etcd_pki.SpecificationError as error:
        print(error.line, error.field, error.hint)
        assert_type(error.line, "int | None")
        assert_type(error.column, "int | None")
        assert_type(error.field, str)
        return error.reason
    except etcd_pki.errors.LockedError as error:
        assert_type(error.directory, Path)
        assert_type(error.waited, int)
    except (etcd_pki.BlockedError, etcd_pki.errors.ExistingFileError, etcd_pki.errors.FileChangedError) as error:
        return error.path.name
    except etcd_pki.FileAccessError as error:
        assert_type(error.path, Path)
        return f"{error.action}, {error.errno}, {error.strerror}"
    except etcd_pki.errors.CaExpiredError as error:
        assert_type(error.not_after, datetime)
        return error.subject
    except etcd_pki.errors.InvalidChoiceError as error:
        assert_type(error.choices, "list[str]")
        return f"{error.what}: {error.text}"
    except etcd_pki.Error as error:
        assert_type(error.path, "Path | None")
        assert_type(error.hint, "str | None")
    return ""


def what(contents: bytes) -> str:
    """For input that is no certificate."""
    try:
        etcd_pki.Certificate.from_pem(contents)
    except etcd_pki.errors.MalformedError as error:
        assert_type(error.block, "int | None")
        assert_type(error.line, "int | None")
        return f"{error.what}: {error.reason}"
    except etcd_pki.errors.MissingBlockError as error:
        assert_type(error.found, "list[str]")
    except etcd_pki.errors.SeveralBlocksError as error:
        assert_type(error.lines, "list[int]")
    return ""


def codes(verdict: etcd_pki.Verdict) -> list[str]:
    """For a certificate that would be refused."""
    try:
        verdict.raise_for_reasons()
    except etcd_pki.errors.VerdictError as error:
        assert_type(error.reasons, "list[etcd_pki.Finding]")
        return [reason.kind for reason in error.reasons]
    return []


def renewed(directory: Path) -> list[Path]:
    """For the due changes of a directory."""
    report = etcd_pki.Renewal(etcd_pki.Store(directory)).apply_due("30d")
    assert_type(report.count("renew"), int)
    for finding in etcd_pki.inspect_directory(directory).findings:
        assert_type(finding.path, "Path | None")
        assert_type(finding.not_after, "datetime | None")
        assert_type(finding.current, "list[str]")
    return [step.path for step in report.done]
