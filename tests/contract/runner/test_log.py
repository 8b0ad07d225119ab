"""A job's log reaches GitLab whole, whatever happens on the way."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testbed.runner import log as module
from testbed.runner.log import JobLog
from testbed.runner.model import Job
from testbed.runner.protocol import Answer, Client, ProtocolError
from testbed.runner.stop import Reason, Stop
from tests.contract.gitlab.support import eventually

JOB = Job.model_validate(
    {
        "id": 1,
        "token": "glcbt-of-the-job",
        "job_info": {"name": "job", "project_id": 1},
        "git_info": {"repo_url": "", "ref": "main", "sha": "0" * 40, "refspecs": None},
        "steps": [{"name": "script", "script": ["true"]}],
        "artifacts": [{"paths": ["x"], "when": None, "untracked": None, "exclude": None}],
        "cache": None,
        "image": None,
    }
)


class Flaky(Client):
    """A GitLab behind a bad line."""

    def __init__(self, behave: Callable[[], str]) -> None:
        super().__init__("http://gitlab.invalid", "glrt-x", "s_x", containers=False)
        self.behave = behave
        self.kept = b""
        self.ended: dict[str, Any] = {}
        self.job_status = "running"

    def patch_trace(self, job_id: int, token: str, offset: int, data: bytes) -> Answer:
        match self.behave():
            case "lost request":
                raise ProtocolError("lost")
            case "busy":
                return Answer(503)
            case "lost answer":
                self._append(offset, data)
                raise ProtocolError("lost")
            case "half":
                self._append(offset, data[: len(data) // 2])
                return Answer(416, self.job_status, len(self.kept))
            case _:
                if offset != len(self.kept):
                    return Answer(416, self.job_status, len(self.kept))
                self._append(offset, data)
                return Answer(202, self.job_status, len(self.kept), 1)

    def update(self, job_id: int, token: str, state: str, **facts: Any) -> Answer:
        if state == "running":
            return Answer(200, self.job_status)
        if self.behave() != "fine":
            raise ProtocolError("lost")
        if facts["output"]["bytesize"] > len(self.kept):
            return Answer(412)
        self.ended = {"state": state, **facts}
        return Answer(200)

    def _append(self, offset: int, data: bytes) -> None:
        if offset == len(self.kept):
            self.kept += data


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between attempts."""
    monkeypatch.setattr(JobLog, "first_pause", 0)
    monkeypatch.setattr(module, "_PIECE", 100)


@pytest.mark.parametrize("seed", range(6))
def test_a_log_arrives_whole_over_a_bad_line(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    gitlab = Flaky(lambda: chance.choice(["lost request", "busy", "lost answer", "half", "fine", "fine"]))
    log = JobLog(gitlab, JOB, tmp_path / "log", Stop())
    for number in range(100):
        log.write(f"line {number}\n".encode())
    assert log.finish("success", exit_code=0)
    log.close()
    gitlab.close()
    assert gitlab.kept == b"".join(f"line {number}\n".encode() for number in range(100))
    assert gitlab.ended["state"] == "success"
    assert gitlab.ended["output"]["bytesize"] == len(gitlab.kept)


@pytest.mark.parametrize(
    ("status", "reason"), [("canceling", Reason.CANCELED), ("canceled", Reason.ABORTED), ("failed", Reason.ABORTED)]
)
def test_gitlabs_word_ends_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, reason: Reason
) -> None:
    monkeypatch.setattr(JobLog, "first_interval", 0.05)
    gitlab, stop = Flaky(lambda: "fine"), Stop()
    gitlab.job_status = status
    log = JobLog(gitlab, JOB, tmp_path / "log", stop)
    log.write(b"one\n")
    eventually(lambda: stop.reason)
    assert stop.reason is reason
    log.finish("failed")
    log.close()
    gitlab.close()


def test_too_much_output_is_cut_and_the_runners_own_words_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 1000)
    gitlab = Flaky(lambda: "fine")
    log = JobLog(gitlab, JOB, tmp_path / "log", Stop())
    for _ in range(100):
        log.write(b"x" * 100)
    log.bad("ERROR: Job failed: exit status 1 glcbt-of-the-job")
    assert log.finish("failed")
    log.close()
    gitlab.close()
    assert gitlab.kept.count(b"x") < 1200
    assert b"exceeded limit of 1000 bytes" in gitlab.kept
    assert b"exit status 1 [MASKED]" in gitlab.kept
