"""Directories that the user may not read or write cause an error, and never count as empty."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("rights", [0o000, 0o500])
def test_a_closed_directory(bound_by_modes, tmp_path, ca, rights):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(rights)
    key = f"{closed}/m-key.pem"
    who = dict(role="member", name="etcd-1")
    request = dict(who, path=f"{closed}/m.csr", privatekey_path=key)
    try:
        results = bound_by_modes.tasks(
            {"etcd_pki.core.certificate_request": request},
            {"etcd_pki.core.certificate_request": dict(request, path=f"{tmp_path}/m.csr")},
            {
                "etcd_pki.core.certificate_request": dict(
                    who, path=f"{tmp_path}/own.csr", privatekey_path=f"{tmp_path}/own-key.pem"
                )
            },
            {"etcd_pki.core.certificate": dict(ca, **who, path=f"{closed}/m.pem", csr_path=f"{tmp_path}/own.csr")},
            {"etcd_pki.core.cluster": dict(directory=f"{closed}/pki", members=["etcd-1"])},
            {"etcd_pki.core.cluster": dict(directory=str(closed), members=["etcd-1"])},
        ).results
        own = results.pop(2)
    finally:
        closed.chmod(0o700)
    assert own["changed"] and not own["failed"], own
    for result in results:
        assert result["failed"], result
        assert str(closed) in result["msg"] and "Permission denied" in result["msg"], result
    assert list(closed.iterdir()) == []
    assert not (tmp_path / "m.csr").exists(), "a key that could not be written has no request"
