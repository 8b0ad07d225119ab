"""What git says about a container image that a stack builds and pushes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, model_validator

from components.invariants import Violation
from components.invariants.violation import invariant
from components.invariants.wording import is_secret_name
from components.invariants.workloads import image_has_a_version
from components.naming import is_registry_place
from components.spec import Refused, RelativePath, Slug, Spec, Text, VariableKey, refusal, refuse_all, ruled

__all__ = [
    "BASE_ARGUMENT",
    "MIRROR_ARGUMENT",
    "ContainerImageSpec",
    "ImageRegistrySpec",
    "ImagesSpec",
    "foreign_bases",
    "image_violations",
]

MIRROR_ARGUMENT: Final = "IMAGE_MIRROR"
"""The build argument that a Dockerfile puts before the names of its base images, as the pipeline template has it."""
BASE_ARGUMENT: Final = "BASE_IMAGE"
"""The build argument with the complete name of the base image, mirror included."""

_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HOST: Final = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"
_PATH: Final = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
_MIRROR: Final = re.compile(rf"{_HOST}(/{_PATH})*/")
_STAGE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_FROM: Final = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE | re.MULTILINE)

Tag = Annotated[
    str,
    ruled(
        lambda value: _TAG.fullmatch(value) is not None and not list(image_has_a_version.find(f"image:{value}")),
        "a tag that means one image for ever; 'latest', 'stable' and names of branches move",
        "use a version such as '1.4.0'",
    ),
]
Base = Annotated[
    str,
    ruled(
        lambda value: not any(map(str.isspace, value)) and not list(image_has_a_version.find(value)),
        "an image with a version's tag or a digest, without white space",
        "write an image such as 'debian:12.7-slim', or one with '@sha256:...'",
    ),
]
Mirror = Annotated[
    str,
    ruled(
        lambda value: _MIRROR.fullmatch(value) is not None,
        "a registry's host and possibly a path, ending in '/', without scheme",
        "use a prefix such as 'registry.example.org/mirror/'",
    ),
]
Repository = Annotated[
    str,
    ruled(
        is_registry_place,
        "a registry's host with a '.' or a port in it and possibly a path, without scheme, user and tag",
        "use a place such as 'registry.example.org/bighpc'",
    ),
]
Stage = Annotated[
    str,
    ruled(
        lambda value: _STAGE.fullmatch(value) is not None,
        "the name of a stage of the Dockerfile: a letter, then letters, digits, '_', '.' and '-'",
        "use the name after AS, such as 'runtime'",
    ),
]


class ContainerImageSpec(Spec):
    """An image: what it is built of, and the tag that it gets."""

    context: RelativePath
    """The directory that the build sees, in this repository."""
    dockerfile: RelativePath = "Dockerfile"
    """The Dockerfile, seen from ``context``."""
    tag: Tag
    args: dict[VariableKey, Text] = Field(default_factory=dict)
    """Build arguments; everybody who has the image can read them."""
    target: Stage | None = None
    """The stage to build; by default the last."""
    platform: Literal["linux/amd64", "linux/arm64"] = "linux/amd64"
    base: Base | None = None
    """The base image, which the Dockerfile gets as the build argument ``BASE_IMAGE``, mirror included."""

    @model_validator(mode="after")
    def _arguments_are_its_own(self) -> ContainerImageSpec:
        refuse_all("ContainerImageSpec", self._foreign_arguments())
        return self

    def _foreign_arguments(self) -> Iterator[Refused]:
        # The values are not shown: one of them may be a secret.
        for name in self.args:
            if name in {MIRROR_ARGUMENT, BASE_ARGUMENT}:
                error = refusal(f"{name} is set from images.mirror and base", f"remove {name} from args")
                yield ("args", name), name, error
            elif is_secret_name(name):
                rule = f"a build argument is no secret: whoever has the image reads it; {name} sounds like one"
                remedy = "let the Dockerfile fetch what it needs without it, or build in a pipeline"
                yield ("args", name), name, refusal(rule, remedy)

    def build_arguments(self, mirror: str | None) -> dict[str, str]:
        """Return all build arguments, those about the mirror included."""
        prefix = mirror or ""
        base = {BASE_ARGUMENT: f"{prefix}{self.base}"} if self.base else {}
        return {**self.args, MIRROR_ARGUMENT: prefix, **base}


class ImageRegistrySpec(Spec):
    """Where images are pushed to, and as whom."""

    repository: Repository
    """Registry and path, below which each image has its name."""
    username: Text
    password: SecretStr = Field(min_length=1)

    @property
    def server(self) -> str:
        """The registry's host."""
        return self.repository.partition("/")[0]


class ImagesSpec(Spec):
    """The images that a stack builds, by name."""

    registry: ImageRegistrySpec
    mirror: Mirror | None = None
    """Put before every base image's name, as of an air-gapped site."""
    build: dict[Slug, ContainerImageSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _are_not_built_of_themselves(self) -> ImagesSpec:
        names = {f"{self.registry.repository}/{name}": name for name in self.build}
        bases = {name: names.get(_without_tag(f"{self.mirror or ''}{spec.base}")) for name, spec in self.build.items()}
        refuse_all(
            "ImagesSpec",
            (
                (
                    ("build", name, "base"),
                    self.build[name].base,
                    refusal(
                        f"an image is not built of itself; here: {' is built of '.join((name, *below))}",
                        "use another base image for one of them",
                    ),
                )
                for name in bases
                if (below := _below(name, bases))[-1:] == [name]
            ),
        )
        return self


def _without_tag(image: str) -> str:
    image = image.partition("@")[0]
    path, colon, tag = image.rpartition(":")
    return path if colon and "/" not in tag else image


def _below(name: str, bases: Mapping[str, str | None]) -> list[str]:
    """Return what an image is built of, from one to the next, until there is no other one or it begins anew."""
    found: list[str] = []
    here = bases[name]
    while here is not None and here not in found:
        found.append(here)
        here = bases[here]
    return found


@invariant(
    "Base images come from the site's mirror.",
    f"Write FROM ${{{MIRROR_ARGUMENT}}}<image> or FROM ${{{BASE_ARGUMENT}}}, with an ARG of that name before it.",
)
def _bases_are_mirrored(text: str) -> Iterator[str]:
    yield from (f"it is built on {each}" for each in foreign_bases(text))


def foreign_bases(text: str) -> list[str]:
    """Return the base images of a Dockerfile that no mirror setting reaches."""
    stages, foreign = {"scratch"}, []
    for base, stage in _FROM.findall(text):
        if base.lower() not in stages and not re.match(rf"\$\{{?({MIRROR_ARGUMENT}|{BASE_ARGUMENT})\b", base):
            foreign.append(base)
        stages.add(stage.lower())
    return foreign


def image_violations(name: str, dockerfile: str) -> list[Violation]:
    """Return what is wrong with an image's Dockerfile at a site with a mirror."""
    return _bases_are_mirrored(f"Image {name}", dockerfile)
