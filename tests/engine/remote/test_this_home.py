"""In which system this process is, and what of a machine stays from boot to boot."""

import os
from pathlib import Path

import pytest

from bistro_tui.engine.remote import this_home
from bistro_tui.engine.remote.this_home import home_of_this_process
from bistro_tui.engine.warden.program import boot_id


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a system of its own that has one card and sees all processes."""
    space = tmp_path / "proc" / "self" / "ns" / "pid"
    space.parent.mkdir(parents=True)
    space.touch()
    monkeypatch.setattr(this_home, "_INITIAL", space.stat().st_ino)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "machine-id").write_text("0123456789abcdef\n")
    card(tmp_path, "eth0", "00:11:22:33:44:55")
    return tmp_path


def card(root: Path, name: str, address: str, *, is_real: bool = True) -> None:
    place = root / "sys" / "class" / "net" / name
    place.mkdir(parents=True)
    (place / "addr_assign_type").write_text("0\n")
    (place / "address").write_text(f"{address}\n")
    if is_real:
        (place / "device").mkdir()


def test_this_process_is_in_the_system_that_it_is_in() -> None:
    here = home_of_this_process()
    assert here.is_with(home_of_this_process())
    assert here.processes == str(os.stat("/proc/self/ns/pid").st_ino)
    assert here.boot not in ("", boot_id())
    assert all(len(name) <= 32 for name in here)


def test_a_machine_is_the_same_with_what_comes_and_goes(root: Path) -> None:
    before = home_of_this_process(root)
    card(root, "veth7", "02:00:00:00:00:07", is_real=False)
    assert home_of_this_process(root) == before
    assert before.machine


def test_another_card_or_installation_is_another_machine(root: Path) -> None:
    found = [home_of_this_process(root).machine]
    card(root, "eth1", "00:11:22:33:44:66")
    found.append(home_of_this_process(root).machine)
    (root / "etc" / "machine-id").write_text("fedcba9876543210\n")
    found.append(home_of_this_process(root).machine)
    assert len({*found, ""}) == 4


@pytest.mark.parametrize(
    "gone", ["etc/machine-id", "sys/class/net/eth0/address", "proc/self/ns/pid"]
)
def test_what_cannot_be_seen_makes_no_machine(root: Path, gone: str) -> None:
    (root / gone).unlink()
    assert home_of_this_process(root).machine == ""


def test_who_sees_a_part_of_the_processes_only_knows_no_machine(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(this_home, "_INITIAL", 7)
    found = home_of_this_process(root)
    assert (found.machine, bool(found.processes)) == ("", True)


def test_an_address_that_somebody_made_up_makes_no_machine(root: Path) -> None:
    (root / "sys" / "class" / "net" / "eth0" / "addr_assign_type").write_text("3\n")
    assert home_of_this_process(root).machine == ""


def test_without_a_boot_nothing_is_in_one_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(this_home, "boot_id", lambda: "-")
    here = home_of_this_process()
    assert not here.is_with(here)
