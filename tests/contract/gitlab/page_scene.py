"""A small company's forge for tests of the page: a project with history, pipelines, logs, a merge request and more.

What the API makes is made through it. Pipelines and jobs are put into the database as if they had run.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gitlab.v4.objects import Project

from testbed.gitlab import store
from testbed.gitlab.core.clock import now
from testbed.gitlab.pipelines.files import store_artifact, trace_file
from tests.contract.gitlab.support import Double, fresh

__all__ = ["CANARY", "LOG", "Scene", "make_scene"]

CANARY = "canary-5a1f0c-value"
"""The value of variables that no page may show."""

README = """# Storage manager

Places quotas on the file systems of BigHPC, and reports who uses what.

| File system | Quota |
|---|---|
| `/scratch` | 20 TiB |
| `/home` | 50 GiB |

```python
def quota(user: str) -> int:
    return 50 * 1024**3  # bytes
```

See [the module](src/quota.py). <script>alert("no")</script>
<img src="https://elsewhere.example/x.png" alt="Badge" onerror="alert('no')">
"""

SOURCE = '''"""Quotas."""

LIMITS = {"scratch": 20, "home": 50}


def quota(name: str) -> int:
    """GiB on a file system."""
    return LIMITS[name]
'''

DISCUSSION = """Looks good. What the preview says:

<details><summary>Preview of stack dev</summary>

| Resource | Change |
|---|---|
| `storage-quota` | create |

</details>

<script>alert("no")</script>
"""

LOG = (
    "\x1b[0KRunning with bighpc-runner 1.0 on testbed\x1b[0;m\n"
    "section_start:1764034000:get_sources[collapsed=true]\r\x1b[0K\x1b[36;1mGetting source from Git\x1b[0;m\n"
    "Fetching changes with git depth set to 20...\n"
    "\x1b[32;1mCreated fresh repository.\x1b[0;m\n"
    "section_end:1764034003:get_sources\r\x1b[0K"
    "section_start:1764034003:step_script\r\x1b[0K\x1b[36;1mExecuting the script\x1b[0;m\n"
    "\x1b[32;1m$ pytest -q\x1b[0;m\n"
    "....................                       [100%]\n"
    "<b>20 passed</b> in 0.42s\n"
)

JOBS: tuple[tuple[str, str, int, str, dict[str, Any]], ...] = (
    ("build-job", "build", 0, "success", {}),
    ("unit-test-job", "development", 1, "success", {"needs": ["build-job"]}),
    ("lint-test-job", "development", 1, "success", {"needs": []}),
    ("security-dev-job", "development", 1, "failed", {"needs": ["build-job"], "allow_failure": True}),
    ("integration-test-job", "preview", 2, "running", {"needs": ["unit-test-job", "lint-test-job"]}),
    ("functional-test-job", "preview", 2, "pending", {"needs": ["unit-test-job"]}),
    ("security-prev-job", "preview", 2, "created", {"needs": ["unit-test-job", "security-dev-job"]}),
    ("deploy-job", "production", 3, "manual", {"needs": ["integration-test-job"], "when": "manual"}),
)


_TOMORROW = now() + timedelta(days=1)
"""When runners were heard of last: nobody takes them for silent, however long the tests take."""


@dataclass(frozen=True)
class Scene:
    """What was made, by what tests look at."""

    double: Double
    project: Project
    path: str
    """Of the project."""
    merge_request: int
    pipeline: int
    jobs: dict[str, int]
    hook: int

    def append(self, job: str, text: str) -> None:
        """Let a job write to its log."""
        with self.double.forge.database.read() as session:
            file = trace_file(self.double.forge.settings, session.get_one(store.Job, self.jobs[job]))
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as log:
            log.write(text)

    @contextmanager
    def running(self, job: str) -> Iterator[None]:
        """Let a job run for a while, as if a runner had taken it; afterwards it is as before."""
        with self.double.forge.database.write() as session:
            row = session.get_one(store.Job, self.jobs[job])
            before = row.status
            row.status, row.started_at, row.heard_at = "running", now(), _TOMORROW
        yield
        self.finish(job, before)

    def finish(self, job: str, status: str = "success") -> None:
        """Let a job end."""
        with self.double.forge.database.write() as session:
            row = session.get_one(store.Job, self.jobs[job])
            row.status, row.finished_at = status, now()


def make_scene(double: Double) -> Scene:
    """Make everything, in a private group of the bot's."""
    bot = double.client(double.bot_token)
    name = fresh("bighpc")
    group = bot.groups.create({"name": name, "path": name, "description": "Software of the supercomputers"})
    project = bot.projects.create(
        {"name": "storage-manager", "namespace_id": group.id, "description": "Quotas on file systems"}
    )
    assert isinstance(project, Project)
    _commit(project, "main", "Begin", {"README.md": README, "src/quota.py": SOURCE, "docs/index.md": "# Docs\n"})
    project.branches.create({"branch": "feature/quota", "ref": "main"})
    changed = SOURCE.replace("50}", '50, "archive": 400}')
    _commit(project, "feature/quota", "Give the archive a quota", {"src/quota.py": changed}, "update")
    project.tags.create({"tag_name": "v1.0.0", "ref": "main"})
    project.labels.create({"name": "storage", "color": "#1f75cb"})
    project.variables.create({"key": "DEPLOY_TOKEN", "value": CANARY, "masked": True})
    request = project.mergerequests.create(
        {
            "source_branch": "feature/quota",
            "target_branch": "main",
            "title": "Give the archive a quota",
            "description": "The archive had **none**.",
            "labels": ["storage"],
        }
    )
    request.notes.create({"body": DISCUSSION})
    project.issues.create({"title": "Quotas of projects", "description": "See `src`.", "labels": ["storage"]})
    hook = project.hooks.create({"url": f"http://user:{CANARY}@127.0.0.1:9/hook?key={CANARY}", "token": CANARY})
    project.environments.create({"name": "preview", "tier": "staging"})
    pipeline, jobs = _pipeline(double, project, request.iid)
    _logs_and_reports(double, jobs)
    return Scene(double, project, project.path_with_namespace, request.iid, pipeline, jobs, hook.id)


def _commit(project: Project, branch: str, message: str, files: dict[str, str], action: str = "create") -> None:
    actions = [{"action": action, "file_path": path, "content": content} for path, content in files.items()]
    project.commits.create({"branch": branch, "commit_message": message, "actions": actions})


def _pipeline(double: Double, project: Project, iid: int) -> tuple[int, dict[str, int]]:
    """A pipeline in the middle of its work."""
    sha = project.branches.get("feature/quota").commit["id"]
    with double.forge.database.write() as session:
        row = session.get_one(store.Project, project.id)
        request = session.query(store.MergeRequest).filter_by(project_id=row.id, iid=iid).one()
        pipeline = store.Pipeline(
            project_id=row.id,
            iid=1,
            sha=sha,
            before_sha="0" * 40,
            ref="feature/quota",
            source="push",
            status="running",
            compiled=True,
            user_id=request.author_id,
            merge_request_id=None,
            variables={"SECRET": {"value": CANARY, "variable_type": "env_var", "raw": False}},
            started_at=now() - timedelta(minutes=3),
        )
        session.add(pipeline)
        session.flush()
        made = {each[0]: _job(pipeline, row, *each) for each in JOBS}
        session.add_all(made.values())
        session.flush()
        session.add(
            store.Release(project_id=row.id, tag="v1.0.0", sha=sha, name="First release", description="* It **works**")
        )
        environment = session.query(store.Environment).filter_by(project_id=row.id).one()
        session.add(
            store.Deployment(
                project_id=row.id,
                environment_id=environment.id,
                user_id=request.author_id,
                iid=1,
                ref="main",
                sha=sha,
                tag=False,
                status="success",
            )
        )
        return pipeline.id, {name: job.id for name, job in made.items()}


def _job(
    pipeline: store.Pipeline,
    project: store.Project,
    name: str,
    stage: str,
    index: int,
    status: str,
    more: dict[str, Any],
) -> store.Job:
    """A job in some status, with everything that goes with it."""
    needs = more.get("needs")
    began = status in ("success", "failed", "running")
    return store.Job(
        pipeline_id=pipeline.id,
        project_id=project.id,
        name=name,
        stage=stage,
        stage_index=index,
        status=status,
        needs=None if needs is None else [{"job": each, "artifacts": True, "optional": False} for each in needs],
        user_id=pipeline.user_id,
        heard_at=_TOMORROW if status == "running" else None,
        queued_at=now() - timedelta(minutes=3),
        started_at=now() - timedelta(minutes=2) if began else None,
        finished_at=now() - timedelta(seconds=40) if began and status != "running" else None,
        failure_reason="script_failure" if status == "failed" else None,
        exit_code=1 if status == "failed" else None,
        tag_list=["shell"],
        when=more.get("when", "on_success"),
        allow_failure=more.get("allow_failure", False),
    )


def _logs_and_reports(double: Double, jobs: dict[str, int]) -> None:
    settings = double.forge.settings
    junit = (
        '<testsuite><testcase name="test_quota" classname="q" time="0.1"/>'
        '<testcase name="test_limit" classname="q"><failure message="no">40 is not 50</failure></testcase></testsuite>'
    )
    reports = {
        "unit-test-job": ("junit", junit),
        "build-job": ("terraform", json.dumps({"create": 3, "update": 1, "delete": 0})),
        "lint-test-job": ("codequality", "[]"),
    }
    with double.forge.database.write() as session:
        for name, number in jobs.items():
            job = session.get_one(store.Job, number)
            if job.started_at is not None:
                file = trace_file(settings, job)
                file.parent.mkdir(parents=True, exist_ok=True)
                ended = "section_end:1764034012:step_script\r\x1b[0K\x1b[32;1mJob succeeded\x1b[0;m\n"
                file.write_text(LOG + (ended if job.status == "success" else ""))
            if name in reports:
                kind, text = reports[name]
                artifact = store.Artifact(job=job, file_type=kind, file_format="raw", filename=f"{kind}.report")
                store_artifact(settings, session, artifact, io.BytesIO(text.encode()), None)
