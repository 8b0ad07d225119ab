"""A GitLab runner: made in GitLab, and run as a package on a machine, as a container on one, or in a cluster.

GitLab hands out the token once, to whoever makes the runner; registration tokens are gone. It stays a secret all the
way: in the state, in the outputs, on the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.gitlab.runner_config import (
    CONFIG_FILE,
    RunnerConfig,
    cloud_init,
    config_toml,
    kubernetes_toml,
    systemd_unit,
)
from components.gitlab.runner_spec import DockerRunSpec, KubernetesRunSpec, PackageRunSpec, RunnerSpec
from components.invariants import app_project_is_exact, require
from components.labels import object_labels
from components.vocabulary import IN_CLUSTER, POD_SECURITY_PREFIX, PodSecurity

__all__ = ["ClusterArgs", "GitLabRunner", "GitLabRunnerArgs"]

_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Where in a cluster a runner goes."""

    environment: str
    owner: str
    """The team that answers for it."""
    argocd_namespace: str
    server: str = IN_CLUSTER
    """The cluster, as Argo CD names it."""


@dataclass(frozen=True, kw_only=True)
class GitLabRunnerArgs:
    """The runner's data, and where it belongs and runs."""

    spec: RunnerSpec
    gitlab_url: str
    """GitLab's address as the runner reaches it, without the path of its API."""
    group_id: pulumi.Input[str] | None = None
    """The group whose jobs it takes; None for a runner of a project or of the instance."""
    project_id: pulumi.Input[str] | None = None
    """The project whose jobs it takes."""
    cluster: ClusterArgs | None = None
    """Needed to run in a cluster."""


class GitLabRunner(pulumi.ComponentResource):
    """A runner in GitLab, and what makes it run."""

    runner_id: pulumi.Output[str]
    """The runner's number, as text."""
    token: pulumi.Output[str]
    """Its authentication token, a secret."""
    files: pulumi.Output[Mapping[str, str]]
    """What a machine needs, as a secret: ``configToml``, ``systemdUnit``, ``cloudInit``; empty for the other ways."""

    def __init__(self, name: str, args: GitLabRunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:gitlab:Runner", name, None, opts)
        self._prefix = name
        self._args = args
        self._spec = args.spec
        self._child = pulumi.ResourceOptions(parent=self)

        runner = self._create_runner()
        self.runner_id = runner.id
        self.token = pulumi.Output.secret(runner.token)
        files: pulumi.Output[Mapping[str, str]] = pulumi.Output.secret({})
        if self._spec.package:
            files = self._render_package(self._spec.package)
        elif self._spec.docker:
            self._create_container(self._spec.docker)
        elif self._spec.kubernetes:
            self._create_release(self._spec.kubernetes)

        self.files = files
        self.register_outputs({"runnerId": self.runner_id, "token": self.token, "files": self.files})

    def _create_runner(self) -> gitlab.UserRunner:
        args, spec = self._args, self._spec
        kind = "instance_type" if spec.instance else "project_type" if args.project_id else "group_type"
        return gitlab.UserRunner(
            f"{self._prefix}-runner",
            runner_type=kind,
            group_id=_number(args.group_id),
            project_id=_number(args.project_id),
            description=spec.description,
            tag_lists=list(spec.tags),
            untagged=spec.untagged,
            locked=spec.locked,
            paused=spec.paused,
            access_level="ref_protected" if spec.protected else "not_protected",
            maximum_timeout=spec.timeout_minutes * 60,
            opts=self._child,
        )

    def _settings(self, run: PackageRunSpec | DockerRunSpec, executor: str, token: str) -> str:
        return config_toml(
            RunnerConfig(
                name=self._prefix,
                url=self._args.gitlab_url,
                token=token,
                executor=executor,
                image=run.image,
                privileged=run.privileged,
                concurrent=run.concurrent,
                socket=_SOCKET if executor == "docker" else None,
            )
        )

    def _render_package(self, run: PackageRunSpec) -> pulumi.Output[Mapping[str, str]]:
        def render(token: str) -> Mapping[str, str]:
            config, unit = self._settings(run, run.executor, token), systemd_unit(self._prefix)
            machine = cloud_init(
                config=config,
                unit=unit,
                docker=run.executor == "docker",
                package_source=run.package_source,
                package_key=run.package_key,
            )
            return {"configToml": config, "systemdUnit": unit, "cloudInit": machine}

        return self.token.apply(render)

    def _create_container(self, run: DockerRunSpec) -> None:
        # Half a second of import time, for a way to run that few stacks use.
        import pulumi_docker as docker

        image = docker.RemoteImage(f"{self._prefix}-image", name=run.runner_image, keep_locally=True, opts=self._child)
        docker.Container(
            f"{self._prefix}-container",
            name=f"gitlab-runner-{self._prefix}",
            image=image.image_id,
            restart="unless-stopped",
            # It ends its jobs before it stops.
            stop_signal="SIGQUIT",
            destroy_grace_seconds=600,
            uploads=[
                docker.ContainerUploadArgs(
                    file=CONFIG_FILE,
                    content=self.token.apply(lambda token: self._settings(run, "docker", token)),
                    permissions="0600",
                )
            ],
            volumes=[docker.ContainerVolumeArgs(host_path=_SOCKET, container_path=_SOCKET)],
            opts=self._child,
        )

    def _create_release(self, run: KubernetesRunSpec) -> None:
        cluster = self._args.cluster
        if cluster is None:
            raise ValueError(f"runner {self._prefix} runs in a cluster, so its args need cluster")
        secret = self._create_secret(run, cluster)
        project = f"gitlab-runner-{self._prefix}"
        destination = {"server": cluster.server, "namespace": run.namespace}
        require(app_project_is_exact(f"AppProject {project}", [run.chart.repository], [destination]))
        allowed = CustomResource(
            f"{self._prefix}-project",
            api_version="argoproj.io/v1alpha1",
            kind="AppProject",
            metadata=self._metadata(project, cluster, cluster.argocd_namespace),
            spec={
                "description": f"The GitLab runner {self._prefix}.",
                "sourceRepos": [run.chart.repository],
                "destinations": [destination],
                "clusterResourceWhitelist": [],
            },
            opts=self._child,
        )
        CustomResource(
            f"{self._prefix}-application",
            api_version="argoproj.io/v1alpha1",
            kind="Application",
            metadata=self._metadata(project, cluster, cluster.argocd_namespace),
            spec={
                "project": allowed.id.apply(lambda _: project),
                "source": {
                    "repoURL": run.chart.repository,
                    "chart": run.chart.name,
                    "targetRevision": run.chart.version,
                    "helm": {"valuesObject": self._values(run, secret)},
                },
                "destination": destination,
                "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
            },
            opts=self._child,
        )

    def _create_secret(self, run: KubernetesRunSpec, cluster: ClusterArgs) -> pulumi.Output[str]:
        labels = {**self._labels(cluster), f"{POD_SECURITY_PREFIX}/enforce": PodSecurity.BASELINE}
        namespace = core.Namespace(
            f"{self._prefix}-namespace",
            metadata=meta.ObjectMetaArgs(name=run.namespace, labels=labels),
            opts=self._child,
        )
        secret = core.Secret(
            f"{self._prefix}-token",
            metadata=self._metadata(f"gitlab-runner-{self._prefix}", cluster, namespace.metadata["name"]),
            # The chart wants both keys, the one of the retired registration tokens empty.
            string_data={"runner-token": self.token, "runner-registration-token": ""},
            opts=self._child,
        )
        return secret.metadata["name"]

    def _values(self, run: KubernetesRunSpec, secret: pulumi.Input[str]) -> dict[str, pulumi.Input[object]]:
        return {
            "gitlabUrl": self._args.gitlab_url,
            "concurrent": run.concurrent,
            "rbac": {"create": True},
            "serviceAccount": {"create": True},
            "runners": {
                "secret": secret,
                "executor": "kubernetes",
                "config": kubernetes_toml(
                    namespace=run.namespace,
                    image=run.image,
                    cpu_limit=run.cpu_limit,
                    memory_limit=run.memory_limit,
                ),
            },
        }

    def _labels(self, cluster: ClusterArgs) -> dict[str, str]:
        return object_labels(
            name=self._prefix, component="runner", environment=cluster.environment, owner=cluster.owner
        )

    def _metadata(self, name: str, cluster: ClusterArgs, namespace: pulumi.Input[str]) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(name=name, namespace=namespace, labels=self._labels(cluster))


def _number(id_: pulumi.Input[str] | None) -> pulumi.Output[int] | None:
    return None if id_ is None else pulumi.Output.from_input(id_).apply(int)
