"""What a reviewer reads."""

from __future__ import annotations

import re

from gitops.pulumi.plan import Plan, read_plan
from gitops.review.impact import Impact
from gitops.review.note import Origin, is_ours, render
from tests.unit.gitops.review.events import SECRET, error, step, violation

ORIGIN = Origin(
    commit="0123456789abcdef", job_url="https://gitlab.example/j/1", artifact_url="https://gitlab.example/a"
)


def plan(*events: object, stack: str = "prod") -> Plan:
    """A plan of two seconds."""
    return read_plan(stack, events, 2.0)  # type: ignore[arg-type]  # the events module makes them


def test_the_note_says_what_it_describes_and_is_found_again() -> None:
    text = render([plan()], [], ORIGIN)
    assert is_ours(text)
    assert text.startswith('<!-- bighpc:review {"commit": "0123456789abcdef"} -->\n')
    assert "Describes commit 01234567" in text
    assert "[job](https://gitlab.example/j/1)" in text
    assert not is_ours("See <!-- bighpc:review -->")


def test_every_stack_has_its_row_and_the_untouched_ones_their_reason() -> None:
    dev = Impact(stack="dev", affected=False, because="no file | changed")
    text = render([plan(step("create", new={}), step("same", "b", old={}, new={}))], [dev], ORIGIN)
    assert "| **prod** | 1 | 0 | 0 | 0 | 1 | pass | ✅ ready |" in text
    assert "\n\n- dev: not affected, because no file \\| changed\n" in text
    assert "### ✅ Preview: 1 to create" in text


def test_violations_come_with_what_to_do_mandatory_ones_first() -> None:
    text = render([plan(violation("advisory", "Prefer x."), violation("mandatory", "Make it private."))], [], ORIGIN)
    assert text.index("Make it private.") < text.index("Prefer x.")
    assert "### ⛔ Preview: prod may not be merged as it is" in text
    assert "| 1 mandatory, 1 advisory | ⛔ policies violated |" in text


def test_what_only_advises_is_folded_and_what_loses_data_or_fails_comes_before_it() -> None:
    lost = step("delete", "gone", old={}, new={})
    text = render([plan(violation("advisory", "Prefer x."), lost, error("no group"))], [], ORIGIN)
    assert "<summary><b>Policies</b>: 1 advisory</summary>" in text
    order = [text.index(each) for each in ("Look at these first", "no group", "Prefer x.", "one resource, property")]
    assert order == sorted(order)


def test_a_failed_preview_is_told_in_the_engines_words() -> None:
    text = render([plan(error("no group `bighpc`\n```\nfence"))], [], ORIGIN)
    assert "⛔ preview failed" in text
    assert "````\nno group `bighpc`" in text, "a fence in the text cannot end the block"


def test_differences_are_folded_and_secrets_are_covered() -> None:
    old, new = {"a": 1, "token": SECRET}, {"a": 2, "token": SECRET}
    text = render([plan(step("update", old=old, new=new, diff={"a": "update-replace", "token": "update"}))], [], ORIGIN)
    details = text[text.index("<details>") : text.index("</details>")]
    assert "~ Project demo" in details
    assert "-   a: 1  # replaces it\n+   a: 2  # replaces it" in details
    assert "-   token: [secret]\n+   token: [secret]" in details
    assert "CANARY" not in text


def test_a_note_that_is_too_long_is_cut_at_a_line_and_links_the_rest() -> None:
    long = plan(*(step("create", f"project-{number}", new={"path": "x" * 200}) for number in range(200)))
    text = render([long], [], ORIGIN, limit=5000)
    assert len(text) <= 5000
    assert text.count("<details>") == text.count("</details>")
    assert len(re.findall("^```", text, re.MULTILINE)) % 2 == 0
    assert re.search(r"Cut here: about \d+ more lines are in \[the whole review\]\(https://gitlab.example/a\)", text)
    assert text.rstrip().endswith("[everything](https://gitlab.example/a)")


def test_nothing_affected_is_good_news_without_an_empty_table() -> None:
    text = render([], [Impact(stack="dev", affected=False, because="no file changed")], Origin(commit="0" * 40))
    assert "✅ Preview: no stack is affected\n\n- dev: not affected, because no file changed\n" in text
