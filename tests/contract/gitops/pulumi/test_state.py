"""Reading the state."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import CommandError
from gitops.pulumi.state import read_state
from tests.contract.gitops.fake_engine import FakeEngine, resource
from tests.unit.gitops.review.events import SECRET

HOOK = "gitlab:index/projectHook:ProjectHook"


def test_resources_have_their_outputs_over_their_inputs_and_no_secret(engine: FakeEngine, tmp_path: Path) -> None:
    hook = {**resource(HOOK, "hook", "1:2", token=SECRET, url="out"), "inputs": {"url": "in", "name": "hook"}}
    engine.has("dev", hook)
    [recorded] = read_state(tmp_path, "dev").of(HOOK)
    assert recorded.id == "1:2"
    assert recorded.properties == {"url": "out", "name": "hook", "token": "[secret]"}
    assert "--show-secrets" not in engine.calls[0]


def test_a_stack_that_does_not_exist_has_nothing(engine: FakeEngine, tmp_path: Path) -> None:
    engine.says("stack-export", "dev", err="error: no stack named 'dev' found", code=6)
    assert read_state(tmp_path, "dev").resources == ()


def test_a_state_out_of_reach_is_an_error(engine: FakeEngine, tmp_path: Path) -> None:
    engine.says("stack-export", "dev", err="error: incorrect passphrase", code=255)
    with pytest.raises(CommandError, match="state of stack dev cannot be read: error: incorrect passphrase"):
        read_state(tmp_path, "dev")
