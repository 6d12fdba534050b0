"""A key and a request on the host that uses them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import messages, mode, openssl

MEMBER = dict(role="member", name="etcd-1", names=["10.0.0.11", "etcd-1.lan"])


@pytest.fixture
def options(tmp_path) -> dict:
    (tmp_path / "pki").mkdir(mode=0o700)
    return dict(MEMBER, path=f"{tmp_path}/pki/m.csr", privatekey_path=f"{tmp_path}/pki/m-key.pem", return_content=True)


def test_made_once(ansible, options):
    check = ansible.module("certificate_request", ("--check", "--diff"), **options)
    assert check["changed"] and messages(check["reasons"]) == ["the key is missing", "the request is missing"]
    assert (check["csr"], check["public_key_fingerprint"]) == ("", "")
    assert "DNS name etcd-1.lan" in check["diff"]["after"]["claims"]
    assert os.listdir(os.path.dirname(options["path"])) == []

    made = ansible.module("certificate_request", ("--diff",), **options)
    assert made["changed"] and made["reasons"] == check["reasons"]
    assert made["csr"] == Path(options["path"]).read_text()
    assert (mode(options["privatekey_path"]), mode(options["path"])) == (0o600, 0o644)
    said = openssl("req", "-in", options["path"], "-noout", "-text", "-verify")
    assert "CN = etcd-member-etcd-1" in said and "IP Address:10.0.0.11" in said and "DNS:etcd-1.lan" in said
    public = openssl("pkey", "-in", options["privatekey_path"], "-pubout")
    assert public == openssl("req", "-in", options["path"], "-noout", "-pubkey")

    again, checked = (ansible.module("certificate_request", flags, **options) for flags in (("--diff",), ("--check", "--diff")))
    for result in (again, checked):
        assert not result["changed"] and result["reasons"] == []
        assert result["diff"]["before"] == result["diff"]["after"]
        assert result["csr"] == made["csr"]


def test_another_name_keeps_the_key(ansible, options):
    ansible.module("certificate_request", **options)
    key = Path(options["privatekey_path"]).read_text()
    changed = dict(options, names=["10.0.0.12", "etcd-1.lan"], backup=True)
    checked, made = (
        ansible.module("certificate_request", ("--check",), **changed),
        ansible.module("certificate_request", **changed),
    )
    for result in (checked, made):
        assert messages(result["reasons"]) == ["address 10.0.0.12 is missing", "address 10.0.0.11 is not requested"]
    assert Path(options["privatekey_path"]).read_text() == key
    assert "IP Address:10.0.0.11" in openssl("req", "-in", made["backup_file"], "-noout", "-text")
    assert "privatekey_backup_file" not in made and "backup_file" not in checked


def test_a_key_is_replaced_only_if_asked(ansible, options):
    ansible.module("certificate_request", **options)
    key = Path(options["privatekey_path"]).read_text()
    kept, refused, never, forced = ansible.modules(
        "certificate_request",
        options,
        dict(options, algorithm="ed25519"),
        dict(options, algorithm="ed25519", regenerate="never"),
        dict(options, force=True),
    )
    assert not kept["changed"]
    assert refused["failed"] and "the key is ec-p256, should be ed25519" in refused["msg"]
    assert not never["changed"]
    assert forced["changed"] and messages(forced["reasons"]) == ["it was requested (force)"]
    assert Path(options["privatekey_path"]).read_text() == key

    asked = dict(options, algorithm="ed25519", regenerate="partial_idempotence", backup=True)
    checked = ansible.module("certificate_request", ("--check",), **asked)
    assert checked["changed"] and Path(options["privatekey_path"]).read_text() == key
    replaced, again = ansible.modules("certificate_request", asked, asked)
    assert messages(replaced["reasons"])[:2] == ["the key is ec-p256, should be ed25519", "the request is for another key"]
    assert not again["changed"]
    assert "ED25519" in openssl("pkey", "-in", options["privatekey_path"], "-noout", "-text")
    assert Path(replaced["privatekey_backup_file"]).read_text() == key
    assert mode(replaced["privatekey_backup_file"]) == 0o600


def test_check_mode_of_a_key_that_is_due(ansible, options, tmp_path, ca):
    """The existing request is for the old key, so the module does not return it for signing."""
    signing = dict(MEMBER, **ca, path=f"{tmp_path}/m.pem", csr_content="{{ request.csr }}")
    ask, sign = dict(options, algorithm="ec-p256"), {"etcd_pki.core.certificate": signing}
    made = ansible.tasks({"etcd_pki.core.certificate_request": ask, "register": "request"}, sign)
    assert made.changed() == ["localhost: etcd_pki.core.certificate_request", "localhost: etcd_pki.core.certificate"]
    for due in (dict(regenerate="always"), dict(regenerate="partial_idempotence", algorithm="ed25519")):
        task = {"etcd_pki.core.certificate_request": dict(ask, **due), "register": "request"}
        request, certificate = ansible.tasks(task, sign, flags=("--check",)).results
        assert request["changed"] and (request["csr"], request["public_key_fingerprint"]) == ("", "")
        assert certificate["changed"] and messages(certificate["reasons"]) == ["the request is missing"]
    kept = ansible.tasks({"etcd_pki.core.certificate_request": ask, "register": "request"}, sign, flags=("--check",))
    assert kept.changed() == [] and kept.results[0]["csr"] == made.results[0]["csr"]


def test_a_damaged_key(ansible, options):
    with open(options["privatekey_path"], "w") as file:
        file.write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    refused, always, full = ansible.modules(
        "certificate_request",
        options,
        dict(options, regenerate="partial_idempotence"),
        dict(options, regenerate="full_idempotence"),
    )
    for result in (refused, always):
        assert result["failed"] and options["privatekey_path"] in result["msg"]
    assert full["changed"] and messages(full["reasons"])[0].startswith("the key is unreadable")


def test_keys_of_other_tools(ansible, options, tmp_path):
    own = tmp_path / "rsa.pem"
    openssl("genrsa", "-aes256", "-passout", "pass:a long passphrase", "-traditional", "-out", tmp_path / "old.pem", "2048")
    openssl(
        "pkcs8",
        "-topk8",
        "-in",
        tmp_path / "old.pem",
        "-passin",
        "pass:a long passphrase",
        "-passout",
        "pass:a long passphrase",
        "-out",
        own,
    )
    content = openssl("pkey", "-in", own, "-passin", "pass:a long passphrase")
    wrong, without, encrypted, given, other = ansible.modules(
        "certificate_request",
        dict(options, privatekey_path=str(own), privatekey_passphrase="another one"),
        dict(options, privatekey_path=str(own)),
        dict(options, privatekey_path=str(own), privatekey_passphrase="a long passphrase"),
        {name: value for name, value in dict(options, privatekey_content=content).items() if name != "privatekey_path"},
        dict(options, privatekey_content=content),
    )
    for result in (wrong, without):
        assert result["failed"] and "(hint: give the right passphrase with privatekey_passphrase)" in result["msg"]
    assert encrypted["changed"] and not encrypted["failed"]
    assert not given["changed"], "the same key, so the request fits"
    assert other["failed"] and "mutually exclusive" in other["msg"]
    assert openssl("pkey", "-in", own, "-passin", "pass:a long passphrase", "-pubout") == openssl(
        "req", "-in", options["path"], "-noout", "-pubkey"
    )


def test_a_passphrase_of_a_key_without_one(ansible, options):
    """A key is not encrypted without a request, and the user learns that it is not."""
    ansible.module("certificate_request", **options)
    key = Path(options["privatekey_path"])
    clear = key.read_text()
    secret = dict(options, privatekey_passphrase="correct horse")
    given = {name: value for name, value in secret.items() if name != "privatekey_path"}
    without, said, content, new, kept = ansible.modules(
        "certificate_request",
        options,
        secret,
        dict(given, privatekey_content=clear),
        dict(secret, regenerate="always"),
        secret,
    )
    stays = "is not encrypted, and stays so: privatekey_passphrase encrypts only a new key (regenerate: always makes one)"
    assert not without["changed"] and "warnings" not in without
    assert not said["changed"] and said["warnings"] == [f"{key} {stays}"]
    assert not content["changed"] and content["warnings"] == [f"privatekey_content {stays}"]
    assert new["changed"] and "warnings" not in new
    assert not kept["changed"] and "warnings" not in kept
    assert "ENCRYPTED" in key.read_text()


def test_an_empty_passphrase(ansible, options, ca, tmp_path):
    """An empty passphrase protects nothing, so it is refused, also in a run that does not need
    it."""
    given = {name: value for name, value in options.items() if name != "privatekey_path"}
    ask = dict(options, privatekey_passphrase="")
    signing = dict(MEMBER, **ca, path=f"{tmp_path}/m.pem", csr_path=options["path"], ownca_privatekey_passphrase="")
    cluster = dict(directory=f"{tmp_path}/cluster", members=["etcd-1"])
    key = Path(ca["ownca_privatekey_path"]).read_text()
    for flags in (("--check",), ()):
        tasks = [
            {"etcd_pki.core.certificate_request": ask},
            {"etcd_pki.core.certificate_request": dict(given, privatekey_content=key, privatekey_passphrase="")},
            {"etcd_pki.core.certificate": signing},
            {"etcd_pki.core.cluster": dict(cluster, ownca_privatekey_passphrase="")},
        ]
        for result in ansible.tasks(*tasks, flags=flags).results:
            assert result["failed"] and not result.get("changed")
            assert "_passphrase: not a valid passphrase: it is empty (hint: leave " in result["msg"]
    assert os.listdir(os.path.dirname(options["path"])) == [] and not os.path.exists(f"{tmp_path}/cluster")


@pytest.mark.parametrize("flags", [("--check",), ()], ids=["check mode", "for real"])
def test_attributes_that_no_file_can_have(ansible, options, flags):
    """These attributes are refused before anything is written: a mode that is a number, a mode
    that makes the key readable for all, and accounts that do not exist."""
    number, open_, symbolic, excess, request, owner, group, requests, requests_group = ansible.modules(
        "certificate_request",
        dict(options, privatekey_mode=640),
        dict(options, privatekey_mode="0644"),
        dict(options, privatekey_mode="u=rw,o=r"),
        dict(options, privatekey_mode="4600"),
        dict(options, mode=600),
        dict(options, privatekey_owner="nosuch"),
        dict(options, privatekey_group="nosuch"),
        dict(options, owner="nosuch"),
        dict(options, group="nosuch"),
        flags=flags,
    )
    for result, option in ((number, "privatekey_mode"), (request, "mode")):
        assert result["msg"].startswith(f"{option}: a number can be read as octal or as decimal") and "quotes" in result["msg"]
    assert open_["msg"].startswith("privatekey_mode: 0644 gives more than such a file needs")
    assert symbolic["msg"].startswith("privatekey_mode: ") and "is no mode of a file" in symbolic["msg"]
    assert excess["msg"].startswith("privatekey_mode: ") and "nine permissions" in excess["msg"]
    assert owner["msg"].startswith("privatekey_owner: there is no user nosuch on this host")
    assert group["msg"].startswith("privatekey_group: there is no group nosuch on this host")
    assert requests["msg"].startswith("owner: there is no user nosuch on this host")
    assert requests_group["msg"].startswith("group: there is no group nosuch on this host")
    assert os.listdir(os.path.dirname(options["path"])) == []


def test_accounts_by_number(ansible, options):
    made = ansible.module("certificate_request", **dict(options, privatekey_owner=str(os.getuid()), group=str(os.getgid())))
    assert made["changed"] and not made["failed"]


def test_modes(ansible, options):
    ansible.module("certificate_request", **options)
    os.chmod(options["privatekey_path"], 0o644)
    checked = ansible.module("certificate_request", ("--check",), **options)
    assert checked["changed"] and mode(options["privatekey_path"]) == 0o644
    mended, again, said, numbered = ansible.modules(
        "certificate_request",
        options,
        options,
        dict(options, privatekey_mode="0640", mode="0600"),
        dict(options, privatekey_mode="0640", mode="0600"),
    )
    assert mended["changed"] and not again["changed"]
    assert messages(mended["reasons"]) == [f"{options['privatekey_path']} had another owner, group or mode"]
    assert said["changed"] and not numbered["changed"]
    assert (mode(options["privatekey_path"]), mode(options["path"])) == (0o640, 0o600)


def test_differences_of_modes_and_of_what_is_asked_for(ansible, options):
    ansible.module("certificate_request", **options)
    key, path = options["privatekey_path"], options["path"]
    os.chmod(key, 0o644)
    for flags in (("--check", "--diff"), ("--diff",)):
        mended = ansible.module("certificate_request", flags, **dict(options, mode="0600"))
        before, after = mended["diff"]["before"], mended["diff"]["after"]
        assert (before.pop("privatekey"), before.pop("mode")) == ({"mode": "0644"}, "0644")
        assert (after.pop("privatekey"), after.pop("mode")) == ({"mode": "0600"}, "0600")
        assert (
            after.pop("reasons")
            == messages(mended["reasons"])
            == [f"{one} had another owner, group or mode" for one in (key, path)]
        )
        assert before == after
    for flags in (("--check", "--diff"), ("--diff",)):
        forced = ansible.module("certificate_request", flags, **dict(options, force=True))
        assert forced["diff"]["after"] == dict(forced["diff"]["before"], reasons=["it was requested (force)"])
    gone = ansible.module("certificate_request", ("--diff",), path=path, state="absent")
    assert gone["diff"]["after"] == {"reasons": ["state is absent"]} and gone["diff"]["before"]["subject"]


def test_removed(ansible, options):
    ansible.module("certificate_request", **options)
    gone = dict(path=options["path"], state="absent")
    checked = ansible.module("certificate_request", ("--check",), **gone)
    assert checked["changed"] and os.path.exists(options["path"])
    removed, again = ansible.modules("certificate_request", gone, gone)
    assert removed["changed"] and not again["changed"]
    assert not os.path.exists(options["path"])
    assert os.path.exists(options["privatekey_path"]), "a key is not removed with its request"


def test_bad_input(ansible, options, tmp_path):
    link = tmp_path / "pki" / "link.csr"
    link.symlink_to(tmp_path / "elsewhere")
    missing, nameless, address, long, directory, linked, mistaken = ansible.modules(
        "certificate_request",
        dict(path=options["path"]),
        dict(path=options["path"], privatekey_path=options["privatekey_path"], role="client"),
        dict(options, names=["10.0.0.300"]),
        dict(options, name="e" * 64),
        dict(options, path=f"{tmp_path}/nowhere/m.csr"),
        dict(options, path=str(link)),
        dict(options, path=f"{tmp_path}/pki"),
    )
    assert "privatekey_path" in missing["msg"]
    assert "name" in nameless["msg"] and nameless["failed"]
    assert '"10.0.0.300" is no DNS name, IP address or URI' in address["msg"] and "hint:" in address["msg"]
    assert "64 characters" in long["msg"] and " --" not in long["msg"]
    assert f"{tmp_path}/nowhere is no directory" in directory["msg"]
    assert "symbolic link" in linked["msg"]
    assert "is a directory" in mistaken["msg"]

    assert not (tmp_path / "elsewhere").exists()
