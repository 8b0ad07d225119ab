"""Logs, Markdown, graphs and differences as HTML."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.gitlab.store import Job
from testbed.gitlab.web.graph import draw
from testbed.gitlab.web.markup import Links, code_lines, markdown
from testbed.gitlab.web.terminal import Piece, assemble, pieces
from tests.contract.gitlab.page_visitor import active_parts


def lines(text: str) -> list[str]:
    """The visible lines of a log."""
    return [re.sub(r"<[^>]+>", "", each) for each in re.findall(r"</a><span>(.*?)</span>(?:</div>|<span)", text)]


def test_colours_go_on_over_the_end_of_a_line() -> None:
    html = assemble(pieces("\x1b[31;1mred\nstill\x1b[0m plain\n"))
    assert html.count('<span class="bold fg1">') == 2
    assert "</span> plain" in html


@pytest.mark.parametrize(
    ("codes", "classes"),
    [
        ("32", "fg2"),
        ("92", "fg10"),
        ("41", "bg1"),
        ("103", "bg11"),
        ("38;5;9", "fg9"),
        ("38;5;196", "fg9"),
        ("38;5;232", "fg0"),
        ("48;2;0;0;250", "bg12"),
        ("1;4", "bold underline"),
        ("31;39;2", "dim"),
        ("1;22;3", "italic"),
    ],
)
def test_every_way_to_name_a_colour_ends_as_one_of_sixteen(codes: str, classes: str) -> None:
    assert f'<span class="{classes}">x</span>' in assemble(pieces(f"\x1b[{codes}mx\n"))


def test_what_moves_the_cursor_is_left_out() -> None:
    text = "a\x1b[2Kb\x1b]0;title\x07c\x1b[1;5Hd\x00e\x1b(Bf\n"
    assert lines(assemble(pieces(text))) == ["abcde" + "Bf"]


def test_of_a_progress_bar_the_last_state_is_shown() -> None:
    assert lines(assemble(pieces("10%\r50%\r100%\r\nnext\r\n"))) == ["100%", "next"]


def test_the_time_that_new_runners_put_before_lines_is_left_out() -> None:
    assert lines(assemble(pieces("2026-11-25T01:02:03.123456Z 00O hello\n"))) == ["hello"]


def test_sections_can_be_folded_and_say_how_long_they_took() -> None:
    html = assemble(
        pieces(
            "section_start:100:outer\r\x1b[0KOuter\n"
            "section_start:101:inner[collapsed=true]\r\x1b[0KInner\n"
            "deep\n"
            "section_end:165:inner\r\x1b[0K\n"
            "section_end:170:outer\r\x1b[0Kafter\n"
        )
    )
    assert re.search(
        r"<details open><summary.*Outer.*<details><summary.*Inner.*deep.*</details>.*</details>.*after", html
    )
    assert html.index(">01:04<") < html.index("deep")
    assert ">01:10<" in html


def test_a_section_that_ends_unasked_and_one_that_never_ends_do_no_harm() -> None:
    html = assemble(pieces("section_end:1:nobody\r\x1b[0K\nsection_start:2:open\r\x1b[0Khead\nbody\n"))
    assert lines(html) == ["head", "body"]


def test_half_a_line_waits_for_its_other_half() -> None:
    assert lines(assemble(pieces("whole\nhal"))) == ["whole"]


@settings(deadline=None)  # the machine may be busy
@given(st.text(alphabet=st.sampled_from("ab<>&\"'\x1b[0;31mK\r\nsection_start:1:x]\x07"), max_size=200))
def test_no_log_smuggles_in_a_tag(text: str) -> None:
    html = str(assemble(pieces(text + "\n")))
    tags = set(re.findall(r"</?(\w+)", html))
    assert tags <= {"a", "details", "div", "span", "summary"}
    assert active_parts(html) == []


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.sampled_from(["text", "\x1b[31mred", "section_start:1:a\r\x1b[0KA", "section_end:2:a\r\x1b[0K"])))
def test_a_log_in_parts_is_the_log(parts: list[str]) -> None:
    text = "".join(f"{part}\n" for part in parts)
    whole = pieces(text)
    for cut in range(len(parts)):
        begun = pieces("".join(f"{part}\n" for part in parts[:cut]))
        assert whole[: len(begun)] == begun, "what was sent stays as it is"
    assert all(isinstance(piece, Piece) for piece in whole)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<a href='data:text/html,x'>x</a>",
        "<iframe src=//evil.example></iframe>",
        "<div style='position:fixed'>x</div>",
        "<svg onload=alert(1)>",
        "![x](https://evil.example/pixel.png)",
        "<form action=//evil.example><input></form>",
        "<details ontoggle=alert(1) open>x</details>",
        '```"onload=alert(1)\nx\n```',
    ],
)
def test_markdown_of_users_runs_and_loads_nothing(text: str) -> None:
    assert active_parts(str(markdown(text))) == []
    assert "evil.example" not in re.sub(r">[^<]*<", "", str(markdown(text)))


def test_markdown_keeps_what_is_useful() -> None:
    html = markdown(
        "# Title\n\n<details><summary>More</summary>\n\n| a |\n|---|\n| b |\n\n</details>\n\n```python\nx = 1\n```\n"
    )
    assert "<h2>Title</h2>" in html
    assert "<details><summary>More</summary>" in html
    assert "<td>b</td>" in html
    assert '<span class="n">x</span>' in html


def test_classes_of_the_page_are_not_for_users() -> None:
    assert 'class="banner' not in markdown('<span class="banner top k">x</span><p class="banner">y</p>')


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("b.md", "/g/p/-/blob/main/docs/b.md"),
        ("../README.md#top", "/g/p/-/blob/main/README.md#top"),
        ("../../../../etc/passwd", "/g/p/-/blob/main/etc/passwd"),
        ("#here", "#here"),
        ("/g/other", "/g/other"),
        ("https://example.com/", "https://example.com/"),
    ],
)
def test_links_of_a_file_lead_to_its_neighbours(target: str, address: str) -> None:
    assert f'href="{address}"' in markdown(f"[x]({target})", Links("/g/p", "main", "docs"))


def test_source_is_coloured_line_by_line() -> None:
    found = code_lines('"""a\nb"""\nx = "<b>"\n', "a.py")
    assert len(found) == 3
    assert all(line.count("<span") == line.count("</span>") for line in found)
    assert "&lt;b&gt;" in found[2]
    assert code_lines("<b>\n", "unknown.xyz123") == ["&lt;b&gt;"]


def job(name: str, stage: int, needs: list[str] | None = None, number: int = 0) -> Job:
    wanted = None if needs is None else [{"job": each} for each in needs]
    return Job(
        id=number,
        name=name,
        stage=f"stage-{stage}",
        stage_index=stage,
        status="success",
        needs=wanted,
        allow_failure=False,
    )


def test_a_graph_has_a_column_per_stage_and_a_line_per_need() -> None:
    graph = draw([job("b", 1, ["a"], 2), job("a", 0, None, 1), job("c", 1, ["a", "b", "gone"], 3)])
    assert [[each.name for each in stage.jobs] for stage in graph.stages] == [["a"], ["b", "c"]]
    assert len(graph.lines) == 2, "a need within a stage, or of a job that is not there, has no line"
    assert (graph.width, graph.height) == (488, 144)


def test_a_graph_of_nothing_is_empty() -> None:
    assert draw([]).stages == []
