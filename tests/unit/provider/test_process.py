"""The provider as a process: it speaks the protocol, takes many calls at once, and ends quietly."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from google.protobuf import empty_pb2

from testbed.provider.values import from_struct, to_struct
from testbed.pulumirpc import provider_pb2, provider_pb2_grpc
from tests.unit.provider.conftest import TOKEN, urn
from tests.unit.provider.fake_gitlab import FakeGitLab, Request

_LIMIT = 30  # seconds


@contextmanager
def _running() -> Iterator[tuple[subprocess.Popen[str], provider_pb2_grpc.ResourceProviderStub]]:
    command = [sys.executable, "-P", "-m", "testbed.provider", "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield process, provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda ending: ending.name)
def test_it_ends_quietly_when_asked(ending: signal.Signals) -> None:
    with _running() as (process, stub):
        assert stub.GetPluginInfo(empty_pb2.Empty()).version
        process.send_signal(ending)
        output, errors = process.communicate(timeout=_LIMIT)
    assert process.returncode == 0
    assert (output, errors) == ("", "")


def test_it_ends_when_the_engine_is_killed() -> None:
    script = (
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-P', '-m', 'testbed.provider'], stdout=subprocess.PIPE);"
        "child.stdout.readline(); print(child.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        child = int(engine.stdout.readline())
        engine.kill()
        engine.wait(_LIMIT)
    import psutil

    try:
        psutil.Process(child).wait(_LIMIT)
    except psutil.NoSuchProcess:
        return
    assert not psutil.pid_exists(child)


def test_the_schema_has_every_type_with_its_inputs() -> None:
    with _running() as (_, stub):
        schema = json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    label = schema["resources"]["gitlab:index/projectLabel:ProjectLabel"]
    assert label["requiredInputs"] == ["project", "color"]
    assert "labelId" in label["properties"]
    assert "labelId" not in label["inputProperties"]


def test_calls_run_at_once_but_commits_to_a_branch_one_after_the_other(gitlab: FakeGitLab) -> None:
    inside: set[str] = set()
    most: dict[str, int] = {"files": 0, "labels": 0}
    lock, both = threading.Lock(), threading.Barrier(2, timeout=_LIMIT)
    original = gitlab.answer

    def answer(request: Request) -> object:
        kind = "files" if "/files/" in request.path else "labels"
        if request.verb != "POST":
            return original(request)
        with lock:
            inside.add(request.path + str(request.body.get("name")))
            most[kind] = max(most[kind], sum((kind in path) for path in inside))
        if kind == "labels":
            both.wait()  # only two calls at the same time get past here
        with lock:
            inside.discard(request.path + str(request.body.get("name")))
        return original(request)

    gitlab.answer = answer  # type: ignore[method-assign, assignment]
    label = {"project": "1", "color": "#fff"}
    file = {"project": "1", "branch": "main", "content": "", "encoding": "text"}
    with _running() as (_, stub), ThreadPoolExecutor(8) as pool:
        stub.Configure(provider_pb2.ConfigureRequest(args=to_struct({"baseUrl": gitlab.url, "token": TOKEN})))
        labels = [_create("ProjectLabel", label | {"name": f"l{index}"}) for index in range(2)]
        files = [_create("RepositoryFile", file | {"filePath": f"f{index}"}) for index in range(4)]
        created = list(pool.map(stub.Create, labels))
        for call in [stub.Create.future(request) for request in files]:
            call.exception(_LIMIT)  # the fake keeps no files: what counts is how they arrive
    assert {from_struct(answer.properties)["name"] for answer in created} == {"l0", "l1"}
    assert most == {"files": 1, "labels": 2}


def _create(name: str, inputs: Mapping[str, object]) -> provider_pb2.CreateRequest:
    return provider_pb2.CreateRequest(urn=urn(name), properties=to_struct(inputs))
