"""The provider as the engine uses it, without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import pytest

from testbed.provider.servicer import Provider
from testbed.provider.values import from_struct, to_struct
from testbed.pulumirpc import provider_pb2
from tests.unit.provider.fake_gitlab import FakeGitLab, serving

TOKEN = "glpat-of-the-test"


class AbortedError(Exception):
    """The provider answered with an error."""


@dataclass
class Context:
    """What a servicer uses of gRPC's context."""

    metadata: Any = None

    def abort(self, _code: grpc.StatusCode, message: str) -> NoReturn:
        """End the call."""
        raise AbortedError(message)

    def set_trailing_metadata(self, metadata: Any) -> None:
        """Keep what goes with the answer."""
        self.metadata = metadata


@dataclass
class Engine:
    """Speaks to a provider about resources called ``example``."""

    provider: Provider
    context: Context = field(default_factory=Context)

    def configure(self, **variables: Any) -> None:
        """Configure the provider."""
        self.provider.Configure(provider_pb2.ConfigureRequest(args=to_struct(variables)), self.context)  # type: ignore[arg-type]

    def check(self, name: str, news: dict[str, Any], olds: dict[str, Any] | None = None) -> tuple[Any, dict[str, str]]:
        """Checked inputs, and reasons by property."""
        request = provider_pb2.CheckRequest(
            urn=urn(name), news=to_struct(news), olds=to_struct(olds or {}), randomSeed=bytes(range(32))
        )
        response = self.provider.Check(request, self.context)  # type: ignore[arg-type]
        return from_struct(response.inputs), {failure.property: failure.reason for failure in response.failures}

    def create(self, name: str, news: dict[str, Any], *, preview: bool = False) -> tuple[str, dict[str, Any]]:
        """Id and outputs."""
        request = provider_pb2.CreateRequest(urn=urn(name), properties=to_struct(news), preview=preview)
        response = self.provider.Create(request, self.context)  # type: ignore[arg-type]
        return response.id, from_struct(response.properties)

    def diff(self, name: str, olds: dict[str, Any], news: dict[str, Any], *ignored: str) -> provider_pb2.DiffResponse:
        """What differs."""
        request = provider_pb2.DiffRequest(
            urn=urn(name), olds=to_struct(olds), news=to_struct(news), ignoreChanges=ignored
        )
        return self.provider.Diff(request, self.context)  # type: ignore[arg-type]

    def read(
        self, name: str, id_: str, olds: dict[str, Any] | None = None, inputs: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Id, outputs and inputs."""
        request = provider_pb2.ReadRequest(
            urn=urn(name), id=id_, properties=to_struct(olds or {}), inputs=to_struct(inputs or {})
        )
        response = self.provider.Read(request, self.context)  # type: ignore[arg-type]
        return response.id, from_struct(response.properties), from_struct(response.inputs)

    def update(
        self, name: str, id_: str, olds: dict[str, Any], news: dict[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        """Outputs."""
        request = provider_pb2.UpdateRequest(
            urn=urn(name), id=id_, olds=to_struct(olds), news=to_struct(news), preview=preview
        )
        return from_struct(self.provider.Update(request, self.context).properties)  # type: ignore[arg-type]

    def delete(self, name: str, id_: str, olds: dict[str, Any]) -> None:
        """Delete it."""
        request = provider_pb2.DeleteRequest(urn=urn(name), id=id_, properties=to_struct(olds))
        self.provider.Delete(request, self.context)  # type: ignore[arg-type]

    def invoke(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a function."""
        request = provider_pb2.InvokeRequest(tok=f"gitlab:index/{name}:{name}", args=to_struct(arguments))
        response = self.provider.Invoke(request, self.context)  # type: ignore[arg-type]
        return from_struct(getattr(response, "return"))


def urn(name: str) -> str:
    """Of an example of a type."""
    return f"urn:pulumi:dev::test::bighpc:gitlab:Thing$gitlab:index/{name[0].lower()}{name[1:]}:{name}::example"


def secret(value: Any) -> dict[str, Any]:
    """A secret as it travels."""
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


@pytest.fixture
def gitlab() -> Iterator[FakeGitLab]:
    """A GitLab of the test's own."""
    with serving() as fake:
        yield fake


@pytest.fixture
def engine(gitlab: FakeGitLab) -> Engine:
    """A provider configured for it."""
    engine = Engine(Provider())
    engine.configure(baseUrl=gitlab.url, token=secret(TOKEN))
    return engine
