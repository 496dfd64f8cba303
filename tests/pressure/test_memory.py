"""Memory that a container, a job or a service is limited to."""

from __future__ import annotations

from pathlib import Path

import pytest

from fittingroom.training.memory import container_memory


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


# As the kernel's documentation shows the files: Documentation/admin-guide/cgroup-v2.rst and v1.
SECOND = {
    "proc/self/cgroup": "0::/user.slice/job\n",
    "sys/fs/cgroup/user.slice/memory.max": "max\n",
    "sys/fs/cgroup/user.slice/job/memory.max": "1000000000\n",
}
FIRST = {
    "proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/docker/abc\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "500000000\n",
}
INSIDE = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "250000000\n"}


@pytest.mark.parametrize(
    ("files", "limit"), [(SECOND, 1_000_000_000), (FIRST, 500_000_000), (INSIDE, 250_000_000)]
)
def test_the_least_limit_of_the_groups_around_counts(
    tmp_path: Path, files: dict[str, str], limit: int
) -> None:
    assert min(container_memory(write(tmp_path, files))) == limit


def test_without_a_limit_or_without_linux_there_is_none(tmp_path: Path) -> None:
    assert container_memory(tmp_path) == []
    assert (
        container_memory(
            write(tmp_path, SECOND | {"sys/fs/cgroup/user.slice/job/memory.max": "max\n"})
        )
        == []
    )
