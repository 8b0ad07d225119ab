"""Keys that sign JSON web tokens with RS256."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from testbed.files import write_private

__all__ = ["SigningKey", "base64url"]


class SigningKey:
    """An RSA key in a file of mode 0600, made when it is first wanted."""

    def __init__(self, file: Path) -> None:
        """Read the key, or make it.

        Raises:
            TypeError: when the file has a key of another kind.
        """
        if not file.exists():
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            self.made(file, key)
            private = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_private(file, private)
        found = serialization.load_pem_private_key(file.read_bytes(), None)
        if not isinstance(found, rsa.RSAPrivateKey):
            raise TypeError(f"signing key {file}: no RSA key; remove the file and start again")
        self.key = found

    def made(self, file: Path, key: rsa.RSAPrivateKey) -> None:
        """What is to be done before a new key is kept."""

    @property
    def name(self) -> str:
        """By which tokens name the key: its thumbprint after RFC 7638."""
        members = json.dumps(self._members(), separators=(",", ":"), sort_keys=True)
        return base64url(hashlib.sha256(members.encode()).digest())

    @property
    def public(self) -> dict[str, str]:
        """The public half as a JSON web key."""
        return {**self._members(), "kid": self.name, "use": "sig", "alg": "RS256"}

    def sign(self, claims: dict[str, Any]) -> str:
        """A JSON web token."""
        header = {"alg": "RS256", "typ": "JWT", "kid": self.name}
        body = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{body}.{base64url(self.key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def _members(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


def base64url(content: bytes) -> str:
    """Base64 as tokens have it: for addresses, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
