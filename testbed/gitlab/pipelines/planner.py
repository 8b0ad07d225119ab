"""The clock of pipelines: compiles what was noted, starts what is due, ends what is stuck."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta

from sqlalchemy import func, or_, select
from starlette.concurrency import run_in_threadpool

from testbed.gitlab.core.clock import now
from testbed.gitlab.core.cron import CronError, TimezoneError, next_time
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.cancelling import cancel_job
from testbed.gitlab.pipelines.compiling import Compiled, compile_pipeline
from testbed.gitlab.pipelines.moving import finish_job
from testbed.gitlab.pipelines.processing import enqueue, process
from testbed.gitlab.pipelines.scheduling import run_schedule
from testbed.gitlab.pipelines.stopping import stop_environment
from testbed.gitlab.pipelines.storing import keep
from testbed.gitlab.store import Environment, Job, Pipeline, Schedule

__all__ = ["Planner"]

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 30.0
"""Seconds after which the planner looks for itself; whoever notes a pipeline wakes it."""

PENDING_LIMIT = timedelta(hours=24)
"""A job that no runner took for so long is stuck."""

CANCELING_LIMIT = timedelta(minutes=5)
"""So long a runner may take to end a job that is to be cancelled."""


class Planner:
    """Works through everything that is due, in one thread at a time."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Look for work now. Callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wanted.set)

    async def run(self, forge: Forge) -> None:
        """Work until cancelled. Pipelines that were noted before a restart are compiled first."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._wanted.clear()
            pause = await run_in_threadpool(work, forge)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)


def work(forge: Forge) -> float:
    """Do what is due now.

    Returns:
        Seconds until something else will be.
    """
    for step in (_run_schedules, _compile_noted, _start_delayed, _end_stuck, _stop_environments):
        try:
            step(forge)
        except Exception:
            log.exception("%s: tried again in %s s", step.__name__.strip("_").replace("_", " "), LONGEST_PAUSE_S)
    forge.courier.wake()
    with forge.database.read() as session:
        due = [session.scalar(each) for each in _MOMENTS]
    left = [(each - now()).total_seconds() for each in due if each is not None]
    return max(0.05, min([*left, LONGEST_PAUSE_S]))


_MOMENTS = (
    select(func.min(Schedule.next_run_at)).where(Schedule.active),
    select(func.min(Job.scheduled_at)).where(Job.status == "scheduled"),
    select(func.min(Environment.auto_stop_at)).where(Environment.state == "available"),
)
"""When each kind of thing is due next."""


def _compile_noted(forge: Forge) -> None:
    tried: set[int] = set()
    while True:
        waiting = select(Pipeline.id).where(Pipeline.compiled.is_(False), Pipeline.id.not_in(tried))
        with forge.database.read() as session:
            number = session.scalar(waiting.order_by(Pipeline.id).limit(1))
        if number is None:
            return
        tried.add(number)
        _compile(forge, number)


def _compile(forge: Forge, number: int) -> None:
    """Compile one pipeline; a mistake of ours fails that pipeline and keeps no other from running."""
    try:
        with forge.database.read() as session:
            compiled = compile_pipeline(forge, session, session.get_one(Pipeline, number))
        _keep(forge, number, compiled)
    except Exception:
        log.exception("pipeline %s cannot be compiled", number)
        _keep(forge, number, Compiled(errors=["An unexpected error occurred while the pipeline was created"]))


def _keep(forge: Forge, number: int, compiled: Compiled) -> None:
    with forge.database.write() as session:
        noted = session.get(Pipeline, number)
        if noted is not None and not noted.compiled:
            keep(forge, session, noted, compiled)


def _run_schedules(forge: Forge) -> None:
    with forge.database.write() as session:
        due = select(Schedule).where(Schedule.active, Schedule.next_run_at <= now())
        for schedule in session.scalars(due):
            run_schedule(forge, session, schedule, schedule.owner)
            try:
                schedule.next_run_at = next_time(schedule.cron, schedule.cron_timezone, now())
            except (CronError, TimezoneError):
                schedule.active = False


def _start_delayed(forge: Forge) -> None:
    with forge.database.write() as session:
        due = select(Job).where(Job.status == "scheduled", Job.scheduled_at <= now()).order_by(Job.scheduled_at)
        for job in session.scalars(due):
            enqueue(forge, session, job)
            process(forge, session, job.pipeline)


def _end_stuck(forge: Forge) -> None:
    with forge.database.write() as session:
        waiting = select(Job).where(Job.status == "pending", Job.queued_at < now() - PENDING_LIMIT)
        for job in session.scalars(waiting):
            finish_job(forge, session, job, "failed", "stuck_or_timeout_failure")
        silent = or_(Job.heard_at.is_(None), Job.heard_at < now() - CANCELING_LIMIT)
        for job in session.scalars(select(Job).where(Job.status == "canceling", silent)):
            cancel_job(forge, session, job, force=True)


def _stop_environments(forge: Forge) -> None:
    with forge.database.write() as session:
        due = select(Environment).where(Environment.state == "available", Environment.auto_stop_at <= now())
        for environment in session.scalars(due):
            stop_environment(forge, session, environment, None)
