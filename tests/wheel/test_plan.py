"""Plans: the changes, their reasons, and applying them."""

import os
from datetime import datetime, timedelta, timezone

import etcd_pki
import pytest
from etcd_pki import Action, Certificate, Cluster, ClusterEntry, Outcome, Report, Store


@pytest.fixture
def cluster():
    return Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11"])], clients=["root"])


def test_plan_and_apply(cluster, tmp_path):
    directory = tmp_path / "pki"
    plan = cluster.plan(directory)
    assert not directory.exists()
    assert plan.directory == directory
    assert [step.action for step in plan.changes] == [Action.CREATE] * 4
    assert plan.steps[0].ca.common_name == "etcd-ca" and plan.steps[0].pair is None
    assert plan.steps[1].pair.common_name == "etcd-member-etcd-1" and plan.steps[1].ca is None
    assert [reason.kind for reason in plan.steps[1].reasons] == ["missing_key", "missing_certificate"]
    assert str(plan.steps[1]).startswith("create    member-etcd-1.pem ")
    assert repr(plan) == f"<Plan for {directory}: 4 changes of 4>"
    told = []
    report = plan.apply(progress=lambda done, all: told.append((done, all)))
    assert (report.changed, report.count(Action.CREATE), report.count("renew"), report.keys) == (4, 4, 0, 4)
    assert repr(report) == "<Report create=4>"
    assert report.is_complete and report.failures == [] and report.hosts_to_restart == []
    assert [str(step.step) for step in report.steps] == [str(step) for step in plan.steps]
    assert {step.outcome for step in report.done} == {Outcome.DONE}
    assert told == sorted(told) and told[-1] == (4, 4)
    again = cluster.plan(directory)
    assert not again.has_work and again.changes == []
    first = again.next_renewal
    assert first.not_valid_before_utc < first.due_utc < first.not_valid_after_utc
    assert [step.action for step in again.kept] == [Action.KEEP] * 4
    assert again.apply().changed == cluster.apply(directory).changed == 0


def test_a_plan_is_applied_once(cluster, tmp_path):
    plan = cluster.plan(tmp_path)
    plan.apply()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(etcd_pki.errors.FileChangedError):
        plan.apply()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(plan.changes) == 4


def test_a_plan_that_is_out_of_date(cluster, tmp_path):
    cluster.apply(tmp_path)
    later = datetime.now(timezone.utc) + timedelta(days=350)
    plan = cluster.plan(tmp_path, now=later)
    assert {step.action for step in plan.changes} == {Action.RENEW}
    reason = plan.changes[0].reasons[0]
    assert (reason.kind, reason.code) == ("expires", "EP003")
    assert reason.days in range(10, 20) and reason.not_after == plan.changes[0].not_valid_after_utc
    assert (reason.path, reason.name, reason.current, reason.desired) == (None, None, [], [])
    file = plan.changes[0].paths.certificate
    os.replace(tmp_path / file.name.replace("member-etcd-1", "admin-etcd-1"), tmp_path / file.name)
    with pytest.raises(etcd_pki.errors.FileChangedError) as raised:
        plan.apply()
    assert isinstance(raised.value, OSError)
    assert raised.value.path.parent == tmp_path


def test_renews_and_keeps_the_key(cluster, tmp_path):
    cluster.apply(tmp_path)
    before = Certificate.from_file(tmp_path / "member-etcd-1.pem")
    wider = Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11", "10.0.0.99"])], clients=["root"])
    assert wider.apply(tmp_path).count(Action.RENEW) == 1
    after = Certificate.from_file(tmp_path / "member-etcd-1.pem")
    assert after.public_key == before.public_key
    assert set(after.ip_addresses) > set(before.ip_addresses)


def test_the_options(cluster, tmp_path):
    assert cluster.apply(tmp_path, only="root").count(Action.CREATE) == 2
    with pytest.raises(etcd_pki.errors.InvalidNameError):
        cluster.apply(tmp_path, only="nobody")
    cluster.apply(tmp_path)
    less = Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11"])])
    assert [pair.certificate.name for pair in less.plan(tmp_path).unmanaged] == ["client-root.pem"]
    assert less.plan(tmp_path, part_only=True).unmanaged == []
    for nothing in (None, False, [], ()):
        assert less.plan(tmp_path, prune=nothing).changes == []
    assert less.plan(tmp_path, prune=["nobody"]).nothing_to_prune == ["nobody"]
    for wrong in ("root", b"root", 1, [True]):
        with pytest.raises(TypeError):
            less.plan(tmp_path, prune=wrong)
    for named in (less.plan(tmp_path, prune=["root"]), less.plan(tmp_path, only="root", prune=True)):
        (step,) = named.changes
        assert step.action is Action.REMOVE and step.removed_certificate.common_name == "root"
        assert named.nothing_to_prune == [] and named.steps[0].removed_certificate is None
    report = less.apply(tmp_path, prune=True, backup=True)
    assert report.count(Action.REMOVE) == 1
    assert report.done[0].step.pair is None and report.done[0].path == tmp_path / "client-root.pem"
    assert not (tmp_path / "client-root.pem").exists()
    key = (tmp_path / "member-etcd-1-key.pem").read_bytes()
    wider = Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11", "10.0.0.99"])])
    assert wider.apply(tmp_path, rekey=True).changed == 1
    assert (tmp_path / "member-etcd-1-key.pem").read_bytes() != key


def test_an_encrypted_ca(cluster, tmp_path):
    cluster.apply(tmp_path, passphrase="correct horse")
    assert b"ENCRYPTED" in (tmp_path / "ca-key.pem").read_bytes()
    wider = Cluster(members=["etcd-1", "etcd-2"], clients=["root"])
    with pytest.raises(etcd_pki.errors.EncryptedKeyError) as raised:
        wider.apply(tmp_path)
    assert raised.value.path == tmp_path / "ca-key.pem"
    with pytest.raises(etcd_pki.errors.WrongPassphraseError):
        wider.apply(tmp_path, passphrase=b"wrong")
    assert wider.apply(tmp_path, passphrase=b"correct horse").count(Action.CREATE) == 2


def test_a_wrong_passphrase_does_not_use_a_plan_up(cluster, tmp_path):
    cluster.apply(tmp_path, passphrase="correct horse")
    before = sorted(tmp_path.iterdir())
    plan = Cluster(members=["etcd-1", "etcd-2"], clients=["root"]).plan(tmp_path)
    with pytest.raises(etcd_pki.errors.EncryptedKeyError):
        plan.check_keys()
    plan.check_keys(passphrase="correct horse")
    with pytest.raises(etcd_pki.errors.EncryptedKeyError):
        plan.apply()
    for wrong in "wrong", b"wrong":
        with pytest.raises(etcd_pki.errors.WrongPassphraseError) as raised:
            plan.apply(passphrase=wrong)
        assert raised.value.path == tmp_path / "ca-key.pem"
    assert sorted(tmp_path.iterdir()) == before
    assert plan.apply(passphrase="correct horse").count(Action.CREATE) == 2
    with pytest.raises(etcd_pki.errors.FileChangedError):
        plan.apply(passphrase="correct horse")


def test_what_need_not_be_opened_is_not_asked_for(cluster, tmp_path):
    cluster.apply(tmp_path, passphrase="correct horse")
    (tmp_path / "client-root-key.pem").chmod(0o644)
    report = cluster.plan(tmp_path).apply(passphrase="wrong")
    assert (report.count(Action.CHMOD), report.changed) == (1, 1)


def test_a_lock_that_is_not_had_does_not_use_a_plan_up(cluster, tmp_path):
    plan = cluster.plan(tmp_path / "pki")
    (tmp_path / "pki").write_text("no directory")
    with pytest.raises(OSError):
        plan.apply()
    (tmp_path / "pki").unlink()
    assert plan.apply().count(Action.CREATE) == 4


def test_export(cluster, tmp_path):
    cluster.apply(tmp_path / "all")
    exported = cluster.export(tmp_path / "etcd-1", host="etcd-1", store=tmp_path / "all")
    assert {file.name for file in exported.files} >= {"ca.pem", "member-etcd-1.pem", "member-etcd-1-key.pem"}
    assert not (tmp_path / "etcd-1" / "ca-key.pem").exists()
    assert not cluster.plan(tmp_path / "etcd-1", host="etcd-1").has_work
    with pytest.raises(FileExistsError):
        cluster.export(tmp_path / "etcd-1", host="etcd-1", store=Store(tmp_path / "all"))
    assert cluster.export(tmp_path / "etcd-1", host="etcd-1", store=tmp_path / "all", overwrite=True) == exported
    assert exported.unset_owners == [] and exported.other_files == []
    (tmp_path / "etcd-1" / "client-old-key.pem").write_bytes(b"old")
    again = cluster.export(tmp_path / "etcd-1", host="etcd-1", store=tmp_path / "all", overwrite=True)
    assert again.other_files == [tmp_path / "etcd-1" / "client-old-key.pem"] and again.other_files[0].exists()


def test_another_ca(cluster, tmp_path):
    cluster.apply(tmp_path)
    other = Cluster(members=["etcd-1"], ca=etcd_pki.ClusterCa("other-ca"))
    with pytest.raises(etcd_pki.errors.OtherCaError) as raised:
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
    """Checks that each existing certificate has its key, and that there are no other files."""
    names = {file.name for file in directory.iterdir() if not file.is_symlink()} - {".etcd-pki.lock", ".etcd-pki-issued.jsonl"}
    certificates = {name for name in names if name.endswith(".pem") and not name.endswith("-key.pem")}
    for name in certificates:
        etcd_pki.Bundle.from_files(directory / name, directory / name.replace(".pem", "-key.pem"))


def test_a_symbolic_link(cluster, tmp_path):
    cluster.apply(tmp_path / "pki")
    target = tmp_path / "target.pem"
    os.replace(tmp_path / "pki" / "client-root.pem", target)
    os.symlink(target, tmp_path / "pki" / "client-root.pem")
    report = Cluster(members=["etcd-1"], clients=[ClusterEntry("root", algorithm="ed25519")]).apply(tmp_path / "pki")
    (failure,) = report.failures
    assert isinstance(failure.error, etcd_pki.errors.SymbolicLinkError) and isinstance(failure.error, OSError)
    assert failure.error.path == failure.path == tmp_path / "pki" / "client-root.pem"
    with pytest.raises(etcd_pki.errors.SymbolicLinkError) as raised:
        report.raise_for_failures()
    assert (str(raised.value), raised.value.path) == (str(failure.error), failure.path)


def test_what_is_in_the_way_holds_up_no_other_pair(cluster, tmp_path):
    directory = tmp_path / "pki"
    key = directory / "client-root-key.pem"
    key.mkdir(parents=True)
    plan = cluster.plan(directory)
    (step,) = [step for step in plan.changes if step.paths.key == key]
    (reason,) = [reason for reason in step.reasons if reason.kind == "blocked"]
    assert reason.path == key
    assert str(reason) == reason.message == reason.reason == f"{key} is no regular file"
    assert [str(blocked) for blocked in plan.blocked] == [str(step)]
    report = plan.apply()
    (failure,) = report.failures
    assert (failure.outcome, failure.is_done, report.count(Action.CREATE)) == (Outcome.BLOCKED, False, 3)
    assert isinstance(failure.error, etcd_pki.errors.NotAFileError) and failure.error.path == key
    assert str(failure.error) == reason.message and not report.is_complete
    assert key.is_dir()
    key.rmdir()
    assert cluster.apply(directory).count(Action.CREATE) == 1
    assert_whole(directory)


def test_a_key_that_cannot_be_read_is_not_replaced(cluster, tmp_path):
    cluster.apply(tmp_path)
    key = tmp_path / "client-root-key.pem"
    key.write_text("damaged")
    (tmp_path / "admin-etcd-1.pem").unlink()
    report = cluster.apply(tmp_path)
    assert report.count(Action.RENEW) == 1 and key.read_text() == "damaged"
    (failure,) = report.failures
    assert isinstance(failure.error, etcd_pki.errors.BlockedStepError) and failure.error.path == tmp_path / "client-root.pem"
    assert failure.step.reasons[0].kind == "unreadable" and failure.step.reasons[0].message in failure.error.reason
    assert cluster.apply(tmp_path, rekey=True).count(Action.REISSUE) == 1


def test_a_ca_whose_files_are_empty(cluster, tmp_path):
    """Empty files, as after a full disk, count as missing."""
    for name in ("ca.pem", "ca-key.pem"):
        (tmp_path / name).write_bytes(b"")
    assert {step.action for step in cluster.plan(tmp_path).steps} == {Action.CREATE}
    assert cluster.apply(tmp_path).is_complete
    assert_whole(tmp_path)


def test_links_within_the_directory(tmp_path):
    directory = tmp_path / "pki"
    Cluster(nodes=["kube-1"]).apply(directory)
    for end in (".pem", "-key.pem"):
        (directory / f"node-kube-2{end}").symlink_to(f"node-kube-1{end}")
    before = {path: path.read_bytes() for path in directory.glob("*kube-1*")}
    cluster = Cluster(nodes=["kube-1", "kube-2"])
    (step,) = cluster.plan(directory).changes
    links = [reason for reason in step.reasons if reason.kind == "symbolic_link"]
    assert {reason.path: reason.target for reason in links} == {
        directory / f"node-kube-2{end}": (directory / f"node-kube-1{end}").resolve() for end in (".pem", "-key.pem")
    }
    with pytest.raises(etcd_pki.errors.SymbolicLinkError):
        cluster.apply(directory).raise_for_failures()
    assert cluster.apply(directory, replace_links=True).count(Action.REISSUE) == 1
    assert before == {path: path.read_bytes() for path in before}
    assert not (directory / "node-kube-2-key.pem").is_symlink()
    assert_whole(directory)


def test_what_was_done_although_a_step_failed(tmp_path):
    directory, target = tmp_path / "pki", tmp_path / "target.pem"
    directory.mkdir()
    target.write_text("precious")
    os.symlink(target, directory / "client-root.pem")
    cluster = Cluster(members=["etcd-1", "etcd-2"], clients=["root"])
    report = cluster.apply(directory)
    (failure,) = report.failures
    assert isinstance(failure.error, etcd_pki.errors.SymbolicLinkError)
    done = [step.path for step in report.done]
    assert done[0] == directory / "ca.pem" and len(done) == 5
    assert failure.path not in done
    again = cluster.plan(directory).apply()
    assert again.done == [] and [step.path for step in again.failures] == [failure.path]
    there = {path for path in directory.glob("[!.]*") if not path.name.endswith("-key.pem") and not path.is_symlink()}
    assert sorted(done) == sorted(there)
    assert_whole(directory)
    (directory / "client-root.pem").unlink()
    assert cluster.apply(directory).count(Action.CREATE) == 1
    with pytest.raises(etcd_pki.Error):
        cluster.apply(tmp_path / "target.pem" / "pki")


def test_a_directory_that_may_not_be_made(cluster, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as raised:
        cluster.apply(tmp_path / "file" / "pki")
    assert isinstance(raised.value, etcd_pki.FileAccessError)


def test_a_report_has_its_plan(cluster, tmp_path):
    report = cluster.apply(tmp_path)
    assert isinstance(report, Report) and report.plan.directory == tmp_path
    assert [str(step) for step in report.plan.steps] == [str(done.step) for done in report.steps]


def test_a_store_with_another_layout(cluster, tmp_path):
    assert not cluster.plan(Store(tmp_path / "pki")).directory.exists()
    with pytest.raises(etcd_pki.errors.LayoutMismatchError) as raised:
        cluster.plan(Store(tmp_path, layout="kubeadm"))
    assert (raised.value.store, raised.value.specification) == ("kubeadm", "kubespray")


def test_hosts_to_restart(cluster, tmp_path):
    """etcd reads its trusted CA when it starts, so all hosts must restart."""
    cluster.apply(tmp_path)
    later = datetime.now(timezone.utc) + timedelta(days=3640)
    report = cluster.apply(tmp_path, now=later)
    assert report.done[0].step.ca is not None and report.done[0].step.action is Action.RENEW
    assert report.hosts_to_restart == ["etcd-1"]


def test_a_validity_that_is_shortened(tmp_path):
    ca = etcd_pki.ClusterCa("etcd-ca", validity="100d")
    report = Cluster(clients=[ClusterEntry("root", validity="200d"), "app"], ca=ca).apply(tmp_path)
    (shortened,) = report.shortened_validities
    assert shortened.path == tmp_path / "client-root.pem"
    assert shortened.not_valid_after_utc == Certificate.from_file(tmp_path / "ca.pem").not_valid_after_utc
    assert shortened.requested_utc > shortened.not_valid_after_utc


def test_unmanaged_pairs_have_their_directory(tmp_path):
    Cluster(clients=["gone", "root"]).apply(tmp_path)
    plan = Cluster(clients=["root"]).plan(tmp_path)
    assert [pair.certificate for pair in plan.unmanaged] == [tmp_path / "client-gone.pem"]
    assert plan.unmanaged[0].key.exists()


def test_an_unmanaged_ca(tmp_path):
    def members(peers):
        return Cluster(members=["etcd-1"], ca=etcd_pki.ClusterCa(peers=peers))

    members("separate").apply(tmp_path)
    assert members("separate").plan(tmp_path).unmanaged_ca is None
    plan = members("shared").plan(tmp_path, prune=True)
    assert plan.unmanaged_ca is not None
    assert (plan.unmanaged_ca.certificate, plan.unmanaged_ca.key) == (
        tmp_path / "peer-ca.pem",
        tmp_path / "peer-ca-key.pem",
    )
    plan.apply()
    # The CA stays
    assert members("shared").plan(tmp_path).unmanaged_ca == plan.unmanaged_ca
    assert plan.unmanaged_ca.key.exists()
    assert members("shared").plan(tmp_path, only="etcd-1").unmanaged_ca is None


def test_a_key_that_is_elsewhere(cluster, tmp_path):
    cluster.apply(tmp_path)
    (tmp_path / "ca-key.pem").unlink()
    # This is right if nothing must be signed
    assert cluster.plan(tmp_path).cas_without_key == []
    (tmp_path / "client-root.pem").unlink()
    (step,) = cluster.plan(tmp_path).cas_without_key
    assert step.paths.key == tmp_path / "ca-key.pem" and step.ca is not None


def test_another_layout(cluster, tmp_path):
    cluster.apply(tmp_path)
    with pytest.raises(etcd_pki.errors.ExistingCaError) as raised:
        Cluster(members=["etcd-1"], layout="kubeadm").plan(tmp_path)
    assert (raised.value.directory, raised.value.layout) == (tmp_path, "kubespray")
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(etcd_pki.errors.ExistingCaError) as raised:
        cluster.plan(tmp_path)
    assert raised.value.layout is None
