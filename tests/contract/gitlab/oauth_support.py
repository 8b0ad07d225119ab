"""An application that signs people in, and the people's browser, for tests of OAuth."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import gitlab
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlalchemy import select

from testbed.gitlab.core.tokens import digest
from testbed.gitlab.store import AuthorizationCode, OAuthToken
from tests.contract.gitlab.page_visitor import Visitor
from tests.contract.gitlab.support import Double, fresh

__all__ = ["CALLBACK", "Client", "answer_of", "opened", "register", "s256"]

CALLBACK = "https://hub.example.com/hub/oauth_callback"


@dataclass
class Client:
    """An application as its own program knows it."""

    double: Double
    number: int
    uid: str
    secret: str

    def question(self, **changes: str | None) -> dict[str, str]:
        """The query of ``/oauth/authorize``; nothing for a parameter leaves it out."""
        usual = {"client_id": self.uid, "redirect_uri": CALLBACK, "response_type": "code", "state": "s & t"}
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def ask(self, visitor: Visitor, **changes: str | None) -> requests.Response:
        """Send a browser to the page of consent; it stops where it is sent on."""
        return visitor.session.get(
            f"{visitor.url}/oauth/authorize", params=self.question(**changes), timeout=20, allow_redirects=False
        )

    def decide(self, visitor: Visitor, decision: str = "authorize", /, **changes: str | None) -> requests.Response:
        """Let a person press a button on the page of consent."""
        page = self.ask(visitor, **changes)
        assert "<form" in page.text, page.headers
        fields = {
            name: unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
        }
        return visitor.session.post(
            f"{visitor.url}/oauth/authorize",
            data={**fields, "decision": decision},
            timeout=20,
            allow_redirects=False,
        )

    def code(self, visitor: Visitor, **changes: str | None) -> str:
        """The code that comes back when a person allows it."""
        return answer_of(self.decide(visitor, **changes))["code"]

    def post(self, path: str, **sent: str) -> requests.Response:
        """Call the double, with the secret among the parameters."""
        known = {"client_id": self.uid, "client_secret": self.secret}
        return requests.post(self.double.url + path, data=known | sent, timeout=20)

    def exchange(self, code: str, **changes: str) -> requests.Response:
        """Bring a code."""
        return self.post(
            "/oauth/token", **({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | changes)
        )

    def refresh(self, token: str, **changes: str) -> requests.Response:
        """Bring a refresh token."""
        return self.post("/oauth/token", **({"grant_type": "refresh_token", "refresh_token": token} | changes))

    def tokens(self, visitor: Visitor, **changes: str | None) -> dict[str, Any]:
        """What the application gets when a person allows it."""
        answer = self.exchange(self.code(visitor, **changes))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def with_token(self, path: str, token: str) -> requests.Response:
        """Read something with an access token."""
        return requests.get(self.double.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=20)

    def age(self, secret: str, **time: float) -> None:
        """Let time pass for a code or an access token."""
        passed = timedelta(**time)
        with self.double.forge.database.write() as session:
            for code in session.scalars(select(AuthorizationCode).where(AuthorizationCode.digest == digest(secret))):
                code.expires_at -= passed
            for token in session.scalars(select(OAuthToken).where(OAuthToken.digest == digest(secret))):
                token.expires_at -= passed
                token.revoked_at = token.revoked_at and token.revoked_at - passed


def register(root: gitlab.Gitlab, double: Double, scopes: str = "read_user", **changes: Any) -> Client:
    """Register an application as an administrator."""
    made = root.applications.create({"name": fresh("hub"), "redirect_uri": CALLBACK, "scopes": scopes} | changes)
    return Client(double, made.id, made.application_id, made.secret)


def answer_of(response: requests.Response) -> dict[str, str]:
    """What a browser brings back to the application."""
    assert response.status_code == 303, response.text
    address = urlsplit(response.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == CALLBACK
    return dict(parse_qsl(address.query))


def s256(verifier: str) -> str:
    """The challenge of a verifier."""
    return _text(hashlib.sha256(verifier.encode()).digest())


def opened(double: Double, token: str) -> dict[str, Any]:
    """What an ID token says, after its signature was checked with the published keys."""
    head, body, signature = token.split(".")
    header = json.loads(_bytes(head))
    keys = requests.get(f"{double.url}/oauth/discovery/keys", timeout=20).json()["keys"]
    key = next(each for each in keys if each["kid"] == header["kid"])
    assert (header["alg"], key["kty"], key["use"], key["alg"]) == ("RS256", "RSA", "sig", "RS256")
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(_bytes(key[name])) for name in ("e", "n")))
    numbers.public_key().verify(_bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    found: dict[str, Any] = json.loads(_bytes(body))
    return found


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
