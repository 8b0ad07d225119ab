"""The pack as a server for the engine: the SDK's, behind a gate that lets nobody weaken it.

``pulumi_policy.PolicyPack`` neither tells a policy at which level the user configured it nor knows which types a policy
looks at. The gate stands in front of the SDK's own servicer. It refuses a configuration that lets through what a
mandatory rule forbids, and it asks about each resource only the policies that concern its type: with a hundred
policies, the SDK would otherwise decode every resource a hundred times.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi.runtime.proto.analyzer_pb2 import (
    AnalyzeRequest,
    AnalyzeResponse,
    AnalyzerInfo,
    AnalyzerStackConfigureRequest,
    AnalyzerStackConfigureResponse,
    AnalyzeStackRequest,
    ConfigureAnalyzerRequest,
    RemediateResponse,
)
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerServicer
from pulumi.runtime.proto.plugin_pb2 import PluginInfo
from pulumi_policy import EnforcementLevel, Policy
from pulumi_policy.policy import _PolicyAnalyzerServicer

from policies.levels import PRODUCTION, Levels, is_weaker
from policies.rule import Circumstances, Rule
from policies.stack_rule import StackRule

__all__ = ["Gate", "serve", "weakened"]

_MESSAGE_LIMIT: Final = 400 * 1024 * 1024
"""Bytes; what the engine and the SDK agree on."""

_LEVELS: Final = {
    analyzer_pb2.ADVISORY: EnforcementLevel.ADVISORY,
    analyzer_pb2.MANDATORY: EnforcementLevel.MANDATORY,
    analyzer_pb2.DISABLED: EnforcementLevel.DISABLED,
    analyzer_pb2.REMEDIATE: EnforcementLevel.REMEDIATE,
}


def weakened(
    rules: Sequence[Rule | StackRule], configured: Mapping[str, EnforcementLevel], environment: str
) -> list[str]:
    """Return what a configuration lets through in production that the rules forbid there.

    Args:
        rules: the rules of the pack.
        configured: the level that each rule is to have, by name.
        environment: the stack's name; one that is no environment's counts as production.
    """
    if environment in Levels._fields and environment != PRODUCTION:
        return []
    found = []
    for rule in rules:
        own, given = rule.levels.of(environment), configured.get(rule.name)
        if given is not None and is_weaker(given, own):
            found.append(f"{rule.name} ({own.value}, configured as {given.value})")
    return found


class Gate(AnalyzerServicer):
    """Answers the engine."""

    def __init__(self, name: str, rules: Sequence[Rule | StackRule], here: Circumstances) -> None:
        self._name = name
        self._rules = {rule.name: rule for rule in rules}
        self._policies: dict[str, Policy] = {rule.name: rule.policy(here) for rule in rules}
        self._environment = here.environment
        self._settings: list[Callable[[Any], object]] = []
        self._servicers: dict[frozenset[str], Any] = {}
        self._concerned: dict[str, frozenset[str]] = {}

    def _servicer(self, names: Iterable[str]) -> Any:
        """Return the SDK's servicer of some policies; its methods have no types."""
        wanted = frozenset(names)
        if wanted not in self._servicers:
            policies = [policy for name, policy in self._policies.items() if name in wanted]
            servicer: Any = _PolicyAnalyzerServicer(self._name, "0.0.1", policies, EnforcementLevel.MANDATORY)
            for configure in self._settings:
                configure(servicer)
            self._servicers[wanted] = servicer
        return self._servicers[wanted]

    def _concern(self, token: str) -> frozenset[str]:
        """Return the policies that look at a type."""
        if token not in self._concerned:
            self._concerned[token] = frozenset(
                rule.name for rule in self._rules.values() if isinstance(rule, Rule) and rule.concerns(token)
            )
        return self._concerned[token]

    def _configure(self, configure: Callable[[Any], object]) -> None:
        self._settings.append(configure)
        for servicer in self._servicers.values():
            configure(servicer)

    def Analyze(self, request: AnalyzeRequest, context: grpc.ServicerContext) -> AnalyzeResponse:  # noqa: N802  # gRPC's name
        """Judge one resource."""
        names = self._concern(request.type)
        answer: AnalyzeResponse = self._servicer(names).Analyze(request, context) if names else AnalyzeResponse()
        return answer

    def AnalyzeStack(self, request: AnalyzeStackRequest, context: grpc.ServicerContext) -> AnalyzeResponse:  # noqa: N802  # gRPC's name
        """Judge all resources together, each rule on those that it looks at."""
        answer = AnalyzeResponse()
        for rule in self._rules.values():
            if isinstance(rule, StackRule):
                seen = [resource for resource in request.resources if rule.sees(resource.type)]
                part = self._servicer([rule.name]).AnalyzeStack(AnalyzeStackRequest(resources=seen), context)
                answer.MergeFrom(part)
        return answer

    def Remediate(self, request: AnalyzeRequest, context: grpc.ServicerContext) -> RemediateResponse:  # noqa: N802  # gRPC's name
        """Put one resource right."""
        names = frozenset(name for name in self._concern(request.type) if self._repairs(name))
        answer: RemediateResponse = self._servicer(names).Remediate(request, context) if names else RemediateResponse()
        return answer

    def _repairs(self, name: str) -> bool:
        rule = self._rules[name]
        return isinstance(rule, Rule) and rule.repair is not None

    def GetAnalyzerInfo(self, request: Empty, context: grpc.ServicerContext) -> AnalyzerInfo:  # noqa: N802  # gRPC's name
        """Describe the pack."""
        answer: AnalyzerInfo = self._servicer(self._policies).GetAnalyzerInfo(request, context)
        return answer

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> PluginInfo:  # noqa: N802  # gRPC's name
        """Tell the SDK's version."""
        answer: PluginInfo = self._servicer(self._policies).GetPluginInfo(request, context)
        return answer

    def ConfigureStack(  # noqa: N802  # gRPC's name
        self, request: AnalyzerStackConfigureRequest, context: grpc.ServicerContext
    ) -> AnalyzerStackConfigureResponse:
        """Take note of the stack's tags."""
        self._configure(lambda servicer: servicer.ConfigureStack(request, context))
        return AnalyzerStackConfigureResponse()

    def Configure(self, request: ConfigureAnalyzerRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802  # gRPC's name
        """Take over what the user configured, or refuse it."""
        levels = {name: _LEVELS[given.enforcementLevel] for name, given in request.policyConfig.items()}
        refused = weakened(list(self._rules.values()), levels, self._environment)
        if refused:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"the policy configuration weakens rules that hold in {self._environment}: {', '.join(refused)}. Leave "
                "their enforcementLevel out, or ask for an exemption in policies/exemptions.yaml.",
            )
        self._configure(lambda servicer: servicer.Configure(request, context))
        return Empty()


def serve(gate: Gate) -> None:
    """Serve the engine until it ends this process; the port goes to standard output, as every plugin's does."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=4), options=[("grpc.max_receive_message_length", _MESSAGE_LIMIT)]
    )
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(gate, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.wait_for_termination()
    server.stop(grace=None)
