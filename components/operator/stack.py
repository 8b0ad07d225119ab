"""What runs an environment's stack when a commit is released: its ``Stack`` object, its rights and its credentials.

With ``install: helm`` the operator is installed first, from the chart; with ``install: external`` it is there already.
The commit is a field of whoever releases, see `components.operator.access`: the program never sets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
import pulumi_kubernetes.rbac.v1 as rbac
from pulumi_kubernetes.apiextensions import CustomResource

from components.chart_release import install_chart
from components.invariants import require
from components.invariants.delivery import stack_commit_is_released, stack_holds_no_secret, stack_tracks_its_environment
from components.kubernetes.rights import grant, policy_rules
from components.kubernetes.rule_spec import RBAC, RuleSpec
from components.labels import object_labels
from components.operator.access import (
    STACKS,
    Places,
    ServicePlace,
    cluster_rules,
    namespace_rules,
    release_rules,
    rights_violations,
)
from components.operator.guard import create_guard
from components.operator.stack_spec import (
    CHART,
    OperatorGeneration,
    OperatorSpec,
    git_auth,
    stack_document,
)
from components.vocabulary import AGENT_ACCOUNT, PRODUCT

__all__ = ["OperatorStack", "OperatorStackArgs"]


@dataclass(frozen=True, kw_only=True)
class OperatorStackArgs:
    """The operator's data, the environment that it serves and the repository that it reads."""

    spec: OperatorSpec
    environment: str
    branch: str
    owner: str
    namespace: pulumi.Input[str]
    """Where the environment's applications run; known once it is there."""
    namespace_name: str
    """Its name, which is known before."""
    agent_namespace: pulumi.Input[str] | None
    """Where the environment's GitLab agent is, which releases; known once it is there."""
    agent_namespace_name: str | None
    priority_classes: tuple[str, ...] = ()
    """The program's priority classes."""
    kueue: tuple[str, ...] = ()
    """The program's ResourceFlavors and its ClusterQueue."""
    argocd_namespace: str
    argocd_secrets: tuple[str, ...]
    """The program's secrets there."""
    argocd_settings: bool
    """Whether the program sets Argo CD's own settings."""
    services: tuple[ServicePlace, ...] = ()
    """The services that the stack has in namespaces of their own."""
    service_namespaces: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Those namespaces by name; known once they are there."""
    repository_id: pulumi.Input[str]
    """The platform repository's project, by number."""
    repository_url: pulumi.Input[str]
    """Where git finds it over HTTP."""


class OperatorStack(pulumi.ComponentResource):
    """The ``Stack`` object of this very stack, and what the operator needs to run it."""

    stack: pulumi.Output[str]
    """The ``Stack`` object's name; known once it is there."""

    def __init__(self, name: str, args: OperatorStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:operator:Stack", name, None, opts)
        self._prefix = name
        self._args = args
        self._object = f"{PRODUCT}-{args.environment}"
        self._account = args.spec.account_in(args.environment)
        self._repository_secret = f"{self._object}-repository"
        self._child = pulumi.ResourceOptions(parent=self)
        self._places = self._make_places()
        self._everywhere = cluster_rules(self._places)
        self._namespaced = namespace_rules(self._places, args.spec.rights)
        require(rights_violations(self._everywhere, self._namespaced))
        # Namespaces of this very stack: what goes into them waits until they are there.
        self._declared = {args.namespace_name: args.namespace, **args.service_namespaces}
        if args.agent_namespace is not None and args.agent_namespace_name is not None:
            self._declared[args.agent_namespace_name] = args.agent_namespace

        self._after = self._install()
        self._create_account()
        self._grant_run()
        self._grant_release()
        self._create_guard()
        credential = self._create_repository_credential()
        stack = self._create_stack(credential)

        self.stack = stack.id.apply(lambda _: self._object)
        self.register_outputs({"stack": self.stack})

    def _make_places(self) -> Places:
        args = self._args
        return Places(
            environment=args.environment,
            applications=args.namespace_name,
            operator=args.spec.namespace,
            argocd=args.argocd_namespace,
            argocd_secrets=args.argocd_secrets,
            argocd_settings=args.argocd_settings,
            stack=self._object,
            operator_secrets=(self._repository_secret,),
            agent=args.agent_namespace_name,
            priority_classes=args.priority_classes,
            kueue=args.kueue,
            services=args.services,
        )

    def _labels(self, part: str) -> dict[str, str]:
        return object_labels(
            name=part, component="operator", environment=self._args.environment, owner=self._args.owner
        )

    def _metadata(self, name: str, part: str, namespace: pulumi.Input[str]) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(name=name, namespace=namespace, labels=self._labels(part))

    def _install(self) -> pulumi.ResourceOptions:
        chart = self._args.spec.chart
        mirror = chart.image_registry if chart is not None else None
        return install_chart(
            self._prefix,
            CHART,
            chart,
            namespace=self._args.spec.namespace,
            values={"image": {"registry": mirror}} if mirror else {},
            options=self._child,
        )

    def _create_account(self) -> None:
        if self._args.spec.account is not None:
            return
        core.ServiceAccount(
            f"{self._prefix}-account",
            metadata=self._metadata(self._account, "operator-account", self._args.spec.namespace),
            automount_service_account_token=False,
            opts=self._after,
        )

    def _grant_run(self) -> None:
        subject = rbac.SubjectArgs(kind="ServiceAccount", name=self._account, namespace=self._args.spec.namespace)
        name = f"bighpc-operator-{self._args.environment}"
        role = rbac.ClusterRole(
            f"{self._prefix}-cluster-role",
            metadata=meta.ObjectMetaArgs(name=name, labels=self._labels("operator-rights")),
            rules=policy_rules(self._everywhere),
            opts=self._child,
        )
        self._bind_cluster_role(name, "cluster-binding", role.metadata.name, subject)
        if self._args.spec.generation is OperatorGeneration.V2:
            # The pod that runs the stack asks the API server who calls it.
            self._bind_cluster_role(f"{name}-callers", "callers-binding", "system:auth-delegator", subject)
        for namespace, rules in self._namespaced.items():
            self._grant(namespace, name, "operator-rights", rules, subject)

    def _grant_release(self) -> None:
        namespace = self._args.agent_namespace
        if namespace is not None:
            self._grant(
                self._args.spec.namespace,
                f"bighpc-release-{self._args.environment}",
                "release-rights",
                release_rules(self._places),
                rbac.SubjectArgs(kind="ServiceAccount", name=AGENT_ACCOUNT, namespace=namespace),
            )

    def _grant(
        self, namespace: str, name: str, part: str, rules: Sequence[RuleSpec], subject: rbac.SubjectArgs
    ) -> None:
        metadata = self._metadata(name, part, self._declared.get(namespace, namespace))
        role = f"{self._prefix}-{part}-{namespace}"
        grant(role, f"{role}-binding", metadata, rules, subject, self._after)

    def _bind_cluster_role(self, name: str, part: str, role: pulumi.Input[str], subject: rbac.SubjectArgs) -> None:
        rbac.ClusterRoleBinding(
            f"{self._prefix}-{part}",
            metadata=meta.ObjectMetaArgs(name=name, labels=self._labels("operator-rights")),
            role_ref=rbac.RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=role),
            subjects=[subject],
            opts=self._child,
        )

    def _create_guard(self) -> None:
        agent = self._args.agent_namespace_name
        if agent is not None:
            create_guard(
                self._prefix,
                meta.ObjectMetaArgs(
                    name=f"bighpc-release-{self._args.environment}", labels=self._labels("release-guard")
                ),
                stack=self._object,
                namespace=self._args.spec.namespace,
                account=f"system:serviceaccount:{agent}:{AGENT_ACCOUNT}",
                options=self._child,
            )

    def _create_repository_credential(self) -> core.Secret:
        args = self._args
        user = f"operator-{args.environment}"
        token = gitlab.ProjectDeployToken(
            f"{self._prefix}-reader",
            project=args.repository_id,
            name=user,
            username=user,
            scopes=["read_repository"],
            opts=self._child,
        )
        return core.Secret(
            f"{self._prefix}-repository",
            metadata=self._metadata(self._repository_secret, "platform-repository", args.spec.namespace),
            string_data={"username": user, "password": token.token},
            opts=self._after,
        )

    def _create_stack(self, credential: core.Secret) -> CustomResource:
        args = self._args
        document: dict[str, Any] = stack_document(
            args.spec,
            environment=args.environment,
            branch=args.branch,
            repository_url=args.repository_url,
            auth=git_auth(self._repository_secret),
        )
        subject = f"Stack {self._object}"
        require(
            stack_commit_is_released(subject, document),
            stack_tracks_its_environment(subject, document, args.branch),
            stack_holds_no_secret(subject, document["envRefs"]),
        )
        return CustomResource(
            f"{self._prefix}-stack",
            api_version=f"{STACKS}/v1",
            kind="Stack",
            metadata=self._metadata(self._object, "stack", args.spec.namespace),
            spec=document,
            opts=pulumi.ResourceOptions.merge(self._after, pulumi.ResourceOptions(depends_on=[credential])),
        )
