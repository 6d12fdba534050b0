"""Fixtures for all tests."""

import sys

import etcd_pki
import pytest
from etcd_pki import CertificateAuthority, Role
from hypothesis.configuration import set_hypothesis_home_dir
from tools import TOOLS

# Outside of the checkout
set_hypothesis_home_dir(TOOLS / "hypothesis")


def pytest_report_header():
    # The source tree has no native module, so the imported package is the installed one
    return f"etcd_pki {etcd_pki.__version__}: {etcd_pki.__file__}"


@pytest.fixture(scope="session", autouse=True)
def installed():
    """Checks that the tests import the installed wheel."""
    assert etcd_pki.__file__.startswith(sys.prefix), etcd_pki.__file__


@pytest.fixture(scope="session")
def ca():
    return CertificateAuthority.create("etcd-ca")


@pytest.fixture(scope="session")
def other_ca():
    """Another CA with the same name."""
    return CertificateAuthority.create("etcd-ca")


@pytest.fixture(scope="session")
def member(ca):
    return ca.issue(Role.MEMBER, "etcd-1", names=["etcd-1.lan", "127.0.0.1"])
