"""A policy pack as a plugin.

A pack finds out which stack it judges from its environment, which must be set before it starts; but the engine tells
only once it is connected. So the engine connects to us, we start the pack when we know, and hand on everything else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc

from testbed.language.children import Children, Chunk, chunks, interrupt
from testbed.pulumirpc import analyzer_pb2
from testbed.pulumirpc.plugin import CHANNEL_OPTIONS

__all__ = ["PolicyPack"]

_SERVICE = "/pulumirpc.Analyzer/"
_CHECK = 0.5  # seconds
_FAREWELL = 1.0  # seconds


class PolicyPack(grpc.GenericRpcHandler):
    """Answers the engine for a pack until that runs, then passes calls through as they are."""

    def __init__(self) -> None:
        self._configuration: analyzer_pb2.AnalyzerStackConfigureRequest | None = None
        self._asked = threading.Event()
        self._started = threading.Event()
        self._channel: grpc.Channel | None = None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """The handler of one call, on bytes: the pack and the engine may be newer than our stubs."""
        method: str = handler_call_details.method
        if not method.startswith(_SERVICE):
            return None
        own: dict[str, Callable[[bytes, grpc.ServicerContext], bytes]] = {
            "Handshake": self._handshake,
            "ConfigureStack": self._configure,
        }
        return grpc.unary_unary_rpc_method_handler(
            own.get(method.removeprefix(_SERVICE)) or (lambda request, context: self._forward(method, request, context))
        )

    def run(
        self, children: Children, command: list[str], *, env: dict[str, str], cwd: str, context: grpc.ServicerContext
    ) -> Iterator[Chunk | int]:
        """Run the pack: what it prints, the port for the engine first, and at last its exit code.

        Args:
            children: where the process is kept.
            command: how to start the pack.
            env: its environment, still without the stack.
            cwd: its working directory.
            context: of the engine's call: the pack ends with it.
        """
        server = grpc.server(ThreadPoolExecutor(max_workers=8), handlers=[self], options=CHANNEL_OPTIONS)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield Chunk("stdout", f"{port}\n".encode())
            while not self._asked.wait(_CHECK):
                if not context.is_active():
                    return
            with children.running(command, env=env | self._environment(), cwd=cwd, capture=True) as child:
                context.add_callback(lambda: interrupt(child))
                yield from self._attach(chunks(child))
                yield child.wait()
        finally:
            self._started.set()
            if self._channel is not None:
                self._channel.close()
            server.stop(grace=_FAREWELL).wait()  # calls still waiting for the pack are told that it has ended

    def _attach(self, output: Iterator[Chunk]) -> Iterator[Chunk]:
        """Connect to the port on the pack's first line with a number alone, and let all other output through."""
        pending = b""
        for chunk in output:
            if self._channel is not None or chunk.stream != "stdout":
                yield chunk
                continue
            *lines, pending = (pending + chunk.data).split(b"\n")
            for line in lines:
                if self._channel is None and line.strip().isdigit():
                    self._connect(int(line))
                else:
                    yield Chunk("stdout", line + b"\n")
            if self._channel is not None and pending:
                yield Chunk("stdout", pending)

    def _connect(self, port: int) -> None:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL_OPTIONS)
        if self._configuration is not None:
            try:
                _call(channel, f"{_SERVICE}ConfigureStack", self._configuration.SerializeToString())
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                    raise
        self._channel = channel
        self._started.set()

    def _environment(self) -> dict[str, str]:
        stack = self._configuration
        if stack is None:
            return {}
        values = {
            "PULUMI_ORGANIZATION": stack.organization,
            "PULUMI_PROJECT": stack.project,
            "PULUMI_STACK": stack.stack,
            "PULUMI_DRY_RUN": "true" if stack.dry_run else "false",
            "PULUMI_CONFIG": json.dumps(dict(stack.config)),
        }
        return {name: value for name, value in values.items() if value}

    def _handshake(self, _request: bytes, _context: grpc.ServicerContext) -> bytes:
        return analyzer_pb2.AnalyzerHandshakeResponse().SerializeToString()

    def _configure(self, request: bytes, _context: grpc.ServicerContext) -> bytes:
        self._configuration = analyzer_pb2.AnalyzerStackConfigureRequest.FromString(request)
        self._asked.set()
        return analyzer_pb2.AnalyzerStackConfigureResponse().SerializeToString()

    def _forward(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        self._asked.set()  # the engine does not always have a stack, such as for `pulumi policy publish`
        self._started.wait()
        if self._channel is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the policy pack has ended: see its output for the reason")
            raise AssertionError("abort raises")
        try:
            return _call(self._channel, method, request)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details() or "")
            raise


def _call(channel: grpc.Channel, method: str, request: bytes) -> bytes:
    forward: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return forward(request)
