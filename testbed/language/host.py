"""The engine's view of Python: Pulumi's language host protocol."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
from google.protobuf import empty_pb2

from testbed.language import dependencies
from testbed.language.children import CancelledError, Children, Chunk, chunks, interrupt
from testbed.language.interpreter import Interpreter, OptionError
from testbed.pulumirpc import language_pb2, language_pb2_grpc, plugin_pb2

__all__ = ["LanguageHost"]

_PROGRAM = Path(__file__).with_name("program.py")
_REPORTED = 32  # program.REPORTED; that module is the program's, we do not import it


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs and plugins written in Python."""

    def __init__(self, engine: str, children: Children) -> None:
        self._engine = engine
        self._children = children

    def Handshake(  # noqa: N802
        self, request: language_pb2.LanguageHandshakeRequest, _context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """The engine introduces itself; it may have been unknown when we started."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: empty_pb2.Empty, _context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        """Our version: that of the SDK whose protocol we speak."""
        return plugin_pb2.PluginInfo(version=dependencies.sdk_version())

    def GetRequiredPackages(  # noqa: N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Which provider plugins the packages in the program's environment need."""
        with _refusing(context):
            interpreter = Interpreter.of(request.info)
            return language_pb2.GetRequiredPackagesResponse(packages=dependencies.required_plugins(interpreter))

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:  # noqa: N802
        """For ``pulumi about``."""
        with _refusing(context):
            interpreter = Interpreter.of(request.info)
            executable, version = dependencies.describe(interpreter)
            return language_pb2.AboutResponse(executable=executable, version=version, metadata={"toolchain": "pip"})

    def GetProgramDependencies(  # noqa: N802
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """For ``pulumi about``, too."""
        with _refusing(context):
            listed = dependencies.installed(Interpreter.of(request.info), transitive=request.transitiveDependencies)
            return language_pb2.GetProgramDependenciesResponse(
                dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in listed]
            )

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:  # noqa: N802
        """Run a program to its end. What it prints goes where we print: to the engine."""
        with _refusing(context):
            interpreter = Interpreter.of(request.info)
            command = [interpreter.executable, "-u", str(_PROGRAM), *self._program_arguments(request)]
            environment = interpreter.environment() | {
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            }
            with self._children.running(command, env=environment, cwd=request.pwd, capture=False) as child:
                context.add_callback(lambda: interrupt(child))
                code = child.wait()
            bail = code == _REPORTED or self._children.closed
            return language_pb2.RunResponse(error="" if bail else _explain(code), bail=bail)

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack or another plugin written in Python, and pass on what it prints."""
        is_pack = request.kind == "analyzer"
        directory = request.info.program_directory
        with _refusing(context):
            interpreter = Interpreter.of(request.info, default_virtualenv="" if is_pack else "venv")
            python = interpreter.executable
        given = dict(item.split("=", 1) for item in request.env)
        # Later entries of a virtual environment's PATH must not be lost to the engine's own environment.
        environment = given | {k: v for k, v in interpreter.environment().items() if k not in given or k == "PATH"}
        command = [python, "-u", "-m", "pulumi.policy", *request.args, directory]
        if is_pack and _learns_stack(Path(directory)):
            output = self._plugin(command, environment, directory, context)
        elif is_pack:
            from testbed.language.policy_pack import PolicyPack

            output = PolicyPack().run(self._children, command, env=environment, cwd=directory, context=context)
        else:
            output = self._plugin([python, "-u", directory, *request.args], environment, request.pwd, context)
        with _refusing(context):
            for item in output:
                yield _plugin_response(item)

    def InstallDependencies(  # noqa: N802
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """For ``pulumi install``: make the virtual environment and fill it from ``requirements.txt``."""
        with _refusing(context):
            interpreter = Interpreter.of(request.info, default_virtualenv="venv" if request.is_plugin else "")
            directory = Path(request.info.program_directory)
            for chunk in dependencies.install(interpreter, directory, self._children):
                yield language_pb2.InstallDependenciesResponse(**{chunk.stream: chunk.data})

    def GenerateProgram(  # noqa: N802
        self, _request: language_pb2.GenerateProgramRequest, context: grpc.ServicerContext
    ) -> language_pb2.GenerateProgramResponse:
        """Would write code for ``pulumi import`` and ``pulumi convert``."""
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            "the embedded language host does not write Python code: what was imported is in the state; "
            "add --generate-code=false, or install Pulumi's own pulumi-language-python",
        )

    def RuntimeOptionsPrompts(  # noqa: N802
        self, _request: language_pb2.RuntimeOptionsRequest, _context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """Nothing to ask in ``pulumi new``."""
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, _request: empty_pb2.Empty, _context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        """End everything that runs."""
        self._children.close()
        return empty_pb2.Empty()

    def _program_arguments(self, request: language_pb2.RunRequest) -> list[str]:
        named = {
            "--monitor": request.monitor_address,
            "--engine": self._engine,
            "--project": request.project,
            "--stack": request.stack,
            "--organization": request.organization,
            "--root-directory": request.info.root_directory,
            "--pwd": request.pwd,
            "--parallel": str(request.parallel),
        }
        arguments = [part for name, value in named.items() if value for part in (name, value)]
        flags = ["--dry-run"] if request.dryRun else []
        return [*arguments, *flags, "--", request.info.entry_point, *request.args]

    def _plugin(
        self, command: list[str], env: dict[str, str], cwd: str, context: grpc.ServicerContext
    ) -> Iterator[Chunk | int]:
        with self._children.running(command, env=env, cwd=cwd, capture=True) as child:
            context.add_callback(lambda: interrupt(child))
            yield from chunks(child)
            yield child.wait()


@contextlib.contextmanager
def _refusing(context: grpc.ServicerContext) -> Iterator[None]:
    """Answer what cannot be done with its reason, instead of with a traceback."""
    try:
        yield
    except (OptionError, dependencies.InstallationError) as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    except CancelledError as error:
        context.abort(grpc.StatusCode.CANCELLED, str(error))


def _explain(code: int) -> str:
    if code == 0:
        return ""
    if code < 0:
        return f"the program was ended by {signal.Signals(-code).name}"
    return f"Program exited with non-zero exit code: {code}"


def _learns_stack(pack: Path) -> bool:
    """Whether a pack takes its stack from the engine's call, so that it can be started before that."""
    try:
        text = (pack / "PulumiPolicy.yaml").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(line.rstrip() == "learnsStack: true" for line in text.splitlines())


def _plugin_response(item: Chunk | int) -> language_pb2.RunPluginResponse:
    if isinstance(item, int):
        return language_pb2.RunPluginResponse(exitcode=item)
    if item.stream == "stdout":
        return language_pb2.RunPluginResponse(stdout=item.data)
    return language_pb2.RunPluginResponse(stderr=item.data)
