"""Which rules look at a type."""

from __future__ import annotations

from policies.watching import watching


def test_rules_over_resources_and_over_stacks_are_named_with_their_level() -> None:
    found = {each["name"]: each for each in watching("dev", "kubernetes:core/v1:ResourceQuota")}
    assert found["kubernetes-resourcequota-complete"]["level"] == "mandatory"
    assert found["kubernetes-resourcequota-complete"]["rule"].startswith("A quota limits processors")
    assert "stack-namespace-quota" in found
    assert not any(name.startswith("gitlab-") for name in found)


def test_the_level_is_the_stacks() -> None:
    levels = {
        stack: {each["name"]: each["level"] for each in watching(stack, "gitlab:index/project:Project")}
        for stack in ("dev", "prod")
    }
    assert levels["dev"].keys() == levels["prod"].keys()
    assert levels["dev"] != levels["prod"]
