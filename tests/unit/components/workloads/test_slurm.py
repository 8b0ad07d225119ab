from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.workloads.slurm import SlurmSpec, batch_script
from tests.unit.components.workloads.samples import SITE, workload

PLAIN = SlurmSpec(containers=False)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def directives(script: str) -> list[str]:
    """What Slurm reads: lines of #SBATCH, up to the first line that is no comment."""
    found: list[str] = []
    for line in script.split("\n"):
        if line.strip() and not line.startswith("#"):
            break
        if line.startswith("#SBATCH "):
            found.append(line.removeprefix("#SBATCH "))
    return found


def test_tasks_are_laid_out_on_as_few_nodes_as_take_them() -> None:
    spec = workload(profile="gpu", tasks=4, cores=8, memory="100Gi", accelerators=2)
    assert directives(batch_script(spec, SITE, SlurmSpec(constraints={"gpu": "a100"}))) == [
        "--job-name=flow",
        "--comment=dev/fluids",
        "--partition=batch",
        "--nodes=2",
        "--ntasks=4",
        "--ntasks-per-node=2",
        "--cpus-per-task=8",
        "--mem=204800M",
        "--gres=gpu:a100:4",
        "--constraint=a100",
        "--time=01:30:00",
        "--no-requeue",
        "--export=NIL",
    ]


def test_memory_is_rounded_up_to_what_slurm_counts_in() -> None:
    assert "--mem=2M" in directives(batch_script(workload(memory="1.5Mi"), SITE, PLAIN))


def test_the_runs_of_an_array_have_numbers_from_zero() -> None:
    assert "--array=0-9" in directives(batch_script(workload(array=10), SITE, PLAIN))


def test_the_image_runs_by_apptainer_where_the_site_has_it() -> None:
    assert "apptainer exec --contain docker://registry.example.org/flow:1.2 flow" in batch_script(
        workload(), SITE, SlurmSpec()
    )
    assert "apptainer exec --contain --nv docker://" in batch_script(
        workload(profile="gpu", accelerators=1), SITE, SlurmSpec()
    )
    assert "apptainer" not in batch_script(workload(), SITE, PLAIN)


@settings(deadline=None, max_examples=60)
@given(command=st.lists(TEXTS, min_size=1, max_size=3), value=TEXTS)
def test_nothing_that_people_write_becomes_a_directive_or_another_command(command: list[str], value: str) -> None:
    script = batch_script(workload(command=command, env={"VALUE": value}), SITE, PLAIN)
    plain = batch_script(workload(), SITE, PLAIN)
    assert directives(script) == directives(plain)
    _, _, said = script.partition("exec ")
    words = shlex.split(script)
    assert words[-len(command) :] == command
    assert f"VALUE={value}" in words
    assert said


@pytest.mark.parametrize("nasty", ["$(touch broken)", "`touch broken`", "'; touch broken; '", "a\n#SBATCH --uid=0\nb"])
def test_the_shell_hands_over_what_people_wrote_and_runs_none_of_it(nasty: str, tmp_path: object) -> None:
    script = batch_script(workload(command=["printf", "%s|%s", nasty], env={"VALUE": nasty}), SITE, PLAIN)
    stand_in = 'srun() { shift 2; "$@"; printf "|%s" "$VALUE"; }\n' + script.replace("exec srun", "srun")
    done = subprocess.run(
        ["bash", "-c", stand_in], capture_output=True, text=True, check=True, cwd=str(tmp_path), timeout=20
    )
    assert done.stdout == f"{nasty}||{nasty}"


def test_a_failed_run_is_tried_again_as_often_as_it_says() -> None:
    script = batch_script(workload(command=["false"], retries=2), SITE, PLAIN)
    counting = "srun() { echo try; return 3; }\n" + script
    done = subprocess.run(["bash", "-c", counting], capture_output=True, text=True, check=False, timeout=20)
    assert done.stdout.splitlines() == ["try"] * 3
    assert done.returncode == 3
