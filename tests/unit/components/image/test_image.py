from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_docker
import pytest

from components.image.image import ContainerImage, ContainerImageArgs
from components.image.image_spec import ContainerImageSpec, ImageRegistrySpec, foreign_bases
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

REGISTRY = ImageRegistrySpec.model_validate(
    {"repository": "registry.example.org/bighpc", "username": "pusher", "password": "s3cret-canary"}
)
DIGEST = f"sha256:{'a' * 64}"
SPEC = {"context": "images/tools", "tag": "1.4.0", "base": "debian:12.7-slim", "args": {"FLAVOUR": "small"}}


def image(spec: dict[str, Any], mirror: str | None = None) -> ContainerImageArgs:
    return ContainerImageArgs(spec=ContainerImageSpec.model_validate(spec), registry=REGISTRY, mirror=mirror)


def test_an_image_is_built_of_its_context_and_pushed_with_its_tag(build: Build) -> None:
    done = build(lambda: ContainerImage("tools", image(SPEC)))
    inputs = done.named("tools-image").inputs
    assert inputs["imageName"] == "registry.example.org/bighpc/tools:1.4.0"
    assert inputs["build"]["context"] == "images/tools"
    assert inputs["build"]["dockerfile"] == "images/tools/Dockerfile"
    assert inputs["build"]["platform"] == "linux/amd64"
    assert inputs["skipPush"] is False
    assert inputs["buildOnPreview"] is False, "a preview asks no daemon"


@pytest.mark.parametrize(
    ("mirror", "base"),
    [(None, "debian:12.7-slim"), ("mirror.example.org/hub/", "mirror.example.org/hub/debian:12.7-slim")],
)
def test_the_mirror_stands_before_the_base_image(build: Build, mirror: str | None, base: str) -> None:
    done = build(lambda: ContainerImage("tools", image(SPEC, mirror)))
    arguments = done.named("tools-image").inputs["build"]["args"]
    assert arguments == {"FLAVOUR": "small", "IMAGE_MIRROR": mirror or "", "BASE_IMAGE": base}


def test_the_registrys_password_stays_a_secret(build: Build) -> None:
    done = build(lambda: ContainerImage("tools", image(SPEC)))
    registry = done.named("tools-image").inputs["registry"]
    # The recorder shows a secret inside of a value as the engine's envelope around it.
    assert registry["value"] == {"server": "registry.example.org", "username": "pusher", "password": "s3cret-canary"}


def test_the_outputs_name_what_was_pushed_by_its_digest(build: Build) -> None:
    seen: list[list[str]] = []

    def declare() -> object:
        made = ContainerImage("tools", image(SPEC))
        return pulumi.Output.all(made.repository, made.tag, made.digest, made.reference).apply(seen.append)

    build(declare)
    repository = "registry.example.org/bighpc/tools"
    assert seen == [[repository, "1.4.0", DIGEST, f"{repository}@{DIGEST}"]]


def test_what_is_sent_is_known_to_the_providers_sdk(build: Build) -> None:
    done = build(lambda: ContainerImage("tools", image({**SPEC, "target": "runtime"})))
    inputs = done.named("tools-image").inputs
    known = {"imageName", "build", "registry", "skipPush", "buildOnPreview"}
    assert inputs.keys() == known
    for name, part in (("build", pulumi_docker.DockerBuildArgs), ("registry", pulumi_docker.RegistryArgs)):
        properties = {each for each in vars(part) if not each.startswith("_")}
        assert inputs[name].get("value", inputs[name]).keys() <= properties, name


@pytest.mark.parametrize(
    ("dockerfile", "foreign"),
    [
        ("FROM debian:12", ["debian:12"]),
        ("ARG IMAGE_MIRROR\nFROM ${IMAGE_MIRROR}debian:12", []),
        ("ARG BASE_IMAGE\nfrom $BASE_IMAGE as build\nFROM --platform=linux/amd64 build", []),
        ("FROM scratch", []),
        ("FROM ${IMAGE_MIRROR}a:1 AS one\nFROM quay.io/b:2 AS two\nFROM one", ["quay.io/b:2"]),
        ("FROM ${IMAGE_MIRRORED}a:1", ["${IMAGE_MIRRORED}a:1"]),
    ],
)
def test_base_images_that_no_mirror_reaches_are_found(dockerfile: str, foreign: list[str]) -> None:
    assert foreign_bases(dockerfile) == foreign
