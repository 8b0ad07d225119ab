"""A container image, built by a Docker daemon and pushed to a registry; its users take it by digest.

Where no daemon is, pipelines build images without one, see ``docs/images.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.image.image_spec import ContainerImageSpec, ImageRegistrySpec

__all__ = ["ContainerImage", "ContainerImageArgs"]


@dataclass(frozen=True, kw_only=True)
class ContainerImageArgs:
    """The image's data, and where it goes."""

    spec: ContainerImageSpec
    registry: ImageRegistrySpec
    mirror: str | None = None
    """What is put before base images' names."""


class ContainerImage(pulumi.ComponentResource):
    """An image in a registry, named after the component."""

    repository: pulumi.Output[str]
    """Registry and path, without tag."""
    tag: pulumi.Output[str]
    """The tag that it was pushed with; for people."""
    digest: pulumi.Output[str]
    """``sha256:`` and 64 digits; known once it is pushed."""
    reference: pulumi.Output[str]
    """``repository@digest``: what pods use."""

    def __init__(self, name: str, args: ContainerImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:image:ContainerImage", name, None, opts)
        # Half a second of import time, for what few stacks do.
        import pulumi_docker as docker

        spec, registry = args.spec, args.registry
        repository = f"{registry.repository}/{name}"
        image = docker.Image(
            f"{name}-image",
            image_name=f"{repository}:{spec.tag}",
            build=docker.DockerBuildArgs(
                context=spec.context,
                dockerfile=f"{spec.context}/{spec.dockerfile}",
                args=spec.build_arguments(args.mirror),
                target=spec.target,
                platform=spec.platform,
            ),
            registry=docker.RegistryArgs(
                server=registry.server,
                username=registry.username,
                password=pulumi.Output.secret(registry.password.get_secret_value()),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.repository = pulumi.Output.from_input(repository)
        # Taken from what was pushed: known only once it is there.
        self.tag = image.image_name.apply(lambda pushed: pushed.rpartition(":")[2])
        self.digest = image.repo_digest.apply(lambda pushed: pushed.rpartition("@")[2])
        self.reference = self.digest.apply(lambda digest: f"{repository}@{digest}")
        self.register_outputs(
            {
                "repository": self.repository,
                "tag": self.tag,
                "digest": self.digest,
                "reference": self.reference,
            }
        )
