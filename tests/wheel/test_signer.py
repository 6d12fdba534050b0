"""Keys that are elsewhere, and the exceptions of their objects."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from etcd_pki import CertificateAuthority, PrivateKey, Role, SignerError


class Elsewhere:
    """A key in an object, which returns the answer that the test sets."""

    def __init__(self, key, answer):
        self.public_key = key.public_key
        self._answer = answer

    def sign(self, message):
        return self._answer(message)


def signing_ca(answer):
    key = PrivateKey.generate()
    certificate = CertificateAuthority.create("etcd-ca", key=key).certificate
    return CertificateAuthority.from_signer(certificate, Elsewhere(key, answer or key.sign))


def test_it_signs():
    ca = signing_ca(None)
    assert ca.key is None
    ca.issue(Role.CLIENT, "backup").certificate.check_issued_by(ca.certificate)


def test_what_it_raises_is_the_cause():
    def answer(message):
        raise RuntimeError("the module is locked")

    with pytest.raises(SignerError, match="the module is locked") as raised:
        signing_ca(answer).issue(Role.CLIENT, "backup")
    assert isinstance(raised.value.__cause__, RuntimeError)


def test_an_interrupt_goes_on_as_it_is():
    def answer(message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        signing_ca(answer).issue(Role.CLIENT, "backup")


def test_each_thread_is_told_what_it_raised_itself():
    together = threading.Barrier(4)

    def answer(message):
        together.wait(timeout=30)
        raise RuntimeError(threading.get_ident())

    ca = signing_ca(answer)

    def issue(_):
        with pytest.raises(SignerError) as raised:
            ca.issue(Role.CLIENT, "backup")
        return raised.value.__cause__.args == (threading.get_ident(),)

    for _ in range(20):
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(issue, range(4)))


def test_what_is_no_signature():
    with pytest.raises(SignerError) as raised:
        signing_ca(lambda message: "text").issue(Role.CLIENT, "backup")
    assert isinstance(raised.value.__cause__, TypeError)
    with pytest.raises(ValueError, match="signature"):
        signing_ca(lambda message: b"no signature").issue(Role.CLIENT, "backup")


def test_a_signer_has_a_public_key_and_signs():
    class Keyless:
        public_key = "none"

        def sign(self, message):
            return message

    certificate = signing_ca(None).certificate
    with pytest.raises(TypeError, match="expected PublicKey as public_key, not str"):
        CertificateAuthority.from_signer(certificate, Keyless())
    for wrong in (None, 7, "key", b"key", object(), certificate):
        with pytest.raises(TypeError, match="expected an object with public_key and sign, not "):
            CertificateAuthority.from_signer(certificate, wrong)
