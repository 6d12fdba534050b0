"""The findings about existing files."""

from datetime import datetime, timedelta, timezone

import pytest
from etcd_pki import CertificateAuthority, Check, FindingCode, KeyMatch, Role, Severity
from etcd_pki.errors import InvalidChoiceError


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pki")
    ca = CertificateAuthority.create("etcd-ca")
    ca.write(directory)
    ca.issue(Role.MEMBER, "etcd-1", names=["10.0.0.11"]).write(directory)
    return directory


def test_all_is_well(directory):
    checked = Check().run([directory])
    assert [(one.path.name, one.number, one.severity, one.key_match) for one in checked] == [
        ("ca.pem", 1, Severity.OK, KeyMatch.YES),
        ("member-etcd-1.pem", 1, Severity.OK, KeyMatch.YES),
    ]
    assert checked[1].certificate.role is Role.MEMBER
    assert checked[1].key == directory / "member-etcd-1-key.pem"
    assert checked[1].findings == []
    assert 364 * 86400 < checked[1].seconds_left <= 366 * 86400
    assert repr(Check()) == "<Check>"
    assert (
        repr(Check(warning="60d", critical=timedelta(days=7), ignore=["EP003"])) == "<Check warning=60d critical=7d ignore=EP003>"
    )
    assert repr(checked[0]) == f"<Checked {directory / 'ca.pem'}: ok>"


@pytest.mark.parametrize("warning", [timedelta(days=400), "400d", "100%"])
def test_thresholds(directory, warning):
    def checked(**options):
        # The remaining days change with the time
        (one,) = Check(warning=warning, at=now, **options).run([directory / "member-etcd-1.pem"])
        return one

    now = datetime.now(timezone.utc)
    one = checked()
    assert one.severity is Severity.WARNING
    finding = one.findings[0]
    assert (finding.code, finding.kind, finding.severity) == (FindingCode.EXPIRES, "expires", Severity.WARNING)
    assert finding.code is FindingCode.EXPIRES and finding.code == "EP003"
    assert finding.not_after == one.certificate.not_valid_after_utc
    for code in (FindingCode.EXPIRES, "EP003"):
        assert checked(ignore=[code]).findings == []
    assert finding == checked().findings[0]


def test_codes_that_are_ignored(directory):
    late = {"warning": "400d"}
    assert Check(**late, ignore=["ep003"]).run([directory / "member-etcd-1.pem"])[0].findings == []
    for code in ("EP999x", "EP999", "EP", "EP003 ", ""):
        with pytest.raises(InvalidChoiceError) as raised:
            Check(ignore=["EP001", code])
        assert (str(raised.value), raised.value.text) == (f'unknown code of a finding "{code}"', code)
        assert "EP003" in raised.value.choices and raised.value.hint == f"one of {', '.join(raised.value.choices)}"


def test_at_another_time(directory):
    later = datetime.now(timezone.utc) + timedelta(days=4000)
    checked = Check(at=later).run([str(directory)])
    assert {one.severity for one in checked} == {Severity.CRITICAL}
    assert all(one.seconds_left < 0 for one in checked)
    with pytest.raises(ValueError):
        Check(at=datetime(2030, 1, 1))


def test_what_cannot_be_read_is_a_finding(directory, tmp_path):
    file = tmp_path / "damaged.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    checked = Check().run([file, tmp_path / "missing.pem"])
    assert [one.certificate for one in checked] == [None, None]
    assert checked[0].severity is Severity.CRITICAL
    assert checked[0].findings[0].kind == "unreadable"


def test_what_everybody_may_write(tmp_path):
    CertificateAuthority.create("etcd-ca").write(tmp_path)
    (tmp_path / "ca.pem").chmod(0o646)
    tmp_path.chmod(0o777)
    checked = Check().run([tmp_path])
    assert [(one.path, one.certificate is None, one.severity) for one in checked] == [
        (tmp_path, True, Severity.CRITICAL),
        (tmp_path / "ca.pem", False, Severity.CRITICAL),
    ]
    found = [(finding.code, finding.kind, finding.path, finding.current) for one in checked for finding in one.findings]
    assert found == [("EP015", "writable", tmp_path, ["0777"]), ("EP015", "writable", tmp_path / "ca.pem", ["0646"])]


def test_a_key_whose_certificate_is_not_there(tmp_path):
    ca = CertificateAuthority.create("etcd-ca")
    ca.write(tmp_path)
    ca.issue(Role.CLIENT, "root").write(tmp_path)
    (tmp_path / "client-root.pem").unlink()
    key = Check().run([tmp_path])[1]
    assert (key.path, key.certificate, key.severity) == (tmp_path / "client-root-key.pem", None, Severity.WARNING)
    assert [(finding.code, finding.kind) for finding in key.findings] == [("EP016", "missing_certificate")]


def test_a_lone_path_is_refused(directory):
    for lone in (str(directory), b"pki", directory, 7, None):
        with pytest.raises(TypeError):
            Check().run(lone)
