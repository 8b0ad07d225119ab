"""A pipeline template: files of this repository, published into a project that others include them from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_gitlab as gitlab

from components.gitlab.project_spec import TemplateSpec

__all__ = ["PipelineTemplate", "PipelineTemplateArgs"]


@dataclass(frozen=True, kw_only=True)
class PipelineTemplateArgs:
    """What is published, and into which project; its tags are protected there."""

    spec: TemplateSpec
    project_id: pulumi.Input[str]
    branch: str
    files: Mapping[str, str] = field(repr=False)
    """The files' contents, by path in the project."""


class PipelineTemplate(pulumi.ComponentResource):
    """The published files, and their place in GitLab's CI/CD catalogue."""

    paths: tuple[str, ...]
    """The files that are there."""

    def __init__(self, name: str, args: PipelineTemplateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:gitlab:PipelineTemplate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.paths = tuple(sorted(args.files))
        published = [
            gitlab.RepositoryFile(
                f"{name}-file-{path}",
                project=args.project_id,
                branch=args.branch,
                file_path=path,
                content=args.files[path],
                encoding="text",
                commit_message=f"chore(templates): publish {path}",
                # A project starts with a README of GitLab's.
                overwrite_on_create=True,
                opts=child,
            )
            for path in self.paths
        ]
        if args.spec.catalog:
            gitlab.ProjectCicdCatalog(
                f"{name}-catalog",
                project=args.project_id,
                enabled=True,
                # The catalogue takes a project only with a README and a template.
                opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=published)),
            )

        self.register_outputs({"paths": list(self.paths)})
