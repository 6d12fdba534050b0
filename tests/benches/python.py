"""Measures issuing from Python: compared with Rust, with the same work in pyca/cryptography, and
on two threads compared with one.

    python tests/benches/python.py

It runs in an environment with a release wheel and cryptography. The candidates alternate, so
that other load on the machine affects all of them alike. The output shows medians, and the
medians of the ratios within each round.
"""

import datetime
import functools
import ipaddress
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from etcd_pki import CertificateAuthority, CertificateRequest, PrivateKey, Role

ROUNDS, TIMES = 41, 200
# With so many, the time to start two threads does not matter
TIMES_ON_THREADS = 10 * TIMES
NAMES = ["etcd-1.lan", "10.0.0.11"]
CA = CertificateAuthority.create("etcd-ca")


def call():
    """Generates a key, signs, and writes PEM."""
    bundle = CA.issue(Role.MEMBER, "etcd-1", names=NAMES)
    bundle.to_pem()
    bundle.to_secret_pem()


def request():
    """Generates a key and a request, checks the request, signs, and writes PEM."""
    key = PrivateKey.generate()
    pem = CertificateRequest.create(key, Role.MEMBER, "etcd-1", names=NAMES).to_pem()
    issued = CA.sign(CertificateRequest.from_pem(pem), Role.MEMBER, "etcd-1", names=NAMES)
    issued.to_pem()
    key.to_secret_pem()


class Pyca:
    """The same work, written with the package cryptography."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd-ca")])
        self.identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())

    def subject(self):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd-member-etcd-1")])

    def extensions(self):
        names = [x509.DNSName(name) for name in ("etcd-1", "etcd-1.lan", "localhost")]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("10.0.0.11", "127.0.0.1", "::1")]
        yield x509.SubjectAlternativeName(names), False
        yield x509.KeyUsage(True, False, False, False, False, False, False, False, False), True
        yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False
        yield x509.BasicConstraints(ca=False, path_length=None), True

    def sign(self, public_key):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject())
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=365))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(self.identifier, critical=False)
        )
        for extension, critical in self.extensions():
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def secret(self, key):
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def call(self):
        key = ec.generate_private_key(ec.SECP256R1())
        self.sign(key.public_key())
        self.secret(key)

    def request(self):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = x509.CertificateSigningRequestBuilder().subject_name(self.subject())
        for extension, critical in self.extensions():
            builder = builder.add_extension(extension, critical=critical)
        pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        read = x509.load_pem_x509_csr(pem)
        assert read.is_signature_valid
        self.sign(read.public_key())
        self.secret(key)


class Rust:
    """tests/benches/issue.rs, which answers with the seconds that it took."""

    def __init__(self):
        root = Path(__file__).resolve().parents[2]
        command = ["cargo", "bench", "--quiet", "--locked", "--package", "etcd-pki-tests", "--bench", "issue"]
        self.process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, job, times):
        print(job, times, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def timed(job, times):
    began = time.perf_counter()
    for _ in range(times):
        job()
    return time.perf_counter() - began


def on_two_threads(job, times):
    """Returns the time of two threads that do half of the work each. It is half of the time of
    one thread if nothing slows them down."""
    threads = [threading.Thread(target=timed, args=(job, times // 2)) for _ in range(2)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def start(code):
    """Returns the time of a whole interpreter that runs this code."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def compete(title, contestants, times):
    """Measures all of them alternately, with the same amount of work. The first is ours."""
    seconds = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, contestant in contestants.items():
            seconds[name].append(contestant(times))
    ours, *_ = seconds.values()
    print(title)
    for name, measured in seconds.items():
        ratio = statistics.median(other / own for other, own in zip(measured, ours))
        print(f"  {name:<28} {statistics.median(measured) / times * 1e6:>9.1f} us   ratio {ratio:.2f}")


def main():
    pyca, rust = Pyca(), Rust()
    rust("call", 1)
    empty, imported = zip(*((start("pass"), start("import etcd_pki")) for _ in range(ROUNDS)))
    more = statistics.median(with_it - without for with_it, without in zip(imported, empty))
    print(f"import etcd_pki: {more * 1e3:.1f} ms over an empty interpreter's {statistics.median(empty) * 1e3:.1f} ms")
    for title, ours, theirs, job in (
        ("issue in one call (key, sign, PEM)", call, pyca.call, "call"),
        ("issue through a request (key, request, check, sign, PEM)", request, pyca.request, "request"),
    ):
        contestants = {
            "etcd_pki": functools.partial(timed, ours),
            "etcd-pki-core, Rust": functools.partial(rust, job),
            "cryptography": functools.partial(timed, theirs),
        }
        compete(title, contestants, TIMES)
    print(f"{os.cpu_count()} cores")
    for title, ours in (("one call, on two threads", call), ("a request, on two threads", request)):
        contestants = {
            "two threads": functools.partial(on_two_threads, ours),
            "one": functools.partial(timed, ours),
        }
        compete(title, contestants, TIMES_ON_THREADS)


if __name__ == "__main__":
    main()
