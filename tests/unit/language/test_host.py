"""The language host's answers to the engine, without an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2

from testbed.language import dependencies
from testbed.language.children import Children
from testbed.language.host import LanguageHost
from testbed.pulumirpc import language_pb2


class RefusedError(Exception):
    """The host answered with an error."""


class Context:
    """What the host uses of gRPC's context."""

    def abort(self, _code: grpc.StatusCode, message: str) -> NoReturn:
        """End the call."""
        raise RefusedError(message)

    def add_callback(self, _callback: object) -> bool:
        """The call does not end early here."""
        return True


@pytest.fixture
def host() -> LanguageHost:
    """A host that has started nothing yet."""
    return LanguageHost("", Children())


def _info(root: Path, **options: str) -> language_pb2.ProgramInfo:
    given = struct_pb2.Struct()
    given.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(root), program_directory=str(root), entry_point=".", options=given
    )


def test_required_plugins_are_those_that_the_environments_packages_name(host: LanguageHost, tmp_path: Path) -> None:
    packages = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    for name, plugin in {
        "pulumi_gitlab": {"resource": True, "name": "gitlab", "version": "10.4.0"},
        "pulumi_policy": {"resource": False},
    }.items():
        (packages / name).mkdir(parents=True)
        (packages / name / "pulumi-plugin.json").write_text(json.dumps(plugin))
    request = language_pb2.GetRequiredPackagesRequest(info=_info(tmp_path, virtualenv="venv"))
    [package] = host.GetRequiredPackages(request, Context()).packages  # type: ignore[arg-type]
    assert (package.kind, package.name, package.version) == ("resource", "gitlab", "v10.4.0")


def test_a_program_without_its_environment_is_refused(host: LanguageHost, tmp_path: Path) -> None:
    request = language_pb2.RunRequest(info=_info(tmp_path, virtualenv="venv"), pwd=str(tmp_path))
    with pytest.raises(RefusedError, match="pulumi install"):
        host.Run(request, Context())  # type: ignore[arg-type]


def _interpreter(root: Path, script: str) -> None:
    python = root / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "error", "bail"),
    [
        ("exit 0", "", False),
        ("exit 32", "", True),
        ("exit 3", "Program exited with non-zero exit code: 3", False),
        ("kill -KILL $$", "the program was ended by SIGKILL", False),
    ],
)
def test_how_a_program_ended_is_told_to_the_engine(
    host: LanguageHost, tmp_path: Path, script: str, error: str, *, bail: bool
) -> None:
    _interpreter(tmp_path, script)
    request = language_pb2.RunRequest(info=_info(tmp_path, virtualenv="venv"), pwd=str(tmp_path))
    response = host.Run(request, Context())  # type: ignore[arg-type]
    assert (response.error, response.bail) == (error, bail)


def test_a_program_is_given_its_stack_and_configuration(host: LanguageHost, tmp_path: Path) -> None:
    _interpreter(tmp_path, f'echo "$@" > {tmp_path}/arguments; echo "$PULUMI_CONFIG" > {tmp_path}/config')
    host.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:7"), Context())  # type: ignore[arg-type]
    request = language_pb2.RunRequest(
        info=_info(tmp_path, virtualenv="venv"),
        pwd=str(tmp_path),
        project="bighpc",
        stack="dev",
        dryRun=True,
        config={"bighpc:a": "b"},
        monitor_address="127.0.0.1:8",
    )
    host.Run(request, Context())  # type: ignore[arg-type]
    arguments = (tmp_path / "arguments").read_text()
    for part in ("--project bighpc", "--stack dev", "--dry-run", "--engine 127.0.0.1:7", "--monitor 127.0.0.1:8"):
        assert part in arguments
    assert json.loads((tmp_path / "config").read_text()) == {"bighpc:a": "b"}


def test_after_a_cancel_nothing_is_started(host: LanguageHost, tmp_path: Path) -> None:
    _interpreter(tmp_path, "exit 0")
    host.Cancel(empty_pb2.Empty(), Context())  # type: ignore[arg-type]
    request = language_pb2.RunRequest(info=_info(tmp_path, virtualenv="venv"), pwd=str(tmp_path))
    with pytest.raises(RefusedError, match="cancelled"):
        host.Run(request, Context())  # type: ignore[arg-type]


def test_the_version_is_that_of_the_sdk(host: LanguageHost) -> None:
    assert host.GetPluginInfo(empty_pb2.Empty(), Context()).version == dependencies.sdk_version()  # type: ignore[arg-type]
