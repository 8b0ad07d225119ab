"""What a note asks for."""

from __future__ import annotations

import pytest

from gitops.answer.question import Explain, Misunderstood, Preview, Question, parse


@pytest.mark.parametrize(
    ("body", "question"),
    [
        ("/preview", Preview(stack=None, refresh=False)),
        ("  /preview dev  ", Preview(stack="dev", refresh=False)),
        ("/preview --refresh dev\n\nWhat does it look like now?", Preview(stack="dev", refresh=True)),
        ("/preview --refresh", Preview(stack=None, refresh=True)),
        ("/explain testbed-quota", Explain(resource="testbed-quota")),
        ("/explain `testbed-quota`", Explain(resource="testbed-quota")),
        ("/explain urn:pulumi:dev::bighpc::a:b:C::forge-label-in progress", None),
    ],
)
def test_a_command_is_the_first_line(body: str, question: Question | None) -> None:
    expected = question or Explain(resource=body.removeprefix("/explain "))
    assert parse(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Please /preview dev",
        "> /preview dev",
        "```\n/preview dev\n```",
        "/previews",
        "/explainer x",
        "Yes.\n/preview",
    ],
)
def test_people_can_write_about_commands(body: str) -> None:
    assert parse(body) is None


@pytest.mark.parametrize(
    ("body", "reason", "rule"),
    [
        ("/preview dev prod", "one stack at a time, not 2", "/preview [stack] [--refresh]"),
        ("/preview --target=x", "there is no option `--target=x`", "/preview [stack] [--refresh]"),
        ("/preview ../../etc", "`../../etc` is no name of a stack", "/preview [stack] [--refresh]"),
        ("/explain", "no resource is named", "/explain <resource>"),
        ("/explain the quota", "`the quota` is more than one word", "/explain <resource>"),
    ],
)
def test_a_mistake_is_told_with_the_rule(body: str, reason: str, rule: str) -> None:
    found = parse(body)
    assert isinstance(found, Misunderstood)
    assert found.reason == reason
    assert rule in found.remedy


def test_a_mistake_calls_nobody() -> None:
    found = parse("/explain `@everyone`` look")
    assert isinstance(found, Misunderstood)
    assert "`@everyone look`" in found.reason
