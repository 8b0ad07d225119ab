"""The cluster's certificates: three authorities of its own and one certificate per component.

Three, because a certificate proves more than intended when one authority signs for every purpose: any cluster user
could read etcd, or speak as the API server's front proxy for anybody else.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from testbed.files import private_directory, write_private

__all__ = ["Authority", "KeyPair", "Pki"]

_CA_DAYS = 3650
_LEAF_DAYS = 365
_RENEW_DAYS = 30


@unique
class Authority(StrEnum):
    """Who signs; the value is the file name."""

    CLUSTER = "ca"
    ETCD = "etcd-ca"
    FRONT_PROXY = "front-proxy-ca"


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """Where a certificate and its private key are, in PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Pki:
    """Issues certificates into one directory; what is there and still right is kept."""

    directory: Path

    def authority(self, authority: Authority) -> KeyPair:
        """The authority's own certificate, made on first use."""
        pair = self._pair(authority.value)
        if not _usable(pair, names=(), subject=None, issuer=None):
            key = ec.generate_private_key(ec.SECP256R1())
            name = _name(f"bighpc-testbed-{authority.value}", ())
            builder = _builder(name, name, key.public_key(), _CA_DAYS)
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            builder = builder.add_extension(_key_usage(ca=True), critical=True)
            self._write(pair, key, builder.sign(key, hashes.SHA256()))
        return pair

    def issue(
        self,
        name: str,
        *,
        common_name: str,
        organizations: Iterable[str] = (),
        server_names: Iterable[str] = (),
        client: bool = True,
        authority: Authority = Authority.CLUSTER,
    ) -> KeyPair:
        """A certificate for one component, renewed when it is about to expire or its names have changed.

        Args:
            name: File name without suffix.
            common_name: The user name in the cluster's eyes.
            organizations: The user's groups.
            server_names: DNS names and IP addresses to serve under; none for a pure client.
            client: Whether it may open connections as a client.
            authority: Who signs.
        """
        signer = self.authority(authority)
        pair = self._pair(name)
        names = tuple(server_names)
        subject = _name(common_name, organizations)
        if _usable(pair, names=names, subject=subject, issuer=signer):
            return pair
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] if names else []
        if client:
            usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
        extensions: list[x509.ExtensionType] = [x509.ExtendedKeyUsage(usages)]
        if names:
            extensions.append(x509.SubjectAlternativeName(list(map(_general_name, names))))
        self._sign(pair, subject, signer, extensions)
        return pair

    def token_keys(self) -> KeyPair:
        """The key pair that signs service account tokens: ``certificate`` holds the bare public key."""
        pair = KeyPair(certificate=self.directory / "service-accounts.pub", key=self.directory / "service-accounts.key")
        if not (pair.certificate.is_file() and pair.key.is_file()):
            private_directory(self.directory)
            key = ec.generate_private_key(ec.SECP256R1())
            write_private(pair.key, _private_pem(key))
            write_private(
                pair.certificate,
                key.public_key().public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                ),
            )
        return pair

    def _sign(
        self, pair: KeyPair, subject: x509.Name, signer: KeyPair, extensions: Iterable[x509.ExtensionType]
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.load_pem_x509_certificate(signer.certificate.read_bytes())
        builder = _builder(subject, issuer.subject, key.public_key(), _LEAF_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(ca=False), critical=True)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        signing_key = serialization.load_pem_private_key(signer.key.read_bytes(), password=None)
        assert isinstance(signing_key, ec.EllipticCurvePrivateKey)  # noqa: S101 - this class makes no other kind
        self._write(pair, key, builder.sign(signing_key, hashes.SHA256()))

    def _pair(self, name: str) -> KeyPair:
        return KeyPair(certificate=self.directory / f"{name}.crt", key=self.directory / f"{name}.key")

    def _write(self, pair: KeyPair, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        private_directory(self.directory)
        write_private(pair.key, _private_pem(key))
        write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common_name: str, organizations: Iterable[str]) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # A clock that was set back a little must not make the whole cluster distrust itself.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    flags: Mapping[str, bool] = {
        "digital_signature": True,
        "key_cert_sign": ca,
        "crl_sign": ca,
        "content_commitment": False,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "encipher_only": False,
        "decipher_only": False,
    }
    return x509.KeyUsage(**flags)


def _usable(pair: KeyPair, *, names: tuple[str, ...], subject: x509.Name | None, issuer: KeyPair | None) -> bool:
    """Whether an existing certificate still says what is wanted, for some time to come."""
    if not (pair.certificate.is_file() and pair.key.is_file()):
        return False
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        key = serialization.load_pem_private_key(pair.key.read_bytes(), password=None)
    except ValueError:
        return False
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=_RENEW_DAYS)
    if certificate.not_valid_after_utc < soon or key.public_key() != certificate.public_key():
        return False
    if subject is None or issuer is None:
        return True
    authority = x509.load_pem_x509_certificate(issuer.certificate.read_bytes())
    try:
        certificate.verify_directly_issued_by(authority)
        present = set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        present = set()
    except Exception:  # any doubt about the signature means a new certificate
        return False
    return certificate.subject == subject and present == set(map(_general_name, names))
