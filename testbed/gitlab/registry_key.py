"""The key that signs what the container registry accepts."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from testbed.gitlab.core.clock import now
from testbed.gitlab.signing_key import SigningKey

__all__ = ["RegistryKey"]

LIFETIME = timedelta(days=3650)
LEEWAY = timedelta(minutes=5)
"""How far the clock of a registry may be behind."""


class RegistryKey(SigningKey):
    """A signing key, and beside it a certificate.

    The certificate (the same name, ending in ``.crt``) is what a registry is given as ``auth.token.rootcertbundle``.
    """

    def made(self, file: Path, key: rsa.RSAPrivateKey) -> None:
        """Write the certificate, which is there whenever the key is."""
        file.with_suffix(".crt").write_bytes(_certificate(key).public_bytes(serialization.Encoding.PEM))

    @property
    def name(self) -> str:
        """The key's fingerprint as registries write it: twelve groups of four letters."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = base64.b32encode(hashlib.sha256(public).digest()[:30]).decode()
        return ":".join(text[start : start + 4] for start in range(0, len(text), 4))


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gitlab double: container registry")])
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now() - LEEWAY)
    return builder.not_valid_after(now() + LIFETIME).sign(key, hashes.SHA256())
