"""The embedded runner at work: real shell jobs, handed out by the double."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from pathlib import Path

import gitlab
import psutil
import pytest

from testbed.gitlab import store
from testbed.gitlab.pipelines.cancelling import cancel_job
from testbed.gitlab.pipelines.files import artifact_file
from tests.contract.gitlab.runner_support import Robot
from tests.contract.gitlab.support import eventually
from tests.contract.runner.conftest import Bench, running


def names_in(bench: Bench, number: int) -> list[str]:
    """What is in a job's archive."""
    with bench.double.forge.database.read() as session:
        job = session.get_one(store.Job, number)
        files = {each.file_type: artifact_file(bench.double.forge.settings, each) for each in job.artifacts}
    if "archive" not in files:
        return []
    with zipfile.ZipFile(io.BytesIO(files["archive"].read_bytes())) as archive:
        return sorted(archive.namelist())


def test_a_job_works_in_a_clean_checkout_of_its_commit(bench: Bench) -> None:
    sha = bench.project.commits.get("main").id
    status, log = bench.run(
        "ls -A", "git rev-parse HEAD", "git fetch --quiet origin", "touch left-over", "echo multi\necho line"
    )
    assert status == "success", log
    assert "README.md" in log
    assert sha in log
    for mark in ("section_start:", ":step_script", "$ ls -A", "# collapsed multi-line command", "Job succeeded"):
        assert mark in log
    assert "left-over" not in bench.run("ls -A")[1].replace("touch left-over", "")
    assert list(bench.builds.iterdir()) == [], "nothing stays behind"


def test_a_script_fails_with_its_code_and_after_script_sees_how_it_went(bench: Bench) -> None:
    number = bench.add(script=["echo one", "exit 7", "echo never"], after_script=['echo "was $CI_JOB_STATUS"'])
    assert bench.ended(number) == ("failed", "script_failure", 7)
    log = bench.log(number)
    assert "was failed" in log
    assert "Job failed: exit status 7" in log
    assert "$ echo never" not in log
    status, log = bench.run("true", after_script=['echo "was $CI_JOB_STATUS"', "false"])
    assert (status, "was success" in log) == ("success", True)


def test_variables_arrive_and_secrets_do_not_leave(bench: Bench) -> None:
    bench.project.variables.create({"key": "PASSWORD", "value": "correct-horse", "masked": True})
    bench.project.variables.create({"key": "CONFIG", "value": "a: 1\n", "variable_type": "file"})
    bench.project.variables.create({"key": "PLACE", "value": "$CI_PROJECT_DIR/x"})
    status, log = bench.run(
        'printf "%s\\n" "$PASSWORD" "${#PASSWORD}"',
        'cat "$CONFIG"',
        '[ "$PLACE" = "$PWD/x" ]',
        'printf correct-; sleep 0.1; printf horse; echo "$CI_JOB_TOKEN"',
    )
    assert status == "success", log
    assert "[MASKED]\n13\n" in log
    assert "\na: 1\n" in log
    assert "correct-horse" not in log
    assert "glcbt-[MASKED]" in log or "[MASKED][MASKED]" in log


def test_a_job_sees_nothing_of_the_runner_or_of_other_jobs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_SECRET", "of-the-runner")
    status, log = bench.run("env", "ps -ef || true", f"ls {bench.double.data} || echo closed", "id -u", "echo $HOME")
    assert status == "success", log
    assert "of-the-runner" not in log
    if os.geteuid() == 0:
        assert "closed" in log
        assert re.search(r"\n6410[01]\n", log), "neither root, nor the same user as in the other slot"
        assert "pytest" not in log.replace(str(bench.double.data), "")


def test_what_a_job_leaves_running_ends_with_it(bench: Bench) -> None:
    status, _ = bench.run("nohup setsid sleep 4321.5 >/dev/null 2>&1 &", "true")
    assert status == "success"
    assert not [each for each in psutil.process_iter(["cmdline"]) if "4321.5" in (each.info["cmdline"] or [])]


def test_a_job_ends_at_its_time_limit(bench: Bench) -> None:
    number = bench.add(script=["echo begun", "sleep 60"], after_script=["echo still"], timeout_s=1)
    assert bench.ended(number)[:2] == ("failed", "job_execution_timeout")
    assert "still" in bench.log(number)


def test_a_cancelled_job_ends_early(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.runner.log._KEEP_ALIVE", 0.1)
    number = bench.add(script=["echo begun", "sleep 60"], after_script=["echo cleaned"])
    eventually(lambda: "begun" in bench.log(number).replace("echo begun", ""))
    with bench.double.forge.database.write() as session:
        cancel_job(bench.double.forge, session, session.get_one(store.Job, number))
    eventually(lambda: not list(bench.builds.iterdir()))
    assert bench.ended(number)[0] == "canceled"


def test_artifacts_are_chosen_by_patterns_and_reach_the_next_job(bench: Bench) -> None:
    script = ["mkdir -p out/deep", "touch out/a.txt out/deep/b.txt out/c.tmp", "ln -s /etc/passwd out/link"]
    paths = {"paths": ["out/**/*.txt", "out/link", "none/*"], "exclude": ["out/a.*"]}
    number = bench.add(name="first", script=script, artifacts=paths)
    assert bench.ended(number)[0] == "success", bench.log(number)
    assert names_in(bench, number) == ["out/deep/b.txt", "out/link"]
    with bench.double.forge.database.write() as session:
        before = session.get_one(store.Job, number)
        job = store.Job(
            pipeline=before.pipeline, project=before.project, user=before.user, name="second", stage="deploy",
            stage_index=1, status="pending", options={"script": ["ls out/deep", "ls -l out"]},
        )  # fmt: skip
        session.add(job)
        session.flush()
        following = job.id
    assert bench.ended(following)[0] == "success", bench.log(following)
    assert "b.txt" in bench.log(following)
    assert "link -> /etc/passwd" in bench.log(following)


@pytest.mark.parametrize(
    ("code", "when", "kept"),
    [(0, "on_success", True), (1, "on_success", False), (1, "always", True), (0, "on_failure", False)],
)
def test_artifacts_follow_how_the_job_ended(bench: Bench, code: int, when: str, kept: bool) -> None:
    artifacts = {"untracked": True, "paths": ["nothing"], "when": when}
    number = bench.add(script=["touch new", f"exit {code}"], artifacts=artifacts)
    bench.ended(number)
    assert names_in(bench, number) == (["new"] if kept else [])


def test_reports_arrive_in_their_formats(bench: Bench) -> None:
    reports = {"dotenv": "build.env", "terraform": "plan.json", "junit": ["*.xml"]}
    script = ["echo A=1 > build.env", "echo '{}' > plan.json", "echo '<testsuite/>' > a.xml"]
    number = bench.add(script=script, artifacts={"reports": reports})
    assert bench.ended(number)[0] == "success", bench.log(number)
    with bench.double.forge.database.read() as session:
        found = {each.file_type: each.file_format for each in session.get_one(store.Job, number).artifacts}
    assert found == {"dotenv": "gzip", "terraform": "raw", "junit": "gzip"}


def test_too_large_an_artifact_fails_the_job(bench: Bench) -> None:
    bench.project.max_artifacts_size = 1
    bench.project.save()
    number = bench.add(script=["head -c 3000000 /dev/urandom > big"], artifacts={"paths": ["big"]})
    assert bench.ended(number)[0] == "failed"
    assert "too large" in bench.log(number)


def test_a_cache_is_there_again_for_the_same_key(bench: Bench) -> None:
    cache = {"key": "$CI_COMMIT_REF_SLUG", "paths": ["kept/"]}
    first = bench.run("mkdir kept", "echo once > kept/file", cache=[cache])
    assert first[0] == "success", first[1]
    status, log = bench.run("cat kept/file", cache=[{**cache, "policy": "pull"}])
    assert (status, "once" in log) == ("success", True), log
    assert bench.run("cat kept/file", cache=[{**cache, "key": "other"}])[0] == "failed"


def test_a_job_may_do_without_sources(bench: Bench) -> None:
    status, log = bench.run("ls -A | wc -l", variables={"GIT_STRATEGY": "none"})
    assert (status, "Skipping Git repository setup" in log) == ("success", True)


def test_an_image_without_a_container_runtime_is_refused_in_words(bench: Bench) -> None:
    number = bench.add(script=["true"], image="python:3.12")
    assert bench.ended(number)[:2] == ("failed", "runner_unsupported")
    assert "there is no container runtime here" in bench.log(number)


def test_jobs_run_side_by_side_up_to_the_limit(bench: Bench) -> None:
    numbers = [bench.add(name=f"job {index}", script=["sleep 0.5"]) for index in range(3)]
    most = 0

    def all_ended() -> bool:
        nonlocal most
        states = [bench.facts(number)[0] for number in numbers]
        most = max(most, states.count("running"))
        return all(state == "success" for state in states)

    eventually(all_ended)
    assert most == 2


def test_a_runner_that_is_stopped_fails_its_job(bench: Bench, bot: gitlab.Gitlab, tmp_path: Path) -> None:
    bench.project.group_runners_enabled = False
    bench.project.save()
    with running(bench.double, bot, tmp_path, runner_type="project_type", project_id=bench.project.id) as service:
        number = bench.add(script=["sleep 60"])
        eventually(lambda: "sleep 60" in bench.log(number))
        service.stop()
        assert bench.ended(number)[:2] == ("failed", "runner_system_failure")


def test_a_job_of_a_killed_runner_is_reported_when_it_starts_again(
    bench: Bench, bot: gitlab.Gitlab, tmp_path: Path
) -> None:
    bench.project.group_runners_enabled = False
    bench.project.save()
    made = bot.http_post("/user/runners", post_data={"runner_type": "project_type", "project_id": bench.project.id})
    assert isinstance(made, dict)
    number = bench.add(script=["true"])
    killed = Robot(bench.double.url, made["token"])
    with killed.session:
        token = killed.take()["token"]
    (tmp_path / f"job-{number}.json").write_text(json.dumps({"id": number, "token": token}))
    with running(bench.double, bot, tmp_path, runner_type="project_type", project_id=bench.project.id):
        assert bench.ended(number)[:2] == ("failed", "runner_system_failure")
