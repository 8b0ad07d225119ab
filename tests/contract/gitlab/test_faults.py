"""Trouble on purpose: failing and slow answers, and the rate limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gitlab
import pytest
import requests

from tests.contract.gitlab.support import Double, refused


@pytest.fixture
def trouble(double: Double) -> Iterator[Trouble]:
    """The switches; all is well again after the test."""
    switches = Trouble(double)
    yield switches
    switches("DELETE", "faults")
    switches("DELETE", "rate_limit")


class Trouble:
    """Arranges trouble."""

    def __init__(self, double: Double) -> None:
        self.url = double.url
        self.token = double.root_token

    def __call__(self, method: str, what: str, token: str | None = None, **fields: Any) -> requests.Response:
        headers = {"PRIVATE-TOKEN": self.token if token is None else token}
        return requests.request(
            method, f"{self.url}/-/testbed/{what}", json=fields or None, headers=headers, timeout=20
        )


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_fault_strikes_as_often_as_it_is_told(double: Double, trouble: Trouble, status: int) -> None:
    client = double.client(double.bot_token)
    trouble("POST", "faults", match="^GET /api/v4/version$", status=status, times=2)
    for _ in range(2):
        with refused(status):
            client.http_get("/version")
    assert client.http_get("/version")
    (fault,) = trouble("GET", "faults").json()
    assert (fault["happened"], fault["times"]) == (2, 2)


def test_the_client_tries_again_after_a_fault(double: Double, trouble: Trouble) -> None:
    trouble("POST", "faults", match="GET /api/v4/version", status=503, times=1)
    patient = gitlab.Gitlab(double.url, private_token=double.bot_token, retry_transient_errors=True)
    with patient:
        assert patient.http_get("/version")
    (fault,) = trouble("GET", "faults").json()
    assert fault["happened"] == 1


def test_the_client_waits_as_long_as_it_is_told(double: Double, trouble: Trouble) -> None:
    trouble("POST", "faults", match="GET /api/v4/version", status=429, retry_after=1, times=1)
    begun = time.monotonic()
    assert double.client(double.bot_token).http_get("/version")
    assert time.monotonic() - begun >= 1, "Retry-After is what the client goes by"


def test_too_much_is_said_in_gitlabs_headers(double: Double, trouble: Trouble) -> None:
    trouble("POST", "faults", match="/version", status=429, retry_after=7)
    answer = requests.get(f"{double.url}/api/v4/version", timeout=20)
    assert (answer.status_code, answer.text) == (429, "Retry later\n")
    assert (answer.headers["Retry-After"], answer.headers["RateLimit-Remaining"]) == ("7", "0")
    assert all(f"RateLimit-{name}" in answer.headers for name in ("Limit", "Observed", "Reset", "ResetTime"))


def test_an_answer_is_held_back(double: Double, trouble: Trouble) -> None:
    trouble("POST", "faults", match="/version", delay_s=0.3)
    begun = time.monotonic()
    assert double.client(double.bot_token).http_get("/version")
    assert time.monotonic() - begun >= 0.3


def test_only_what_matches_is_in_trouble(double: Double, trouble: Trouble) -> None:
    trouble("POST", "faults", match="^POST ", status=500)
    assert double.client(double.bot_token).http_get("/version")


def test_one_fault_is_removed(trouble: Trouble) -> None:
    first = trouble("POST", "faults", match="a", status=500).json()
    trouble("POST", "faults", match="b", status=500)
    assert trouble("DELETE", f"faults/{first['id']}").status_code == 204
    assert [fault["match"] for fault in trouble("GET", "faults").json()] == ["b"]
    assert trouble("DELETE", f"faults/{first['id']}").status_code == 404


def test_requests_are_limited(double: Double, trouble: Trouble) -> None:
    client = double.client(double.bot_token)
    assert trouble("GET", "rate_limit").json() is None
    assert trouble("PUT", "rate_limit", requests=3, period_s=600).status_code == 200
    for _ in range(3):
        client.http_get("/version")
    answer = requests.get(f"{double.url}/api/v4/version", timeout=20)
    assert answer.status_code == 429
    assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Observed"]) == ("3", "4")
    assert requests.get(f"{double.url}/-/readiness", timeout=20).status_code == 200
    trouble("DELETE", "rate_limit")
    assert client.http_get("/version")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"status": 500}, "match is missing"),
        ({"match": "(", "status": 500}, "match is no regular expression: missing ), unterminated subpattern"),
        ({"match": "x", "status": 404}, "status does not have a valid value"),
        ({"match": "x", "status": 500, "times": 0}, "times does not have a valid value"),
        ({"match": "x", "delay_s": 1000}, "delay_s does not have a valid value"),
    ],
)
def test_trouble_that_makes_no_sense_is_refused(trouble: Trouble, fields: dict[str, Any], complaint: str) -> None:
    answer = trouble("POST", "faults", **fields)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(complaint)
    assert trouble("GET", "faults").json() == []


def test_trouble_is_for_administrators(double: Double, trouble: Trouble) -> None:
    assert trouble("GET", "faults", token="").status_code == 401
    assert trouble("GET", "faults", token=double.bot_token).status_code == 403
    assert trouble("PUT", "rate_limit", token=double.bot_token, requests=1).status_code == 403
    assert trouble("PATCH", "faults").status_code == 405
    assert trouble("POST", "rate_limit", requests=1).status_code == 405
