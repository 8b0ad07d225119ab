"""The testbed's runner: described as a process, and known to the GitLab double."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from testbed.context import Context
from testbed.files import private_directory, write_private
from testbed.forge import runner_items
from testbed.node import runtime
from testbed.processes import NotReadyError, Process
from testbed.startup import Task
from tests.contract.gitlab.support import Double, running_double


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """A double to register at."""
    with running_double(tmp_path_factory.mktemp("gitlab")) as running:
        yield running


@pytest.fixture
def parts(context: Context, double: Double, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Task, Process]]:
    """The two items of a testbed whose GitLab is the double."""
    monkeypatch.setattr(runtime, "_overlay_works", lambda _: False)
    write_private(private_directory(context.layout.secrets) / "gitlab-root-token", double.root_token)
    ports = {**context.ports, "gitlab": int(double.url.rpartition(":")[2])}

    def made(*, real_node: bool = True) -> tuple[Task, Process]:
        task, process = runner_items(replace(context, ports=ports, real_node=real_node))
        assert isinstance(task, Task)
        assert isinstance(process, Process)
        return task, process

    return made


def option(process: Process, name: str) -> Path:
    """The file that the process is started with."""
    return Path(next(word for word in process.command if word.startswith(f"--{name}=")).partition("=")[2])


def test_the_runner_is_registered_once_and_again_when_gitlab_forgot_it(
    parts: Callable[..., tuple[Task, Process]], double: Double
) -> None:
    task, process = parts()
    task.run()
    file = option(process, "token-file")
    token = file.read_text()
    assert (token[:5], file.stat().st_mode & 0o777) == ("glrt-", 0o600)
    task.run()
    assert file.read_text() == token
    root = double.client(double.root_token)
    (runner,) = root.runners_all.list(get_all=True)
    found = root.runners.get(runner.id)
    assert (found.runner_type, found.tag_list, found.run_untagged) == ("instance_type", ["shell", "container"], True)
    parts(real_node=False)[0].run()
    assert root.runners.get(runner.id).tag_list == ["shell"], "nothing runs containers now"
    found.delete()
    task.run()
    assert file.read_text() != token
    assert not any(token in word for word in process.command)


def test_a_gitlab_that_does_not_answer_is_waited_for(context: Context) -> None:
    task, _ = runner_items(replace(context, real_node=False, ports={**context.ports, "gitlab": 1}))
    assert isinstance(task, Task)
    with pytest.raises(NotReadyError, match="GitLab: ConnectError"):
        task.run()


def test_the_runner_is_ready_when_gitlab_has_answered_this_very_process(
    parts: Callable[..., tuple[Task, Process]],
) -> None:
    _, process = parts()
    ready = option(process, "state") / "ready"
    with pytest.raises(NotReadyError, match="has not answered the runner yet"):
        process.probe()
    write_private(ready, str(os.getpid()))
    process.probe()
    write_private(ready, "999999999")
    with pytest.raises(NotReadyError, match="is gone"):
        process.probe()


def test_jobs_with_an_image_run_on_the_node_and_only_there(parts: Callable[..., tuple[Task, Process]]) -> None:
    _, process = parts()
    assert {"containerd", "registry"} <= set(process.after)
    facts: dict[str, Any] = json.loads(option(process, "containers").read_text())
    assert facts["command"][0] == "nsenter"
    assert facts["cgroup"] == "/bighpc/paper/jobs", "below the group that `down` clears"
    assert "127.0.0.1:5000" in facts["aliases"]
    _, without = parts(real_node=False)
    assert not any(word.startswith("--containers") for word in without.command)
    assert "containerd" not in without.after
