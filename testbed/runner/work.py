"""Runs one job, from its first line of log to its result."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.runner import scripts
from testbed.runner.caching import Caches
from testbed.runner.containers import Container, Runtime
from testbed.runner.environment import expand, job_variables
from testbed.runner.executors import Executor, Shell, Wish
from testbed.runner.log import JobLog
from testbed.runner.model import Job
from testbed.runner.outputs import Outputs
from testbed.runner.protocol import VERSION, Client
from testbed.runner.stop import JobError, Reason, Stop, StoppedError
from testbed.runner.workspace import Workspace

__all__ = ["Place", "Work"]

_AFTER_SCRIPT_LIMIT = 300.0
_SOURCES_LIMIT = 600.0
_MOST_ATTEMPTS = 10
_HOOK = "pre_get_sources_script"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What all jobs of a runner share."""

    client: Client
    name: str
    builds: Path
    state: Path
    environment: Mapping[str, str]
    """Of shell jobs, before their own variables."""
    runtime: Runtime | None = None
    """Where jobs with an image run; nothing where there is no containerd for them."""


@dataclass
class Work:
    """One job in one slot."""

    place: Place
    job: Job
    slot: int
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        """Lay out where the job works."""
        job, place = self.job, self.place
        project = job.value("CI_PROJECT_PATH", f"project-{job.job_info.project_id}")
        self._workspace = Workspace(place.builds, self.slot, project, containers=job.image is not None)
        self._shell = Shell(self._workspace, place.environment)
        self._log_file = place.state / f"{job.id}.log"
        self._log = JobLog(place.client, job, self._log_file, self.stop)
        self._variables: dict[str, str] = {}
        self._scripts: dict[str, Path] = {}

    def run(self) -> bool:
        """Do the job and report its result; whether GitLab took note of that.

        Whatever goes wrong is the job's failure and goes no further.
        """
        log = self._log
        try:
            failure = self._failure()
            if failure is None:
                log.good("Job succeeded")
                return log.finish("success", exit_code=0)
            log.bad(f"ERROR: Job failed{_kind(failure)}: {failure}")
            return log.finish("failed", failure_reason=self._reason(failure), exit_code=failure.exit_code)
        finally:
            log.close()
            self._log_file.unlink()

    def _failure(self) -> JobError | None:
        """Do all of it, and leave nothing behind."""
        try:
            self._all_steps()
        except JobError as error:
            return error
        except OSError as error:
            return JobError(error.strerror or type(error).__name__)
        finally:
            self._workspace.remove()
        return None

    def _all_steps(self) -> None:
        log = self._log
        log.line(f"Running with bighpc-runner {VERSION} (testbed)\n  on {self.place.name}")
        try:
            executor = self._prepare()
            failure = self._script(executor)
        except StoppedError as stopped:
            raise self._verdict(stopped.reason) from None
        if failure is not None and self.stop.reason in (Reason.ABORTED, Reason.SHUTDOWN):
            raise failure
        self.stop.forgive()
        self._after_script(executor, failure)
        if failure is None or failure.reason != "job_canceled":
            self._keep(success=failure is None)
        if failure is not None:
            raise failure

    def _prepare(self) -> Executor:
        """Everything before the script."""
        job, log = self.job, self._log
        self._workspace.create()
        self._variables = job_variables(job, self._workspace, containers=job.image is not None)
        executor = self._executor()
        self._write_scripts()
        with log.section("prepare_executor", executor.title):
            executor.prepare(self.stop)
        with log.section("get_sources", "Getting source from Git repository"):
            if _HOOK in self._scripts and self._run(executor, _HOOK, _SOURCES_LIMIT) != 0:
                raise JobError(f"{_HOOK} failed")
            self._get_sources()
        if job.cache:
            with log.section("restore_cache", "Restoring cache"):
                self._caches().restore()
        if job.dependencies:
            with log.section("download_artifacts", "Downloading artifacts"):
                self._outputs().download()
        return executor

    def _script(self, executor: Executor) -> JobError | None:
        """The script; its failure, if it fails."""
        with self._log.section("step_script", 'Executing "step_script" stage of the job script'):
            try:
                code = self._run(executor, "script", self.job.runner_info.timeout)
            except StoppedError as stopped:
                return self._verdict(stopped.reason)
        return JobError(f"exit status {code}", "script_failure", code) if code else None

    def _after_script(self, executor: Executor, failure: JobError | None) -> None:
        if "after_script" not in self._scripts:
            return
        status = "success" if failure is None else "canceled" if failure.reason == "job_canceled" else "failed"
        with self._log.section("after_script", "Running after_script"):
            try:
                code = self._run(executor, "after_script", _AFTER_SCRIPT_LIMIT, status)
            except StoppedError as stopped:
                self._log.warn(f"after_script was ended: {stopped.reason.value}")
            else:
                if code:
                    self._log.warn(f"after_script failed, but job will continue unaffected: exit status {code}")

    def _keep(self, *, success: bool) -> None:
        """Caches and artifacts."""
        job, log = self.job, self._log
        wants_untracked = any(cache.untracked for cache in job.cache) or any(each.untracked for each in job.artifacts)
        untracked = self._untracked() if wants_untracked else []
        if job.cache:
            with log.section("archive_cache", "Saving cache"):
                self._caches().save(success=success, untracked=untracked)
        if job.artifacts:
            name = f"upload_artifacts_on_{'success' if success else 'failure'}"
            with log.section(name, f"Uploading artifacts for {'successful' if success else 'failed'} job"):
                self._outputs().upload(success=success, untracked=untracked)

    def _executor(self) -> Executor:
        job = self.job
        unsupported = {"services": job.services, "run": job.run, "secrets": job.secrets}
        if wanted := [name for name, value in unsupported.items() if value]:
            raise JobError(
                f"{', '.join(wanted)}: not supported by this runner; use gitlab-runner", "runner_unsupported"
            )
        if job.image is None:
            return self._shell
        if self.place.runtime is None:
            raise JobError(
                f"the job wants image {job.image.name}, and there is no container runtime here; "
                "remove `image`, or use a testbed with a real node",
                "runner_unsupported",
            )
        image = job.image.model_copy(update={"name": expand(job.image.name, self._variables)})
        return Container(self.place.runtime, image, self._workspace, job.id)

    def _write_scripts(self) -> None:
        """Write all scripts; once the first has run, the directory is the job's to arrange."""
        head = f"{scripts.exports(self._variables)}cd {shlex.quote(str(self._workspace.checkout))}\n"
        wanted = {"script": self.job.step("script"), "after_script": self.job.step("after_script")}
        wanted |= {hook.name: hook.script for hook in self.job.hooks if hook.name == _HOOK}
        for name, lines in wanted.items():
            if lines or name == "script":
                self._scripts[name] = self._workspace.write(f"{name}.sh", head + scripts.commands(lines))
        git = self.job.git_info
        fetch = scripts.sources(
            str(self._workspace.checkout),
            sha=git.sha,
            refspecs=git.refspecs,
            depth=git.depth,
            submodules=self._variables.get("GIT_SUBMODULE_STRATEGY", "none"),
            checkout=self._variables.get("GIT_CHECKOUT", "true") != "false",
        )
        address = scripts.exports({"CI_REPOSITORY_URL": git.repo_url, "GIT_TERMINAL_PROMPT": "0"})
        # Whoever the image's user is has to be able to work in it; GitLab's runner does the same for containers.
        open_to_all = "umask 0000\n" if self._workspace.containers else ""
        self._scripts["get_sources"] = self._workspace.write("get_sources.sh", address + open_to_all + fetch)
        self._scripts["untracked"] = self._workspace.write("untracked.sh", head + "git ls-files --others -z\n")

    def _get_sources(self) -> None:
        strategy = self._variables.get("GIT_STRATEGY", "clone")
        if strategy in ("none", "empty"):
            self._log.line("Skipping Git repository setup")
            return
        wanted = self._variables.get("GET_SOURCES_ATTEMPTS", "1")
        attempts = min(int(wanted), _MOST_ATTEMPTS) if wanted.isdecimal() else 1
        for _ in range(max(1, attempts)):
            code = self._run(self._shell, "get_sources", _SOURCES_LIMIT)
            if code == 0:
                return
        raise JobError(f"the commit {self.job.git_info.sha} cannot be fetched: git ends with {code}")

    def _untracked(self) -> list[str]:
        """What is in the checkout and not in the commit."""
        printed: list[bytes] = []
        self._run(self._shell, "untracked", _SOURCES_LIMIT, output=printed.append)
        return [name for name in b"".join(printed).decode(errors="surrogateescape").split("\0") if name]

    def _run(
        self,
        executor: Executor,
        name: str,
        seconds: float,
        status: str = "running",
        output: Callable[[bytes], None] | None = None,
    ) -> int:
        wish = Wish(
            script=self._scripts[name],
            variables={"CI_JOB_STATUS": status},
            output=output or self._log.write,
            seconds=seconds,
            stop=self.stop,
        )
        return executor.run(wish)

    def _caches(self) -> Caches:
        return Caches(self.place.state / "cache", self.job, self._workspace, self._variables, self._log)

    def _outputs(self) -> Outputs:
        return Outputs(self.place.client, self.job, self._workspace, self._variables, self._log)

    def _verdict(self, reason: Reason) -> JobError:
        """What it means for a job that it was stopped."""
        match reason:
            case Reason.TIMEOUT:
                limit = self.job.runner_info.timeout
                return JobError(f"execution took longer than {limit} s", "job_execution_timeout")
            case Reason.CANCELED:
                return JobError("canceled", "job_canceled")
            case Reason.SHUTDOWN:
                return JobError("the runner is being stopped")
            case Reason.ABORTED:
                return JobError("GitLab has ended the job")

    def _reason(self, error: JobError) -> str:
        """The reason in words that this GitLab knows."""
        known = self.job.features.failure_reasons
        return error.reason if not known or error.reason in known else "runner_system_failure"


def _kind(error: JobError) -> str:
    return " (system failure)" if error.reason in ("runner_system_failure", "image_pull_failure") else ""
