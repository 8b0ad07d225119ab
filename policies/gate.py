"""The pack as a server for the engine: the SDK's, behind a gate that lets nobody weaken it.

``pulumi_policy.PolicyPack`` neither tells a policy at which level the user configured it nor knows which types a policy
looks at. The gate is the SDK's own servicer, which refuses a configuration that lets through what a mandatory rule
forbids, and asks about each resource only the policies that concern its type. It decodes a resource once for all of
them: the SDK does so for each, and decoding costs more than judging.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi.runtime.proto.analyzer_pb2 import (
    AnalyzeDiagnostic,
    AnalyzeRequest,
    AnalyzeResponse,
    AnalyzerResource,
    AnalyzerStackConfigureRequest,
    AnalyzerStackConfigureResponse,
    AnalyzeStackRequest,
    ConfigureAnalyzerRequest,
    RemediateResponse,
)
from pulumi_policy import (
    EnforcementLevel,
    PolicyResource,
    ResourceValidationArgs,
    StackValidationArgs,
)
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from policies.levels import PRODUCTION, Levels, is_weaker
from policies.rule import BaseRule, Circumstances, Rule
from policies.stack_rule import StackRule

__all__ = ["Gate", "serve", "weakened"]

_VERSION: Final = "0.0.1"

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


class Gate(_PolicyAnalyzerServicer):
    """Answers the engine."""

    def __init__(self, name: str, rules: Sequence[Rule | StackRule], here: Circumstances) -> None:
        self._name = name
        self._rules = {rule.name: rule for rule in rules}
        self._concerned: dict[str, Sequence[Rule]] = {}
        self._settle_in(here)

    def _settle_in(self, here: Circumstances) -> None:
        """Judge by the levels and exemptions of a stack."""
        self._here = here
        # The SDK's class of both kinds of policies lacks what they have in common.
        self._policies: dict[str, Any] = {name: rule.policy(here) for name, rule in self._rules.items()}
        super().__init__(self._name, _VERSION, list(self._policies.values()), EnforcementLevel.MANDATORY)

    def _concern(self, token: str) -> Sequence[Rule]:
        """Return the rules that look at single resources of a type."""
        if token not in self._concerned:
            every = [rule for rule in self._rules.values() if isinstance(rule, Rule)]
            self._concerned[token] = [rule for rule in every if rule.concerns(token)]
        return self._concerned[token]

    def Analyze(self, request: AnalyzeRequest, _context: grpc.ServicerContext) -> AnalyzeResponse:  # noqa: N802  # gRPC's name
        """Judge one resource."""
        answer = AnalyzeResponse()
        concerned = self._concern(request.type)
        if concerned:
            subject = self._resource(request)
            for rule in concerned:
                self._ask(rule, _alone(subject, self._get_policy_config(rule.name)), answer)
        return answer

    def AnalyzeStack(self, request: AnalyzeStackRequest, _context: grpc.ServicerContext) -> AnalyzeResponse:  # noqa: N802  # gRPC's name
        """Judge all resources together, each rule on those that it looks at."""
        answer = AnalyzeResponse()
        resources = [self._resource(each) for each in request.resources]
        by_urn = {each.urn: each for each in resources}
        for each, decoded in zip(request.resources, resources, strict=True):
            for name, used in each.propertyDependencies.items():
                decoded.property_dependencies[name] = [by_urn[urn] for urn in used.urns if urn in by_urn]
        for rule in self._rules.values():
            if isinstance(rule, StackRule):
                seen = [resource for resource in resources if rule.sees(resource.resource_type)]
                self._ask(rule, StackValidationArgs(seen, self._get_policy_config(rule.name), {}), answer)
        return answer

    def Remediate(self, request: AnalyzeRequest, context: grpc.ServicerContext) -> RemediateResponse:  # noqa: N802  # gRPC's name
        """Put one resource right."""
        sdk: Any = super()
        repairable = any(rule.repair for rule in self._concern(request.type))
        answer: RemediateResponse = sdk.Remediate(request, context) if repairable else RemediateResponse()
        return answer

    def ConfigureStack(  # noqa: N802  # gRPC's name
        self, request: AnalyzerStackConfigureRequest, context: grpc.ServicerContext
    ) -> AnalyzerStackConfigureResponse:
        """Take note of the stack, which the environment of this process may not have told."""
        if request.stack and request.stack != self._here.environment:
            self._settle_in(replace(self._here, environment=request.stack))
        sdk: Any = super()
        answer: AnalyzerStackConfigureResponse = sdk.ConfigureStack(request, context)
        return answer

    def Configure(self, request: ConfigureAnalyzerRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802  # gRPC's name
        """Take over what the user configured, or refuse it."""
        levels = {name: _LEVELS[given.enforcementLevel] for name, given in request.policyConfig.items()}
        refused = weakened(list(self._rules.values()), levels, self._here.environment)
        if refused:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"the policy configuration weakens rules that hold in {self._here.environment}: {', '.join(refused)}. "
                "Leave their enforcementLevel out, or ask for an exemption in policies/exemptions.yaml.",
            )
        sdk: Any = super()
        answer: Empty = sdk.Configure(request, context)
        return answer

    def _resource(self, sent: AnalyzeRequest | AnalyzerResource) -> PolicyResource:
        """Decode a resource; it knows none of its relations yet."""
        props = unknown_checking_proxy(deserialize_properties(json_format.MessageToDict(sent.properties)))
        options, provider = self._get_resource_options(sent), self._get_provider_resource(sent)
        return PolicyResource(sent.type, props, sent.urn, sent.name, options, provider, None, [], {})

    def _ask(
        self, rule: BaseRule, about: ResourceValidationArgs | StackValidationArgs, answer: AnalyzeResponse
    ) -> None:
        """Add to the answer what a rule's policy says."""
        policy = self._policies[rule.name]
        level = self._get_enforcement_level(policy)
        if level == EnforcementLevel.DISABLED:
            return
        if level == EnforcementLevel.REMEDIATE:
            # What it still finds, it could not put right.
            level = EnforcementLevel.MANDATORY
        report = self._create_report_violation(answer, policy.name, policy.description, level, policy.severity)
        try:
            policy.validate(about, report)
        except UnknownValueError as error:
            which = f"policy '{policy.name}' from policy pack '{self._name}'"
            answer.diagnostics.append(
                AnalyzeDiagnostic(
                    policyName=policy.name,
                    policyPackName=self._name,
                    policyPackVersion=_VERSION,
                    message=f"can't run {which} during preview: {error.message}",
                    description=policy.description,
                    enforcementLevel=analyzer_pb2.ADVISORY,
                )
            )


def _alone(subject: PolicyResource, settings: Mapping[str, Any] | None) -> ResourceValidationArgs:
    return ResourceValidationArgs(
        subject.resource_type, subject.props, subject.urn, subject.name, subject.opts, subject.provider, settings, {}
    )


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
