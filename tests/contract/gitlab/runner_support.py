"""What gitlab-runner sends, and jobs for it to take."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gitlab
import requests
from gitlab.v4.objects import Project
from sqlalchemy import func, select

from testbed.gitlab import store
from testbed.gitlab.core.clock import now
from tests.contract.gitlab.support import Double

INFO = {
    "name": "gitlab-runner",
    "version": "18.5.0",
    "revision": "abcdef01",
    "platform": "linux",
    "architecture": "amd64",
    "executor": "shell",
    "shell": "bash",
    "features": {"variables": True, "artifacts": True, "refspecs": True, "masking": True, "trace_checksum": True},
    "config": {"gpus": ""},
    "labels": {},
}


@dataclass
class Robot:
    """Speaks the protocol as gitlab-runner does."""

    url: str
    token: str
    system_id: str = "s_0123456789ab"
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """One request."""
        return self.session.request(method, f"{self.url}/api/v4/{path}", timeout=60, **arguments)

    def verify(self) -> requests.Response:
        """POST runners/verify."""
        body = {"token": self.token, "system_id": self.system_id, "info": INFO}
        return self.call("POST", "runners/verify", json=body, headers={"RUNNER-TOKEN": self.token})

    def ask(self, last_update: str | None = None) -> requests.Response:
        """POST jobs/request."""
        body = {"token": self.token, "system_id": self.system_id, "info": INFO, "last_update": last_update}
        return self.call("POST", "jobs/request", json=body, headers={"RUNNER-TOKEN": self.token})

    def take(self) -> dict[str, Any]:
        """The next job, which must be there."""
        answer = self.ask()
        assert answer.status_code == 201, answer.text
        payload: dict[str, Any] = answer.json()
        return payload

    def trace(self, job: dict[str, Any], offset: int, text: bytes) -> requests.Response:
        """PATCH jobs/:id/trace."""
        headers = {
            "JOB-TOKEN": job["token"],
            "Content-Type": "text/plain",
            "Content-Range": f"{offset}-{offset + len(text) - 1}",
        }
        return self.call("PATCH", f"jobs/{job['id']}/trace?debug_trace=false", data=text, headers=headers)

    def update(self, job: dict[str, Any], state: str, **facts: Any) -> requests.Response:
        """PUT jobs/:id."""
        body = {"token": job["token"], "state": state, "info": INFO, **facts}
        return self.call("PUT", f"jobs/{job['id']}", json=body, headers={"JOB-TOKEN": job["token"]})

    def upload(
        self, job: dict[str, Any], content: bytes, name: str = "artifacts.zip", **query: str
    ) -> requests.Response:
        """POST jobs/:id/artifacts."""
        return self.call(
            "POST",
            f"jobs/{job['id']}/artifacts",
            params={"artifact_format": "zip", "artifact_type": "archive", **query},
            files={"file": (name, content)},
            headers={"JOB-TOKEN": job["token"]},
        )


@contextmanager
def robot(double: Double, client: gitlab.Gitlab, project: Project, **facts: Any) -> Iterator[Robot]:
    """A runner of one project, so that it takes no jobs of other tests."""
    made = client.http_post(
        "/user/runners", post_data={"runner_type": "project_type", "project_id": project.id, **facts}
    )
    assert isinstance(made, dict)
    found = Robot(double.url, made["token"])
    yield found
    found.session.close()


def add_jobs(
    double: Double, project: Project, *jobs: dict[str, Any], user: str = "bighpc-bot", status: str = "pending"
) -> list[int]:
    """Put a running pipeline with these jobs into the database; each gives `name`, `options` and whatever differs."""
    with double.forge.database.write() as session:
        row = session.get_one(store.Project, project.id)
        person = session.scalars(select(store.User).where(store.User.username == user)).one()
        last = session.scalar(select(func.max(store.Pipeline.iid)).where(store.Pipeline.project_id == row.id)) or 0
        sha = str(double.forge.storage.open(row.id).branches["main"].target)
        pipeline = store.Pipeline(
            project=row, iid=last + 1, sha=sha, before_sha="0" * 40, ref="main", protected=True, source="push",
            status="running", compiled=True, user=person,
        )  # fmt: skip
        session.add(pipeline)
        session.flush()
        made = []
        for facts in jobs:
            known = {"name": "job", "stage": "test", "status": status, "options": {"script": ["true"]}, **facts}
            job = store.Job(pipeline=pipeline, project=row, user=person, queued_at=now(), **known)
            session.add(job)
            session.flush()
            made.append(job.id)
        return made


def archive(**files: str) -> bytes:
    """A zip archive; underscores in names stand for slashes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, text in files.items():
            packed.writestr(name.replace("__", "/").replace("_", "."), text)
    return buffer.getvalue()
