"""Times have a zone, and durations are not negative."""

from datetime import date, datetime, timedelta, timezone, tzinfo

import etcd_pki
import pytest
from etcd_pki import (
    CertificateAuthority,
    Check,
    Cluster,
    ClusterAdmin,
    ClusterCa,
    ClusterDefaults,
    ClusterEntry,
    PrivateKey,
    Profile,
    Renewal,
    Role,
    Store,
    Verifier,
)

NAIVE = datetime(2030, 1, 1)
AWARE = datetime(2030, 1, 1, tzinfo=timezone.utc)
KEY = PrivateKey.generate()


def instants(ca):
    """Returns everything that accepts a time."""
    yield lambda instant: CertificateAuthority.create("etcd-ca", now=instant)
    yield lambda instant: CertificateAuthority.load(ca.certificate, ca.key, now=instant)
    yield lambda instant: CertificateAuthority.from_pem(ca.certificate.to_pem(), ca.key.to_secret_pem(), now=instant)
    yield lambda instant: CertificateAuthority.from_files("ca.pem", "ca-key.pem", now=instant)
    yield lambda instant: CertificateAuthority.from_signer(ca.certificate, ca.key, now=instant)
    yield lambda instant: Store("pki").ca(now=instant)
    yield lambda instant: ca.issue(Role.CLIENT, "backup", now=instant)
    yield lambda instant: ca.renewed(now=instant)
    yield lambda instant: ca.renew(ca.certificate, now=instant)
    yield lambda instant: ca.certify(KEY.public_key, Role.CLIENT, "backup", now=instant)
    yield lambda instant: Cluster(clients=["root"]).plan("pki", now=instant)
    yield lambda instant: Cluster(nodes=["a"]).plan("pki", host="a", exchange="exchange", now=instant)
    yield lambda instant: Cluster(nodes=["a"]).plan("pki", exchange="exchange", now=instant)
    yield lambda instant: Renewal(ca, now=instant).plan_files([])
    yield lambda instant: Verifier(ca.certificate, at=instant)
    yield lambda instant: Check(at=instant)


def validities(ca):
    """Returns everything that accepts a validity."""
    yield lambda validity: CertificateAuthority.create("etcd-ca", validity=validity)
    yield lambda validity: ca.issue(Role.CLIENT, "backup", validity=validity)
    yield lambda validity: ca.renewed(validity=validity)
    yield lambda validity: ca.certify(KEY.public_key, Role.CLIENT, "backup", validity=validity)
    yield lambda validity: ca.issue(Profile(Role.CLIENT, validity=validity), "backup")
    yield lambda validity: Cluster(clients=[ClusterEntry("root", validity=validity)]).apply("pki")
    yield lambda validity: Cluster(defaults=ClusterDefaults(validity=validity), clients=["root"]).apply("pki")
    yield lambda validity: Cluster(ca=ClusterCa(validity=validity), clients=["root"]).apply("pki")
    yield lambda validity: Cluster(admin=ClusterAdmin(validity=validity), members=["etcd-1"]).apply("pki")


def thresholds():
    """Returns everything that accepts a time before the expiry."""
    yield lambda before: Check(warning=before)
    yield lambda before: Check(critical=before)
    yield lambda before: ClusterDefaults(renew_before=before)


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_naive_ones_are_refused(ca):
    for act in [*instants(ca), *validities(ca)]:
        with pytest.raises(etcd_pki.errors.InvalidDurationError) as raised:
            act(NAIVE)
        assert str(raised.value).startswith('"2030-01-01 00:00:00" is no duration and no instant: it has no time zone')
        assert isinstance(raised.value, ValueError)


def test_a_zone_that_says_nothing_is_naive(ca):
    class Nowhere(tzinfo):
        def utcoffset(self, moment):
            return None

    class Broken(tzinfo):
        def utcoffset(self, moment):
            raise LookupError("no zone today")

    with pytest.raises(etcd_pki.errors.InvalidDurationError):
        Verifier(ca.certificate, at=NAIVE.replace(tzinfo=Nowhere()))
    with pytest.raises(LookupError, match="no zone today"):
        Verifier(ca.certificate, at=NAIVE.replace(tzinfo=Broken()))


def test_zones_are_minded():
    berlin = timezone(timedelta(hours=1))
    made = CertificateAuthority.create("etcd-ca", now=AWARE.astimezone(berlin), validity=timedelta(days=1))
    same = CertificateAuthority.create("etcd-ca", now=AWARE, validity=(AWARE + timedelta(days=1)).astimezone(berlin))
    assert made.certificate.not_valid_before_utc == same.certificate.not_valid_before_utc
    assert abs(made.certificate.not_valid_after_utc - same.certificate.not_valid_after_utc) <= timedelta(seconds=1)


def test_negative_ones_are_refused(ca):
    for act in [*validities(ca), *thresholds()]:
        with pytest.raises(etcd_pki.errors.InvalidDurationError, match="it is negative"):
            act(timedelta(seconds=-1))
        with pytest.raises(etcd_pki.errors.InvalidDurationError):
            act(timedelta.min)


def test_beyond_what_a_certificate_can_say(ca):
    """RFC 5280 ends with the year 9999, and so does Python."""
    for act in validities(ca):
        for wrong in (timedelta(days=3_000_000), timedelta.max, timedelta(0)):
            # A specification names the field
            with pytest.raises((etcd_pki.errors.InvalidValidityError, etcd_pki.SpecificationError), match="validity"):
                act(wrong)


def test_at_the_ends_of_time(ca):
    east, west = timezone(timedelta(hours=23)), timezone(-timedelta(hours=23))
    last, first = datetime.max.replace(tzinfo=west), datetime.min.replace(tzinfo=east)
    for act in [*instants(ca), *validities(ca)]:
        for instant in (last, first, datetime.max.replace(tzinfo=timezone.utc), datetime.min.replace(tzinfo=timezone.utc)):
            try:
                act(instant)
            except (etcd_pki.Error, ValueError):
                pass


def test_the_last_second_is_told():
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
    assert CertificateAuthority.create("etcd-ca", validity=last).certificate.not_valid_after_utc == last


@pytest.mark.parametrize("wrong", [7, 1.5, date(2030, 1, 1), b"90d", [], object()])
def test_what_is_no_time(ca, wrong):
    for act in [*instants(ca), *validities(ca), *thresholds()]:
        with pytest.raises(TypeError):
            act(wrong)


def test_text_is_no_instant_but_a_duration(ca):
    for act in instants(ca):
        with pytest.raises(TypeError, match="expected datetime, not str"):
            act("2030-01-01T00:00:00Z")
    for act in validities(ca):
        with pytest.raises(etcd_pki.errors.InvalidDurationError) as raised:
            act("soon")
        assert raised.value.text == "soon"
    for act in thresholds():
        with pytest.raises(etcd_pki.Error, match="soon"):
            act("soon")


def test_a_subclass_of_datetime(ca):
    class Moment(datetime):
        pass

    moment = Moment(2030, 1, 1, tzinfo=timezone.utc)
    assert Verifier(ca.certificate, at=moment).verify(ca.certificate)


@pytest.mark.parametrize("argument", ["now", "validity"])
def test_before_1970(ca, argument):
    with pytest.raises(etcd_pki.errors.InvalidDurationError, match="it is before 1970"):
        ca.issue("client", "backup", **{argument: datetime(1, 1, 1, tzinfo=timezone.utc)})
