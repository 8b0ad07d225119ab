"""Asks for jobs and runs them, a few at once, until it is told to stop."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from testbed.files import write_private
from testbed.runner.model import Job
from testbed.runner.protocol import ProtocolError, RefusedError
from testbed.runner.stop import JobError, Reason
from testbed.runner.work import Place, Work

__all__ = ["READY", "Service"]

READY = "ready"
"""File in the state directory: the number of the process that GitLab has answered."""

log = logging.getLogger(__name__)

_PAUSE_AFTER_FAILURE = 5.0
_REPORT_LIMIT = 10.0
"""Seconds in which jobs that are ended at last must be reported."""

_HELD = 1.0
"""Seconds after which an answer without a job was waited for by GitLab, so that asking again needs no pause."""


@dataclass
class Service:
    """One running runner."""

    place: Place
    concurrency: int
    interval: float
    """Seconds between two questions for a job where GitLab answers at once."""
    patience: float
    """Seconds that running jobs have when the runner is told to stop."""
    refused: str = ""
    """Why GitLab takes the runner for a stranger, if it does."""
    _ending: threading.Event = field(default_factory=threading.Event)
    _running: dict[int, Work] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def run(self) -> None:
        """Work until `stop` is called or GitLab refuses the runner, and until the jobs have ended then."""
        (self.place.state / "cache").mkdir(mode=0o700, exist_ok=True)
        asking = threading.Thread(target=self._ask_always, name="asking", daemon=True)
        asking.start()
        self._ending.wait()
        self._wind_up()

    def stop(self) -> None:
        """Take no more jobs; callable from a signal handler."""
        self._ending.set()

    def _ask_always(self) -> None:
        try:
            if self._introduce():
                self._take_jobs()
        except RefusedError as error:
            self.refused = str(error)
            self.stop()

    def _take_jobs(self) -> None:
        last_update: str | None = None
        while not self._ending.is_set():
            slot = self._free_slot()
            if slot is None:
                continue
            begun = time.monotonic()
            try:
                answer = self.place.client.request(last_update)
            except RefusedError:
                raise
            except ProtocolError as error:
                log.warning("%s; asking again in %g s", error, _PAUSE_AFTER_FAILURE)
                self._ending.wait(_PAUSE_AFTER_FAILURE)
                continue
            last_update = answer.last_update
            if answer.job is not None:
                self._begin(answer.job, slot)
            elif time.monotonic() - begun < _HELD:
                self._ending.wait(self.interval)

    def _introduce(self) -> bool:
        """Wait for GitLab, and clear away what a killed runner left; whether there is something to do then."""
        reason = ""
        while not self._ending.is_set():
            try:
                self._clear_away()
                self.place.client.verify()
            except RefusedError:
                raise
            except (ProtocolError, JobError) as error:
                if str(error) != reason:
                    reason = str(error)
                    log.warning("not ready: %s", reason)
                self._ending.wait(self.interval)
            else:
                write_private(self.place.state / READY, str(os.getpid()))
                log.info("ready for jobs, at most %d at once", self.concurrency)
                return True
        return False

    def _clear_away(self) -> None:
        if self.place.runtime is not None:
            self.place.runtime.clear()
        for record in self.place.state.glob("job-*.json"):
            facts = json.loads(record.read_text())
            self.place.client.update(facts["id"], facts["token"], "failed", failure_reason="runner_system_failure")
            log.warning("job %s was running when the runner was killed: reported as failed", facts["id"])
            record.unlink()
        for left in self.place.state.glob("*.log"):
            left.unlink()

    def _free_slot(self) -> int | None:
        """A slot without a job, waited for a moment."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._running) < self.concurrency, timeout=1)
            return next((slot for slot in range(self.concurrency) if slot not in self._running), None)

    def _begin(self, job: Job, slot: int) -> None:
        record = write_private(self.place.state / f"job-{job.id}.json", json.dumps({"id": job.id, "token": job.token}))
        work = Work(self.place, job, slot)
        with self._changed:
            self._running[slot] = work
        log.info("job %s begins in slot %d", job.id, slot)
        threading.Thread(target=self._work, args=(work, record), name=f"job-{job.id}", daemon=True).start()

    def _work(self, work: Work, record: Path) -> None:
        try:
            if work.run():
                record.unlink()
            log.info("job %s has ended", work.job.id)
        except Exception:
            log.exception("job %s was lost", work.job.id)
        finally:
            with self._changed:
                del self._running[work.slot]
                self._changed.notify_all()

    def _wind_up(self) -> None:
        """Let the jobs end, and end those that do not."""
        with self._changed:
            if self._changed.wait_for(lambda: not self._running, timeout=self.patience):
                return
            for work in self._running.values():
                work.stop.ask(Reason.SHUTDOWN)
            self._changed.wait_for(lambda: not self._running, timeout=_REPORT_LIMIT)
