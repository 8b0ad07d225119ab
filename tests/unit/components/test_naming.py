from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import naming


@pytest.mark.parametrize("name", ["a", "hello", "a-b", "0", "x" * 63])
def test_a_dns_label_is_accepted(name: str) -> None:
    assert naming.is_dns_label(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "a b", "x" * 64, "a\n"])
def test_what_kubernetes_refuses_is_no_dns_label(name: str) -> None:
    assert not naming.is_dns_label(name)


@pytest.mark.parametrize("name", ["platform", "my-project", "a.b", "a_b", "0x"])
def test_a_slug_is_accepted(name: str) -> None:
    assert naming.is_slug(name)


@pytest.mark.parametrize("name", ["", "My", "a/b", "a--b", "a..b", "x.git", "x.atom", "-a", "a-", "é"])
def test_what_gitlab_refuses_is_no_slug(name: str) -> None:
    assert not naming.is_slug(name)


@pytest.mark.parametrize("name", ["dev", "feature/x", "release-1.2", "a_b"])
def test_a_branch_is_accepted(name: str) -> None:
    assert naming.is_branch(name)


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "a..b", "x.lock", ".a", "a/.b", "a b", "a~1", "-a", "a."])
def test_what_git_refuses_is_no_branch(name: str) -> None:
    assert not naming.is_branch(name)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8929/api/v4/", "https://gitlab.example.org"])
def test_a_web_url_is_accepted(url: str) -> None:
    assert naming.is_web_url(url)


@pytest.mark.parametrize(
    "url", ["", "gitlab.example", "ftp://x", "https://", "https://u:p@x", "http://x:99999", "http://x:port", "//x"]
)
def test_what_is_no_absolute_web_address_is_refused(url: str) -> None:
    assert not naming.is_web_url(url)


@pytest.mark.parametrize("path", ["", "/etc", "../x", "a/../b", "a//b", "./a", "a/"])
def test_a_path_that_could_leave_the_repository_is_refused(path: str) -> None:
    assert not naming.is_relative_path(path)


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True), st.sampled_from(["dev", "prod"]))
def test_an_overlay_path_stays_inside_the_repository(application: str, environment: str) -> None:
    assert naming.is_relative_path(naming.overlay_path(application, environment))


@pytest.mark.parametrize("line", ["0 8 * * 1-5", "*/15 0,12 1-7 JAN-mar sun", "5-59/10 * * * 7", "59 23 31 12 0"])
def test_a_cron_line_is_accepted(line: str) -> None:
    assert naming.is_cron(line)


@pytest.mark.parametrize(
    "line",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "* * * * mo", "*/0 * * * *"],
)
def test_a_cron_line_of_no_time_is_refused(line: str) -> None:
    assert not naming.is_cron(line)


@pytest.mark.parametrize("group", ["", "apps", "networking.k8s.io", "*"])
def test_an_api_group_is_accepted(group: str) -> None:
    assert naming.is_api_group(group)


@pytest.mark.parametrize("group", ["apps/v1", "v1 ", "Apps", "."])
def test_an_api_group_with_its_version_is_refused(group: str) -> None:
    assert not naming.is_api_group(group)


@pytest.mark.parametrize("name", ["pods", "pods/log", "*", "pods/*", "ingressclasses"])
def test_a_resource_of_the_api_is_accepted(name: str) -> None:
    assert naming.is_api_resource(name)


@pytest.mark.parametrize("name", ["", "Deployment", "pods/", "/log", "pods/log/x", "config maps"])
def test_a_kind_is_no_resource_of_the_api(name: str) -> None:
    assert not naming.is_api_resource(name)


@pytest.mark.parametrize("place", ["registry.example.org", "registry.example.org:5000/mirror/tools", "localhost:5000"])
def test_a_place_in_a_registry_is_accepted(place: str) -> None:
    assert naming.is_registry_place(place)


@pytest.mark.parametrize(
    "place", ["", "mirror", "https://r.example.org", "me@r.example.org", "r.example.org/x:1", "r.io/"]
)
def test_what_is_no_place_in_a_registry_is_refused(place: str) -> None:
    assert not naming.is_registry_place(place)
