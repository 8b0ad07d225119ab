"""What tests share: a recorder in place of the engine for unit tests, a testbed of the run's own for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi.runtime
import pytest

from tests.integration.own_testbed import OwnTestbed, own_testbed

__all__ = ["Recorded", "Recorder"]


@dataclass(frozen=True)
class Recorded:
    """A resource that the program declared."""

    token: str
    name: str
    inputs: dict[str, Any]


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Answers like an engine and remembers everything that it was asked."""

    resources: list[Recorded] = field(default_factory=list)
    invokes: list[str] = field(default_factory=list)
    recorded_outputs: dict[str, Any] = field(default_factory=dict)
    """What the engine says is in the state: type and outputs by URN."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.append(Recorded(args.typ, args.name, args.inputs))
        number = str(len(self.resources))
        path = args.inputs.get("path", "")
        image = str(args.inputs.get("imageName", "")).rpartition(":")[0]
        computed = {
            "docker:index/image:Image": {"repoDigest": f"{image}@sha256:{'a' * 64}"},
            "gitlab:index/group:Group": {"fullPath": path, "webUrl": f"http://gitlab.example/{path}"},
            "gitlab:index/project:Project": {
                "pathWithNamespace": f"bighpc/{path}",
                "webUrl": f"http://gitlab.example/bighpc/{path}",
                "httpUrlToRepo": f"http://gitlab.example/bighpc/{path}.git",
            },
            "gitlab:index/groupLabel:GroupLabel": {"labelId": len(self.resources)},
            "gitlab:index/projectLabel:ProjectLabel": {"labelId": len(self.resources)},
            "gitlab:index/projectDeployToken:ProjectDeployToken": {"token": "gldt-recorded"},
            "gitlab:index/projectAccessToken:ProjectAccessToken": {"token": "glpat-recorded"},
            "gitlab:index/groupAccessToken:GroupAccessToken": {"token": "glpat-recorded"},
            "gitlab:index/userRunner:UserRunner": {"token": "glrt-recorded"},
            "gitlab:index/clusterAgent:ClusterAgent": {"agentId": len(self.resources)},
            "gitlab:index/clusterAgentToken:ClusterAgentToken": {"token": "glagent-recorded"},
            "gitlab:index/branchProtection:BranchProtection": {"branchProtectionId": len(self.resources)},
            "gitlab:index/pipelineSchedule:PipelineSchedule": {"pipelineScheduleId": len(self.resources)},
        }
        return number, {**args.inputs, **computed.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.invokes.append(args.token)
        return {"outputs": self.recorded_outputs}, []

    def of(self, token: str) -> list[Recorded]:
        """Return the resources of one type."""
        return [resource for resource in self.resources if resource.token == token]

    def named(self, name: str) -> Recorded:
        """Return the one resource of that name."""
        (found,) = (resource for resource in self.resources if resource.name == name)
        return found


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A fresh recorder, installed in place of the engine."""
    loops: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def remembered() -> asyncio.AbstractEventLoop:
        loops.append(new_event_loop())
        return loops[-1]

    # The SDK's mocks make event loops in worker threads and leave them open.
    monkeypatch.setattr(asyncio, "new_event_loop", remembered)
    loop = remembered()
    asyncio.set_event_loop(loop)
    mocks = Recorder()
    pulumi.runtime.set_mocks(mocks, project="bighpc", stack="dev", preview=False, organization="organization")
    yield mocks
    # A test that refuses a program leaves the SDK's own root resource half registered.
    while tasks := asyncio.all_tasks(loop):
        loop.run_until_complete(asyncio.wait(tasks, timeout=5))
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    for each in loops:
        each.close()


@pytest.fixture
def build(recorder: Recorder) -> Callable[[Callable[[], object]], Recorder]:
    """Run a declaration to its end, so that even the absence of a resource can be asserted."""

    def run(declare: Callable[[], object]) -> Recorder:
        pulumi.runtime.test(declare)()  # type: ignore[no-untyped-call]
        return recorder

    return run


@pytest.fixture(scope="session")
def shared_testbed() -> Iterator[OwnTestbed]:
    """The run's own testbed, brought up once; use `testbed`, which makes sure that it still is."""
    with own_testbed() as testbed:
        testbed.up("--simulated-nodes", "2")
        yield testbed


@pytest.fixture
def testbed(shared_testbed: OwnTestbed) -> OwnTestbed:
    """The run's own testbed with everything ready, whatever the test before did to it."""
    if shared_testbed.unready():
        shared_testbed.up()
    return shared_testbed
