from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from testbed.cluster import pki as pki_module
from testbed.cluster.pki import Authority, Pki


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(directory=tmp_path / "pki")


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_certificate_names_its_user_and_groups_and_is_signed_by_the_cluster(pki: Pki) -> None:
    pair = pki.issue("admin", common_name="alice", organizations=["one", "two"])
    certificate = read(pair.certificate)
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["alice"]
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["one", "two"]
    certificate.verify_directly_issued_by(read(pki.authority(Authority.CLUSTER).certificate))


def test_authorities_do_not_vouch_for_each_other(pki: Pki) -> None:
    etcd = read(pki.issue("etcd", common_name="etcd", authority=Authority.ETCD).certificate)
    with pytest.raises((InvalidSignature, ValueError)):
        etcd.verify_directly_issued_by(read(pki.authority(Authority.CLUSTER).certificate))


def test_a_pure_server_certificate_cannot_be_used_as_a_client(pki: Pki) -> None:
    pair = pki.issue("server", common_name="server", server_names=["127.0.0.1", "localhost"], client=False)
    usage = read(pair.certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_keys_can_be_read_by_their_owner_only(pki: Pki) -> None:
    pki.issue("admin", common_name="alice")
    pki.token_keys()
    assert {file.stat().st_mode & 0o777 for file in pki.directory.iterdir()} == {0o600}
    assert pki.directory.stat().st_mode & 0o777 == 0o700


def test_a_certificate_that_is_still_right_is_kept(pki: Pki) -> None:
    first = pki.issue("server", common_name="server", server_names=["127.0.0.1"]).certificate.read_bytes()
    again = pki.issue("server", common_name="server", server_names=["127.0.0.1"]).certificate.read_bytes()
    assert again == first, "a new certificate at every start would restart every process"


@pytest.mark.parametrize(
    ("common_name", "server_names"),
    [("other", ["127.0.0.1"]), ("server", ["127.0.0.1", "10.1.2.3"]), ("server", [])],
    ids=["user", "more names", "no names"],
)
def test_a_certificate_with_other_names_is_replaced(pki: Pki, common_name: str, server_names: list[str]) -> None:
    first = pki.issue("server", common_name="server", server_names=["127.0.0.1"]).certificate.read_bytes()
    again = pki.issue("server", common_name=common_name, server_names=server_names).certificate.read_bytes()
    assert again != first


def test_a_certificate_about_to_expire_is_replaced(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pki_module, "_LEAF_DAYS", 10)
    first = pki.issue("server", common_name="server").certificate.read_bytes()
    monkeypatch.undo()
    assert pki.issue("server", common_name="server").certificate.read_bytes() != first


def test_a_new_authority_replaces_what_the_old_one_signed(pki: Pki) -> None:
    first = pki.issue("server", common_name="server").certificate.read_bytes()
    pki.authority(Authority.CLUSTER).key.unlink()
    again = pki.issue("server", common_name="server")
    assert again.certificate.read_bytes() != first
    read(again.certificate).verify_directly_issued_by(read(pki.authority(Authority.CLUSTER).certificate))


def test_a_damaged_key_is_replaced(pki: Pki) -> None:
    pair = pki.issue("server", common_name="server")
    pair.key.write_text("not a key")
    again = pki.issue("server", common_name="server")
    assert again.key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
