"""The key that signs what the container registry accepts."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from testbed.gitlab.core.clock import now

__all__ = ["RegistryKey"]

LIFETIME = timedelta(days=3650)
LEEWAY = timedelta(minutes=5)
"""How far the clock of a registry may be behind."""


class RegistryKey:
    """An RSA key in a file of mode 0600, made when it is first wanted, and beside it a certificate.

    The certificate (the same name, ending in ``.crt``) is what a registry is given as ``auth.token.rootcertbundle``.
    """

    def __init__(self, file: Path) -> None:
        """Read the key, or make it."""
        if not file.exists():
            _make(file)
        key = serialization.load_pem_private_key(file.read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"registry key {file}: no RSA key; remove the file and start again")
        self._key = key

    @property
    def name(self) -> str:
        """The key's fingerprint as registries write it: twelve groups of four letters."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = base64.b32encode(hashlib.sha256(public).digest()[:30]).decode()
        return ":".join(text[start : start + 4] for start in range(0, len(text), 4))

    def sign(self, claims: dict[str, Any]) -> str:
        """A JSON web token, signed with RS256."""
        header = {"alg": "RS256", "typ": "JWT", "kid": self.name}
        body = ".".join(_text(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{body}.{_text(self._key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _make(file: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.with_suffix(".crt").write_bytes(_certificate(key).public_bytes(serialization.Encoding.PEM))
    # Whole or not at all, and never readable by others.
    unfinished = file.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(private)
    unfinished.rename(file)


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gitlab double: container registry")])
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now() - LEEWAY)
    return builder.not_valid_after(now() + LIFETIME).sign(key, hashes.SHA256())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
