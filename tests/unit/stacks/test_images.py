from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.image.image_spec import ImagesSpec
from stacks.images import check_images
from stacks.problems import Collector
from stacks.settings import parse_stack
from tests.unit.stacks.refusals import changed, refused

GOOD: dict[str, Any] = {
    "registry": {"repository": "registry.example.org/bighpc", "username": "pusher", "password": "s3cret"},
    "mirror": "mirror.example.org/hub/",
    "build": {"tools": {"context": "images/tools", "tag": "1.4.0", "base": "debian:12.7-slim"}},
}
TOOLS = "build/tools"


def images(data: dict[str, Any] = GOOD) -> ImagesSpec:
    found = parse_stack({"images": data}, "test").images
    assert found is not None
    return found


def test_a_stack_without_the_setting_builds_nothing() -> None:
    assert parse_stack({}, "test").images is None


@pytest.mark.parametrize(
    ("path", "wrong", "value", "rule", "remedy"),
    [
        (f"{TOOLS}/tag", "latest", '"latest"', "'latest'", "1.4.0"),
        (f"{TOOLS}/tag", "main", '"main"', "one image for ever", "1.4.0"),
        (f"{TOOLS}/tag", "1.4 0", '"1.4 0"', "one image for ever", "1.4.0"),
        (f"{TOOLS}/tag", "", '""', "one image for ever", "1.4.0"),
        (f"{TOOLS}/tag", 1.4, "1.4", "a text", "quote a text"),
        (f"{TOOLS}/tag", ..., "nothing is set", "tag is required", "add tag"),
        (f"{TOOLS}/context", "../elsewhere", "../elsewhere", "inside the repository", "applications/hello"),
        (f"{TOOLS}/context", "/srv/images", "/srv/images", "inside the repository", "applications/hello"),
        (f"{TOOLS}/dockerfile", "/etc/Dockerfile", "/etc/Dockerfile", "inside the repository", "use a path"),
        (f"{TOOLS}/base", "debian", '"debian"', "version's tag or a digest", "debian:12.7-slim"),
        (f"{TOOLS}/base", "debian:latest", "debian:latest", "version's tag or a digest", "debian:12.7-slim"),
        (f"{TOOLS}/platform", "windows/amd64", "windows/amd64", "linux/amd64", "write"),
        (f"{TOOLS}/platform", ["linux/amd64", "linux/arm64"], "linux/amd64", "linux/amd64", "write"),
        (f"{TOOLS}/target", "1 stage", "1 stage", "a stage of the Dockerfile", "runtime"),
        (f"{TOOLS}/args", {"a-b": "1"}, "a-b", "letters, digits and '_'", "REGISTRY_MIRROR"),
        (f"{TOOLS}/args", {"NPM_TOKEN": "x"}, "", "NPM_TOKEN sounds like one", "build in a pipeline"),
        (f"{TOOLS}/args", {"IMAGE_MIRROR": "x"}, "", "set from images.mirror", "remove IMAGE_MIRROR"),
        (f"{TOOLS}/push", True, "unknown key 'push'", "only known keys", "remove push"),
        ("build", {}, "{}", "at least 1 item", "change build"),
        ("build", {"Big Tools": GOOD["build"]["tools"]}, "Big Tools", "lower-case letters", "my-project"),
        ("mirror", "https://mirror.example.org/", "https://", "without scheme", "registry.example.org/mirror/"),
        ("mirror", "mirror.example.org", "mirror.example.org", "ending in '/'", "registry.example.org/mirror/"),
        ("registry/repository", "bighpc", '"bighpc"', "a registry's host", "registry.example.org/bighpc"),
        ("registry/repository", "https://r.example", "https://", "without scheme", "registry.example.org/bighpc"),
        ("registry/repository", "r.example/a:1", "r.example/a:1", "without scheme, user and tag", "use a place"),
        ("registry/password", "", "(secret)", "at least 1", "change password"),
        ("registry/username", " ", '" "', "not blank", "write a text"),
        ("registry", ..., "nothing is set", "registry is required", "add registry"),
    ],
)
def test_a_malformed_image_is_refused_with_value_rule_and_remedy(
    path: str, wrong: Any, value: str, rule: str, remedy: str
) -> None:
    problem = refused("images", changed(GOOD, path, wrong))
    assert problem.where.startswith("Pulumi.dev.yaml, images")
    assert value in problem.value
    assert rule in problem.rule
    assert remedy in problem.remedy
    assert "s3cret" not in str(problem)


def test_an_image_without_a_dockerfile_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    collector = Collector()
    check_images(images(), "Pulumi.dev.yaml", collector, tmp_path)
    (problem,) = collector.problems
    assert problem.where == "Pulumi.dev.yaml, images.build.tools.context"
    assert "add images/tools/Dockerfile" in problem.remedy


@pytest.mark.parametrize(
    ("mirror", "text", "found"),
    [
        ("mirror.example.org/", "FROM debian:12\n", ["Image tools: it is built on debian:12"]),
        ("mirror.example.org/", "ARG IMAGE_MIRROR\nFROM ${IMAGE_MIRROR}debian:12\n", []),
        (None, "FROM debian:12\n", []),
    ],
)
def test_at_a_site_with_a_mirror_a_dockerfile_uses_it(
    tmp_path: Path, mirror: str | None, text: str, found: list[str]
) -> None:
    context = tmp_path / "images/tools"
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text(text)
    collector = Collector()
    check_images(images({**GOOD, "mirror": mirror}), "Pulumi.dev.yaml", collector, tmp_path)
    assert [problem.value for problem in collector.problems] == found
