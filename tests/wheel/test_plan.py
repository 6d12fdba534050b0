"""Plans: what is to be done, why, and doing it."""

import os
from datetime import datetime, timedelta, timezone

import etcd_pki
import pytest
from etcd_pki import Action, Certificate, Cluster, ClusterEntry, Report, StateError


@pytest.fixture
def cluster():
    return Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11"])], clients=["root"])


def test_plan_and_apply(cluster, tmp_path):
    directory = tmp_path / "pki"
    plan = cluster.plan(directory)
    assert not directory.exists()
    assert plan.directory == directory
    assert [step.action for step in plan.changes] == [Action.CREATE] * 4
    assert plan.steps[0].wanted.is_authority
    assert [cause.kind for cause in plan.steps[1].causes] == ["missing_key", "missing_certificate"]
    assert str(plan.steps[1]).startswith("create    member-etcd-1.pem ")
    assert repr(plan) == f"<Plan for {directory}: 4 changes of 4>"
    told = []
    report = plan.apply(progress=lambda done, all: told.append((done, all)))
    assert (report.changed, report.created, report.renewed) == (4, 4, 0)
    assert repr(report) == "<Report created=4 renewed=0 reissued=0 modes=0 removed=0>"
    assert told == sorted(told) and told[-1] == (4, 4)
    again = cluster.plan(directory)
    assert not again.has_work and again.changes == []
    first = again.first_due
    assert first.not_valid_before_utc < first.due_utc < first.not_valid_after_utc
    assert again.apply() == cluster.apply(directory)


def test_a_plan_is_carried_out_once(cluster, tmp_path):
    plan = cluster.plan(tmp_path)
    plan.apply()
    with pytest.raises(StateError, match="this plan has been carried out: plan anew"):
        plan.apply()
    # What it said stays
    assert len(plan.changes) == 4


def test_a_plan_that_is_out_of_date(cluster, tmp_path):
    cluster.apply(tmp_path)
    later = datetime.now(timezone.utc) + timedelta(days=350)
    plan = cluster.plan(tmp_path, now=later)
    assert {step.action for step in plan.changes} == {Action.RENEW}
    assert plan.changes[0].causes[0].kind == "expires"
    assert plan.changes[0].causes[0].facts["days"] in range(10, 20)
    file = plan.changes[0].paths.certificate
    os.replace(tmp_path / file.name.replace("member-etcd-1", "admin-etcd-1"), tmp_path / file.name)
    with pytest.raises(etcd_pki.ChangedError) as raised:
        plan.apply()
    assert isinstance(raised.value, OSError)
    assert raised.value.path.parent == tmp_path


def test_renews_and_keeps_the_key(cluster, tmp_path):
    cluster.apply(tmp_path)
    before = Certificate.from_file(tmp_path / "member-etcd-1.pem")
    wider = Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11", "10.0.0.99"])], clients=["root"])
    assert wider.apply(tmp_path).renewed == 1
    after = Certificate.from_file(tmp_path / "member-etcd-1.pem")
    assert after.public_key == before.public_key
    assert set(after.ip_addresses) > set(before.ip_addresses)


def test_the_options(cluster, tmp_path):
    assert cluster.apply(tmp_path, only="root").created == 2
    with pytest.raises(etcd_pki.InvalidNameError):
        cluster.apply(tmp_path, only="nobody")
    cluster.apply(tmp_path)
    less = Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11"])])
    assert [pair.certificate.name for pair in less.plan(tmp_path).surplus] == ["client-root.pem"]
    assert less.apply(tmp_path, prune=True, backup=True).removed == 1
    assert not (tmp_path / "client-root.pem").exists()
    key = (tmp_path / "member-etcd-1-key.pem").read_bytes()
    wider = Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11", "10.0.0.99"])])
    assert wider.apply(tmp_path, rekey=True).changed == 1
    assert (tmp_path / "member-etcd-1-key.pem").read_bytes() != key


def test_an_encrypted_authority(cluster, tmp_path):
    cluster.apply(tmp_path, passphrase="correct horse")
    assert b"ENCRYPTED" in (tmp_path / "ca-key.pem").read_bytes()
    wider = Cluster(members=["etcd-1", "etcd-2"], clients=["root"])
    with pytest.raises(etcd_pki.EncryptedKeyError) as raised:
        wider.apply(tmp_path)
    assert raised.value.path == tmp_path / "ca-key.pem"
    with pytest.raises(etcd_pki.WrongPassphraseError):
        wider.apply(tmp_path, passphrase=b"wrong")
    assert wider.apply(tmp_path, passphrase=b"correct horse").created == 2


def test_a_wrong_passphrase_does_not_use_a_plan_up(cluster, tmp_path):
    cluster.apply(tmp_path, passphrase="correct horse")
    before = sorted(tmp_path.iterdir())
    plan = Cluster(members=["etcd-1", "etcd-2"], clients=["root"]).plan(tmp_path)
    with pytest.raises(etcd_pki.EncryptedKeyError):
        plan.apply()
    for wrong in "wrong", b"wrong":
        with pytest.raises(etcd_pki.WrongPassphraseError) as raised:
            plan.apply(passphrase=wrong)
        assert raised.value.path == tmp_path / "ca-key.pem"
    assert sorted(tmp_path.iterdir()) == before
    assert plan.apply(passphrase="correct horse").created == 2
    with pytest.raises(StateError, match="plan anew"):
        plan.apply(passphrase="correct horse")


def test_what_need_not_be_opened_is_not_asked_for(cluster, tmp_path):
    cluster.apply(tmp_path, passphrase="correct horse")
    (tmp_path / "client-root-key.pem").chmod(0o644)
    report = cluster.plan(tmp_path).apply(passphrase="wrong")
    assert (report.modes, report.changed) == (1, 1)


def test_a_lock_that_is_not_had_does_not_use_a_plan_up(cluster, tmp_path):
    plan = cluster.plan(tmp_path / "pki")
    (tmp_path / "pki").write_text("no directory")
    with pytest.raises(OSError):
        plan.apply()
    (tmp_path / "pki").unlink()
    assert plan.apply().created == 4


def test_export(cluster, tmp_path):
    cluster.apply(tmp_path / "all")
    exported = cluster.export(tmp_path / "etcd-1", host="etcd-1", directory=tmp_path / "all")
    assert {file.name for file in exported.files} >= {"ca.pem", "member-etcd-1.pem", "member-etcd-1-key.pem"}
    assert not (tmp_path / "etcd-1" / "ca-key.pem").exists()
    assert not cluster.plan(tmp_path / "etcd-1", host="etcd-1").has_work
    with pytest.raises(FileExistsError):
        cluster.export(tmp_path / "etcd-1", host="etcd-1", directory=tmp_path / "all")
    assert cluster.export(tmp_path / "etcd-1", host="etcd-1", directory=tmp_path / "all", overwrite=True) == exported
    assert exported.not_given == []


def test_another_authority(cluster, tmp_path):
    cluster.apply(tmp_path)
    other = Cluster(members=["etcd-1"], authority=etcd_pki.ClusterAuthority("other-ca"))
    with pytest.raises(etcd_pki.AnotherAuthorityError) as raised:
        other.apply(tmp_path)
    assert (raised.value.path, raised.value.wanted) == (tmp_path / "ca.pem", "other-ca")


def test_progress_that_raises(tmp_path):
    cluster = Cluster(members=[f"etcd-{number}" for number in range(1, 400)], admin=False)

    def progress(done, all):
        raise LookupError(f"{done} of {all}")

    with pytest.raises(LookupError, match=r"of 400$"):
        cluster.apply(tmp_path, progress=progress)
    assert_whole(tmp_path)
    cluster.apply(tmp_path)
    assert not cluster.plan(tmp_path).has_work


def assert_whole(directory):
    """Each certificate that is there has its key, and nothing else lies about."""
    names = {file.name for file in directory.iterdir() if not file.is_symlink()} - {".etcd-pki.lock"}
    certificates = {name for name in names if name.endswith(".pem") and not name.endswith("-key.pem")}
    for name in certificates:
        etcd_pki.Bundle.from_files(directory / name, directory / name.replace(".pem", "-key.pem"))


def test_a_symbolic_link(cluster, tmp_path):
    cluster.apply(tmp_path / "pki")
    target = tmp_path / "target.pem"
    os.replace(tmp_path / "pki" / "client-root.pem", target)
    os.symlink(target, tmp_path / "pki" / "client-root.pem")
    with pytest.raises(OSError) as raised:
        Cluster(members=["etcd-1"], clients=[ClusterEntry("root", algorithm="ed25519")]).apply(tmp_path / "pki")
    assert isinstance(raised.value, etcd_pki.SymbolicLinkError)
    assert raised.value.path == tmp_path / "pki" / "client-root.pem"


def test_what_is_in_the_way_holds_up_no_other_pair(cluster, tmp_path):
    directory = tmp_path / "pki"
    key = directory / "client-root-key.pem"
    key.mkdir(parents=True)
    plan = cluster.plan(directory)
    (step,) = [step for step in plan.changes if step.paths.key == key]
    (cause,) = [cause for cause in step.causes if cause.kind == "in_the_way"]
    assert cause.facts["path"] == key
    assert str(cause) == cause.facts["reason"] == f"{key} is no regular file"
    with pytest.raises(etcd_pki.IrregularError, match="is no regular file") as raised:
        plan.apply()
    assert raised.value.path == key
    assert key.is_dir()
    key.rmdir()
    assert cluster.apply(directory).created == 1
    assert_whole(directory)


def test_links_within_the_directory(tmp_path):
    directory = tmp_path / "pki"
    Cluster(nodes=["kube-1"]).apply(directory)
    for end in (".pem", "-key.pem"):
        (directory / f"node-kube-2{end}").symlink_to(f"node-kube-1{end}")
    before = {path: path.read_bytes() for path in directory.glob("*kube-1*")}
    cluster = Cluster(nodes=["kube-1", "kube-2"])
    (step,) = cluster.plan(directory).changes
    links = [cause for cause in step.causes if cause.kind == "symbolic_link"]
    assert {cause.facts["path"]: cause.facts["target"] for cause in links} == {
        directory / f"node-kube-2{end}": (directory / f"node-kube-1{end}").resolve() for end in (".pem", "-key.pem")
    }
    with pytest.raises(etcd_pki.SymbolicLinkError):
        cluster.apply(directory)
    assert cluster.apply(directory, replace_links=True).reissued == 1
    assert before == {path: path.read_bytes() for path in before}
    assert not (directory / "node-kube-2-key.pem").is_symlink()
    assert_whole(directory)


def test_what_was_done_before_it_failed(tmp_path):
    directory, target = tmp_path / "pki", tmp_path / "target.pem"
    directory.mkdir()
    target.write_text("precious")
    os.symlink(target, directory / "client-root.pem")
    cluster = Cluster(members=["etcd-1", "etcd-2"], clients=["root"])
    with pytest.raises(etcd_pki.SymbolicLinkError) as raised:
        cluster.apply(directory)
    first = raised.value.done
    # The authority comes before all others
    assert first[0] == directory / "ca.pem"
    with pytest.raises(etcd_pki.SymbolicLinkError) as raised:
        cluster.plan(directory).apply()
    done = first + raised.value.done
    there = {path for path in directory.glob("[!.]*") if not path.name.endswith("-key.pem") and not path.is_symlink()}
    assert sorted(done) == sorted(there)
    assert_whole(directory)
    (directory / "client-root.pem").unlink()
    assert cluster.apply(directory).created == 6 - len(there)
    with pytest.raises(etcd_pki.Error) as raised:
        cluster.apply(tmp_path / "target.pem" / "pki")
    assert raised.value.done == []


def test_a_directory_that_may_not_be_made(cluster, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as raised:
        cluster.apply(tmp_path / "file" / "pki")
    assert isinstance(raised.value, etcd_pki.IoError)


def test_a_report_is_compared(cluster, tmp_path):
    first, second = cluster.apply(tmp_path / "1"), cluster.apply(tmp_path / "2")
    assert first == second and isinstance(first, Report)
    assert first != cluster.apply(tmp_path / "1")


def test_surplus_is_told_with_its_directory(tmp_path):
    Cluster(clients=["gone", "root"]).apply(tmp_path)
    plan = Cluster(clients=["root"]).plan(tmp_path)
    assert [pair.certificate for pair in plan.surplus] == [tmp_path / "client-gone.pem"]
    assert plan.surplus[0].key.exists()


def test_an_authority_that_nobody_wants(tmp_path):
    def members(peers):
        return Cluster(members=["etcd-1"], authority=etcd_pki.ClusterAuthority(peers=peers))

    members("separate").apply(tmp_path)
    assert members("separate").plan(tmp_path).surplus_authority is None
    plan = members("shared").plan(tmp_path, prune=True)
    assert plan.surplus_authority is not None
    assert (plan.surplus_authority.certificate, plan.surplus_authority.key) == (
        tmp_path / "peer-ca.pem",
        tmp_path / "peer-ca-key.pem",
    )
    plan.apply()
    # It is told, and stays
    assert members("shared").plan(tmp_path).surplus_authority == plan.surplus_authority
    assert plan.surplus_authority.key.exists()
    assert members("shared").plan(tmp_path, only="etcd-1").surplus_authority is None


def test_a_key_that_is_elsewhere(cluster, tmp_path):
    cluster.apply(tmp_path)
    (tmp_path / "ca-key.pem").unlink()
    # Which is right where nothing is to be signed
    assert cluster.plan(tmp_path).authorities_without_key == []
    (tmp_path / "client-root.pem").unlink()
    (authority,) = cluster.plan(tmp_path).authorities_without_key
    assert authority.paths.key == tmp_path / "ca-key.pem" and authority.wanted.is_authority


def test_another_layout(cluster, tmp_path):
    cluster.apply(tmp_path)
    with pytest.raises(etcd_pki.AuthorityExistsError) as raised:
        Cluster(members=["etcd-1"], layout="kubeadm").plan(tmp_path)
    assert (raised.value.directory, raised.value.layout) == (tmp_path, "kubespray")
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(etcd_pki.AuthorityExistsError) as raised:
        cluster.plan(tmp_path)
    assert raised.value.layout is None
