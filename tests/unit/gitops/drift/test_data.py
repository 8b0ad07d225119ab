"""Values in data files, changed in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.drift.data import edit_of, edited
from gitops.drift.finding import Cause, Finding
from gitops.pulumi.plan import PropertyChange

TEXT = """\
# Kept.
labels:
  bug: {color: "#d9534f", description: Something does not work.}
  "in progress":
    color: '#d9534f'   # the same
    priority: 3
    only_this: true
text: |
  color: none
"""


def finding(name: str, path: str, old: Any, new: Any) -> Finding:
    """A property that was changed by hand."""
    change = PropertyChange(path=path, kind="update", replaces=False, old=old, new=new)
    return Finding(cause=Cause.CHANGED, type="GroupLabel", name=name, urn="urn", properties=(change,))


@pytest.mark.parametrize(
    ("name", "path", "old", "new", "expected"),
    [
        ("forge-label-bug", "color", "#d9534f", "#000000", ('{color: "#d9534f"', '{color: "#000000"')),
        ("forge-label-in progress", "color", "#d9534f", "it's", ("'#d9534f' ", "'it''s' ")),
        ("forge-label-bug", "description", "Something does not work.", "a: b", ("Something does not work.", "'a: b'")),
        ("forge-label-in progress", "priority", 3, 4, ("priority: 3", "priority: 4")),
        ("forge-label-in progress", "priority", "3", "4", ("priority: 3", "priority: 4")),
        ("x", "spec.onlyThis", True, False, ("only_this: true", "only_this: false")),
    ],
)
def test_one_value_changes_and_everything_else_stays(
    tmp_path: Path, name: str, path: str, old: Any, new: Any, expected: tuple[str, str]
) -> None:
    (tmp_path / "group.yaml").write_text(TEXT)
    found = edit_of(tmp_path, ["group.yaml"], finding(name, path, old, new))
    assert not isinstance(found, str), found
    changed = edited(TEXT, found)
    assert changed == TEXT.replace(*expected)
    assert yaml.safe_load(changed)


@pytest.mark.parametrize(
    ("path", "old", "new", "why"),
    [
        ("color", "#d9534f", "#000000", 'color is "#d9534f" in 2 places of group.yaml'),
        ("color", "none", "x", 'color is "none" in none of group.yaml'),
        ("color", "#d9534f", None, "color is no single value"),
        ("color", "[secret]", "[secret]", "color is a secret"),
    ],
)
def test_what_is_not_certain_is_not_changed(tmp_path: Path, path: str, old: Any, new: Any, why: str) -> None:
    (tmp_path / "group.yaml").write_text(TEXT)
    assert edit_of(tmp_path, ["group.yaml"], finding("other", path, old, new)) == why


def test_a_finding_without_a_value_or_without_a_file_is_said(tmp_path: Path) -> None:
    assert edit_of(tmp_path, [], finding("x", "a", 1, 2)) == "no file of data has its values"
    gone = Finding(cause=Cause.CHANGED, type="A", name="a")
    assert edit_of(tmp_path, ["x.yaml"], gone) == "nothing says which value it is"
