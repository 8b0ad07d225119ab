"""The place in a cluster where an environment's applications run, and the limits that they live in.

It does not make the cluster, and it grants nobody anything: rights belong to whoever deploys.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.networking.v1 as networking
from pydantic import Field, model_validator

from components.invariants import Violation, namespace_enforces_pod_security, require
from components.kubernetes.enclosure import Enclosure, pod_security_labels
from components.kubernetes.hardware_spec import HardwareProfileSpec, ProfileName, nodes_told_apart
from components.kubernetes.quotas import QuotaSpec, quotas
from components.spec import DnsLabel, Quantity, Spec, quantity_value, refusal, refuse_all
from components.vocabulary import EXPOSED_LABEL, WORKLOAD_ACCOUNT, PodSecurity

__all__ = ["QuotaSpec", "ResourcesSpec", "Testbed", "TestbedArgs", "TestbedSpec", "testbed_violations"]


class ResourcesSpec(Spec):
    """What a container gets when it does not say."""

    request_cpu: Quantity = "50m"
    request_memory: Quantity = "64Mi"
    limit_cpu: Quantity = "500m"
    limit_memory: Quantity = "256Mi"

    @model_validator(mode="after")
    def _requests_fit_limits(self) -> ResourcesSpec:
        pairs = (("Cpu", self.request_cpu, self.limit_cpu), ("Memory", self.request_memory, self.limit_memory))
        refuse_all(
            "ResourcesSpec",
            (
                (
                    (f"request{what}",),
                    request,
                    refusal(
                        f"a request is at most its limit; request{what} {request} is more than limit{what} {limit}",
                        f"lower request{what} or raise limit{what}",
                    ),
                )
                for what, request, limit in pairs
                if quantity_value(request) > quantity_value(limit)
            ),
        )
        return self


class TestbedSpec(Spec):
    """What git says about a testbed."""

    __test__ = False  # pytest takes every class called Test... for a test

    owner: DnsLabel = "platform"
    pod_security: PodSecurity = PodSecurity.RESTRICTED
    quota: QuotaSpec = QuotaSpec()
    """Of what runs on no hardware profile, such as applications."""
    container: ResourcesSpec = ResourcesSpec()
    hardware: dict[ProfileName, HardwareProfileSpec] = Field(default_factory=dict)
    """The kinds of nodes that its workloads may ask for, with all that they have."""

    @model_validator(mode="after")
    def _one_container_fits_the_quota(self) -> TestbedSpec:
        pairs = (
            ("cpu", self.container.limit_cpu, self.quota.cpu),
            ("memory", self.container.limit_memory, self.quota.memory),
        )
        refuse_all(
            "TestbedSpec",
            (
                (
                    ("quota", what),
                    quota,
                    refusal(
                        f"one container with the default limit fits the quota; "
                        f"{what} {limit} exceeds the quota of {quota}",
                        f"raise quota.{what} or lower container.limit{what.capitalize()}",
                    ),
                )
                for what, limit, quota in pairs
                if quantity_value(limit) > quantity_value(quota)
            ),
        )
        return self

    @model_validator(mode="after")
    def _profiles_are_told_apart(self) -> TestbedSpec:
        refuse_all(
            "TestbedSpec",
            ((("hardware", *place), selector, error) for place, selector, error in nodes_told_apart(self.hardware)),
        )
        return self


def testbed_violations(spec: TestbedSpec, namespace: str) -> list[Violation]:
    """Return what in a testbed's data must never be deployed."""
    return namespace_enforces_pod_security(f"Namespace {namespace}", pod_security_labels(spec.pod_security))


@dataclass(frozen=True, kw_only=True)
class TestbedArgs:
    """The testbed's data and the environment that it serves."""

    __test__ = False

    spec: TestbedSpec
    environment: str
    namespace: str


class Testbed(pulumi.ComponentResource):
    """A namespace with its Pod Security level, quota, limits, network policies and service account."""

    __test__ = False

    namespace: pulumi.Output[str]
    """The namespace's name; known once the namespace, its quota and its limits are there."""

    def __init__(self, name: str, args: TestbedArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:testbed:Testbed", name, None, opts)
        self._prefix = name
        self._args = args
        self._spec = args.spec
        self._child = pulumi.ResourceOptions(parent=self)

        require(testbed_violations(args.spec, args.namespace))

        self._enclosure = Enclosure(
            prefix=name,
            namespace=args.namespace,
            component="testbed",
            environment=args.environment,
            owner=args.spec.owner,
            options=self._child,
            pod_security=args.spec.pod_security,
        )
        self._namespace = self._enclosure.create_namespace()
        quotas_made = self._create_quotas()
        limits = self._create_limits()
        self._open()
        account = self._create_service_account()

        # A preview knows names, and knows no ids of what is not there yet.
        parts = [
            self._namespace.metadata.name,
            *(quota.metadata.name for quota in quotas_made),
            limits.metadata.name,
            account.metadata.name,
        ]
        self.namespace = pulumi.Output.all(*parts).apply(lambda made: str(made[0]))
        self.register_outputs({"namespace": self.namespace})

    def _create_quotas(self) -> list[core.ResourceQuota]:
        return [
            core.ResourceQuota(
                f"{self._prefix}-{name}",
                metadata=self._enclosure.metadata(name, self._namespace),
                spec=content,
                opts=self._child,
            )
            for name, content in quotas(self._spec.quota, self._spec.hardware, self._args.environment).items()
        ]

    def _create_limits(self) -> core.LimitRange:
        container = self._spec.container
        return self._enclosure.create_limits(
            self._namespace,
            request={"cpu": container.request_cpu, "memory": container.request_memory},
            limit={"cpu": container.limit_cpu, "memory": container.limit_memory},
        )

    def _open(self) -> None:
        self._enclosure.allow(self._namespace, "default-deny")
        self._enclosure.allow_neighbours(self._namespace)
        # A rule without a sender admits every sender.
        everybody = networking.NetworkPolicyIngressRuleArgs()
        self._enclosure.allow(self._namespace, "allow-exposed", selector={EXPOSED_LABEL: "true"}, ingress=[everybody])

    def _create_service_account(self) -> core.ServiceAccount:
        return core.ServiceAccount(
            f"{self._prefix}-{WORKLOAD_ACCOUNT}",
            metadata=self._enclosure.metadata(WORKLOAD_ACCOUNT, self._namespace),
            automount_service_account_token=False,
            opts=self._child,
        )
