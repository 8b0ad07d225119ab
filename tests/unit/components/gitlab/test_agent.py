from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml
from pydantic import ValidationError

from components.gitlab.agent import GitLabAgent, GitLabAgentArgs
from components.gitlab.agent_spec import AccessSpec, AgentSpec, UserAccessSpec, config_yaml
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

SPEC = AgentSpec(
    name="dev",
    ci_access=(
        AccessSpec(project="platform", default_namespace="bighpc-dev", environments=("dev",)),
        AccessSpec(group="components", protected_branches_only=False),
    ),
    user_access=UserAccessSpec(projects=("platform",)),
)


def test_the_file_names_everybody_in_full_and_gives_no_more_than_the_agents_rights() -> None:
    assert yaml.safe_load(config_yaml(SPEC, "bighpc")) == {
        "ci_access": {
            "projects": [
                {
                    "id": "bighpc/platform",
                    "default_namespace": "bighpc-dev",
                    "environments": ["dev"],
                    "protected_branches_only": True,
                }
            ],
            "groups": [{"id": "bighpc/components"}],
        },
        "user_access": {"access_as": {"agent": {}}, "projects": [{"id": "bighpc/platform"}]},
    }


def test_an_agent_that_nobody_may_use_has_an_empty_file() -> None:
    assert yaml.safe_load(config_yaml(AgentSpec(name="dev"), "bighpc")) == {}


def test_an_agent_is_registered_with_a_token_and_its_file(build: Build) -> None:
    args = GitLabAgentArgs(spec=SPEC, project_id="7", branch="main", group_path="bighpc")
    done = build(lambda: GitLabAgent("agent", args))
    agent = [resource.name for resource in done.resources].index("agent-agent") + 1
    assert done.named("agent-agent").inputs == {"project": "7", "name": "dev"}
    assert done.named("agent-token").inputs["agentId"] == agent
    file = done.named("agent-configuration").inputs
    assert (file["filePath"], file["branch"]) == (".gitlab/agents/dev/config.yaml", "main")
    assert file["content"] == config_yaml(SPEC, "bighpc")


@pytest.mark.parametrize("place", [{}, {"project": "platform", "group": "components"}])
def test_access_is_given_to_one_place(place: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="to a project or to a group"):
        AccessSpec.model_validate(place)
