"""The parts of compiling that need no program: expressions, patterns, files, inputs, durations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from testbed.gitlab.pipelines import expanding, filters
from testbed.gitlab.pipelines.complaints import translated
from testbed.gitlab.pipelines.configuration import ConfigurationError, Reference, read
from testbed.gitlab.pipelines.durations import seconds
from testbed.gitlab.pipelines.expressions import ExpressionError, evaluate
from testbed.gitlab.pipelines.includes import merged
from testbed.gitlab.pipelines.patterns import PatternError, compile_regex, glob_matches
from testbed.gitlab.pipelines.rules import RuleError, rule
from testbed.gitlab.pipelines.variables import CiVariable, expand, filled_in, from_yaml
from testbed.gitlab.store import Pipeline, Project

KNOWN = {"BRANCH": "main", "TAG": "v1.2.3", "EMPTY": "", "PATTERN": "/^v\\d/", "SPACE": "a b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('$BRANCH == "main"', True),
        ("$BRANCH == 'other'", False),
        ('$BRANCH != "other"', True),
        ("${BRANCH} == $BRANCH", True),
        ("$BRANCH", True),
        ("$EMPTY", False),
        ("$MISSING", False),
        ("$MISSING == null", True),
        ("$EMPTY == null", False),
        ('$EMPTY == ""', True),
        ("$TAG =~ /^v\\d+\\.\\d+\\.\\d+$/", True),
        ("$TAG =~ /^V/", False),
        ("$TAG =~ /^V/i", True),
        ("$TAG !~ /^x/", True),
        ("$MISSING =~ /x/", False),
        ("$MISSING !~ /x/", True),
        ("$TAG =~ $PATTERN", True),
        ("$TAG =~ $BRANCH", False),
        ('$BRANCH == "main" && $TAG', True),
        ('$BRANCH == "x" || $TAG =~ /v1/', True),
        ('$MISSING && $TAG || $BRANCH == "main"', True),
        ('$MISSING && ($TAG || $BRANCH == "main")', False),
        ('($BRANCH == "main")', True),
        ("$BRANCH =~ /ma\\/in|main/", True),
    ],
)
def test_conditions_hold_as_in_gitlab(text: str, expected: bool) -> None:
    assert evaluate(text, KNOWN) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "==",
        "$A ==",
        "$A && ",
        "($A",
        "$A)",
        "$A $B",
        "process.exit(1)",
        '"a" == `id`',
        "$A =~ /(/",
        "(" * 60 + "$A" + ")" * 60,
    ],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="invalid expression syntax"):
        evaluate(text, {"A": "a"})


def test_no_pattern_takes_for_ever() -> None:
    begun = time.perf_counter()
    assert not evaluate("$A =~ /^(a+)+$/", {"A": "a" * 40 + "!"})
    assert time.perf_counter() - begun < 1


def test_lookbehind_is_unknown_to_the_engine() -> None:
    with pytest.raises(PatternError, match="RE2"):
        compile_regex("/(?<=a)b/")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.py", "a.py", True),
        ("*.py", "d/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "d/e/a.py", True),
        ("docs/**", "docs/a/b.md", True),
        ("docs/**/*", "docs/a.md", True),
        ("docs/*", "docs/a/b.md", False),
        ("/docs/*.md", "docs/a.md", True),
        ("*", ".hidden", True),
        ("a.{js,ts}", "a.ts", True),
        ("a.{js,ts}", "a.py", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab].c", "a.c", True),
        ("[!ab].c", "a.c", False),
        ("a+b.c", "a+b.c", True),
    ],
)
def test_globs_cross_directories_only_with_two_stars(pattern: str, path: str, expected: bool) -> None:
    assert glob_matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 minutes", 1800),
        ("1h 30m", 5400),
        ("2 weeks and 3 days", 17 * 86_400),
        ("1 day, 2 hours", 93_600),
        (3600, 3600),
        ("90", 90),
        ("1.5 hours", 5400),
        ("never", None),
    ],
)
def test_durations_are_read(text: str | int, expected: int | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "3 parsecs", "1 day ago"])
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=text or "no duration"):
        seconds(text)


HEADER = """
spec:
  inputs:
    name:
    count: {type: number, default: 3}
    fast: {type: boolean, default: false}
    stages: {type: array, default: [a, b]}
    tier: {options: [dev, prod], default: dev}
    version: {regex: '^v\\d+$', default: v1}
---
"""


def filled(body: str, **inputs: Any) -> dict[str, Any]:
    return read(HEADER + body, "template.yml", {"name": "web", **inputs}, {"BRANCH": "main"})


def test_inputs_keep_their_types_and_fill_texts_and_keys() -> None:
    found = filled(
        '"job-$[[ inputs.name ]]":\n  parallel: $[[ inputs.count ]]\n  interruptible: $[[ inputs.fast ]]\n'
        "  tags: $[[ inputs.stages ]]\n  script: run $[[ inputs.name ]] $[[ inputs.fast ]] $[[inputs.count]]\n"
    )
    assert found == {
        "job-web": {"parallel": 3, "interruptible": False, "tags": ["a", "b"], "script": "run web false 3"}
    }


def test_functions_change_inputs() -> None:
    found = filled(
        "a: $[[ inputs.name | truncate(0,2) ]]\nb: $[[ inputs.name | expand_vars ]]\n"
        "c: $[[ inputs.name | posix_escape ]]\n",
        name="$BRANCH it",
    )
    assert found == {"a": "$B", "b": "main it", "c": "'$BRANCH it'"}


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"name": 3}, "`name` input: provided value is not a string"),
        ({"count": "3"}, "`count` input: provided value is not a number"),
        ({"count": True}, "`count` input: provided value is not a number"),
        ({"fast": "yes"}, "`fast` input: provided value is not a boolean"),
        ({"stages": "a"}, "`stages` input: provided value is not an array"),
        ({"tier": "x"}, "`tier` input: `x` cannot be used because it is not in the list of allowed options"),
        ({"version": "1"}, "`version` input: provided value does not match required RegEx pattern"),
        ({"other": "1"}, "unknown input arguments: other"),
    ],
)
def test_an_input_that_does_not_fit_is_named(inputs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        filled("a: b\n", **inputs)
    assert str(caught.value) == f"`template.yml`: {complaint}"


def test_all_inputs_that_do_not_fit_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"`name` input: required .*, `tier` input: `x` cannot"):
        read(HEADER + "a: b\n", "t.yml", {"tier": "x"}, {})


def test_an_unknown_input_in_the_text_is_named() -> None:
    with pytest.raises(ConfigurationError, match="unknown interpolation key: `nme`"):
        filled("a: $[[ inputs.nme ]]\n")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a\n", "Invalid configuration format"),
        ("a: [\n", "Invalid configuration format.* at line"),
        ("a: b\n---\nc: d\n", "Invalid configuration format"),
        ("a: !ruby/object:Gem {}\n", "could not determine a constructor"),
        ("__proto__: {a: b}\n", "'__proto__' cannot be used"),
        ("a: {if: {referenceData: [x]}}\n", "'referenceData' cannot be used"),
        ("a: " + "[" * 150 + "]" * 150, "too deep"),
    ],
)
def test_files_that_cannot_be_used_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        read(text, "x.yml", {}, {})


def test_aliases_do_not_explode() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigurationError, match="too big"):
        read("\n".join(rows), "x.yml", {}, {})


def test_references_and_dates_stay_what_they_are() -> None:
    found = read("a: !reference [.x, script]\nb: 2026-01-02\n", "x.yml", {}, {})
    assert found == {"a": Reference((".x", "script")), "b": "2026-01-02"}


def test_names_may_be_numbers() -> None:
    assert read("1: {script: x}\n", "x.yml", {}, {}) == {"1": {"script": "x"}}


def test_what_includes_the_other_wins_key_by_key() -> None:
    assert merged({"a": {"x": 1, "y": [1]}, "b": 1}, {"a": {"y": [2]}}) == {"a": {"x": 1, "y": [2]}, "b": 1}


class Commit:
    """Files for rules."""

    def __init__(self, paths: Sequence[str] = (), changed: Sequence[str] | None = None) -> None:
        self._paths = paths
        self._changed = changed

    def paths(self) -> Sequence[str]:
        return self._paths

    def changed(self, compare_to: str | None) -> Sequence[str] | None:
        return self._changed


def test_the_first_rule_that_fits_decides() -> None:
    rules: list[dict[str, Any]] = [
        {"if": "$A", "when": "never"},
        {"if": "$B", "when": "manual", "variables": {"X": "1"}},
        {},
    ]
    first = rule(rules, {"A": "1"}, Commit())
    assert first is not None
    assert first.when == "never"
    second = rule(rules, {"B": "1"}, Commit())
    assert second is not None
    assert (second.when, second.variables) == ("manual", {"X": "1"})
    last = rule(rules, {}, Commit())
    assert last is not None
    assert last.when is None
    assert rule([{"if": "$A"}], {}, Commit()) is None


def test_changes_and_exists_look_at_the_commit() -> None:
    commit = Commit(["Dockerfile", "src/a.py"], ["src/a.py"])
    assert rule([{"changes": ["src/**/*"]}], {}, commit)
    assert not rule([{"changes": {"paths": ["docs/*"]}}], {}, commit)
    assert rule([{"changes": ["$DIR/*"]}], {"DIR": "src"}, commit)
    assert rule([{"exists": ["Docker*"]}], {}, commit)
    assert not rule([{"exists": {"paths": ["*.md"]}}], {}, commit)
    assert rule([{"changes": ["docs/*"]}], {}, Commit(changed=None)), "with nothing to compare all counts as changed"


def test_a_rule_that_cannot_be_read_says_so() -> None:
    with pytest.raises(RuleError, match="rules:rule if invalid expression syntax"):
        rule([{"if": "a = b"}], {}, Commit())


def test_references_between_variables_are_filled_in() -> None:
    found = filled_in(
        [
            *from_yaml({"A": "$B-x", "B": "${C}", "C": "c", "RAW": {"value": "$C", "expand": False}, "USE": "$RAW"}),
            *from_yaml({"LOOP1": "$LOOP2", "LOOP2": "$LOOP1", "SELF": "$SELF:x", "UNKNOWN": "$NOPE", "PRICE": "$$C"}),
            CiVariable(key="FILE", value="secret", file=True),
            CiVariable(key="PATHED", value="$FILE"),
        ]
    )
    values = {each.key: each.value for each in found}
    assert values["A"] == "c-x"
    assert values["RAW"] == values["USE"] == "$C"
    assert values["SELF"] == "$SELF:x"
    assert values["UNKNOWN"] == "$NOPE"
    assert values["PRICE"] == "$$C", "the shell of the job makes one dollar of it"
    assert values["PATHED"] == "$FILE", "the content of a file is no value"
    assert "$LOOP" in values["LOOP1"]


def test_unknown_names_are_empty_where_texts_are_expanded() -> None:
    assert expand("a-$X-${Y}-$$Z", {"X": "1"}) == "a-1--$Z"


def pipeline(source: str = "push", ref: str = "main", tag: bool = False, request: int | None = None) -> Pipeline:
    """A pipeline for `only` and `except`."""
    project = Project(full_path="group/project")
    return Pipeline(source=source, ref=ref, tag=tag, merge_request_id=request, project=project)


@pytest.mark.parametrize(
    ("job", "there", "expected"),
    [
        (filters.DEFAULT, pipeline(), True),
        (filters.DEFAULT, pipeline(tag=True, ref="v1"), True),
        (filters.DEFAULT, pipeline("merge_request_event", request=1), False),
        ({"only": ["main"]}, pipeline(), True),
        ({"only": ["main"]}, pipeline(ref="other"), False),
        ({"only": "tags"}, pipeline(), False),
        ({"only": ["/^ma/"]}, pipeline(), True),
        ({"only": ["merge_requests"]}, pipeline("merge_request_event", request=1), True),
        ({"only": ["schedules"]}, pipeline("schedule"), True),
        ({"only": ["main@other/project"]}, pipeline(), False),
        ({"only": ["main@group/project"]}, pipeline(), True),
        ({"except": ["main"]}, pipeline(), False),
        ({"except": ["tags"]}, pipeline(), True),
        ({"only": {"refs": ["main"], "variables": ["$A"]}}, pipeline(), True),
        ({"only": {"variables": ["$NO"]}}, pipeline(), False),
        ({"only": {"changes": ["a"]}}, pipeline(), True),
        ({"except": {"changes": ["b"]}}, pipeline(), True),
    ],
)
def test_only_and_except_decide_where_there_are_no_rules(job: dict[str, Any], there: Pipeline, expected: bool) -> None:
    assert filters.passes(job, there, {"A": "1"}, Commit(changed=["a"])) is expected


def test_a_compilation_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expanding, "LIMIT_S", 0.3)
    expander = expanding.Expander(program(tmp_path, f"echo $$ > {tmp_path}/pid\nexec sleep 60"))
    with pytest.raises(ConfigurationError, match=r"took more than 0\.3 seconds"):
        expander.expand({"a": {"script": "x"}})
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_the_program_learns_nothing_of_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "canary")
    expander = expanding.Expander(program(tmp_path, f"env > {tmp_path}/env; ls -A > {tmp_path}/files; exit 1"))
    with pytest.raises(ConfigurationError):
        expander.expand({"a": {"script": "x", "rules": [{"if": "evil()"}]}})
    assert "canary" not in (tmp_path / "env").read_text()
    assert (tmp_path / "files").read_text() == ".gitlab-ci.yml\n"


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        ("needs: [gone] for build could not be found", "build job: undefined need: gone"),
        (
            "\x1b[33mneeds: [b] for a is in a future stage\x1b[0m",
            "a job: need b is not defined in current or prior stages",
        ),
        (".gone is unspecified, used by build extends", "build: unknown keys in `extends` (`.gone`)"),
        ("a: circular dependency detected in `extends`", "a: circular dependency detected in `extends`"),
        ("!reference [.x, y] is undefined", "!reference [.x, y] could not be found"),
        ("Using fallback git user.name\nsomething new\n    at file.js:1", "something new"),
        ("Using fallback git user.name", "Invalid configuration format"),
        (
            "Invalid!\n\t\u2022 one is wrong at a [#/x]\n\t\u2022 two as well [#/y]\n"
            "For further troubleshooting, consider:\n\t\u2022 reading",
            "one is wrong at a; two as well",
        ),
    ],
)
def test_complaints_of_the_program_are_told_in_gitlabs_words(output: str, complaint: str) -> None:
    assert translated(output, {"stages": ["build"]}).startswith(complaint)


def test_what_was_expanded_once_is_remembered_whatever_its_conditions(tmp_path: Path) -> None:
    lines = (
        f"echo >> {tmp_path}/runs; mkdir .gitlab-ci-local; cp .gitlab-ci.yml .gitlab-ci-local/expanded-gitlab-ci.yml"
    )
    expander = expanding.Expander(program(tmp_path, lines))
    for condition in ("$A", "$B"):
        found = expander.expand({"a": {"script": "x", "rules": [{"if": condition}]}})
        assert found["a"]["rules"] == [{"if": condition}]
    assert (tmp_path / "runs").read_text() == "\n"


def test_without_the_program_the_reason_is_given() -> None:
    with pytest.raises(ConfigurationError, match="gitlab-ci-local or Node.js is not installed"):
        expanding.Expander(None).expand({"a": {"script": "x"}})
    with pytest.raises(ConfigurationError, match="gitlab-ci-local or Node.js is not installed"):
        expanding.Expander(Path("/nowhere/gitlab-ci-local")).expand({"a": {"script": "x"}})


def program(directory: Path, script: str) -> Path:
    """Stands in for gitlab-ci-local."""
    file = directory / "program"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file
