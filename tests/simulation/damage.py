"""What can happen to a file between two lives of a monitor: bits flip, it is cut short, a page is
zeros, other bytes stand in it, it is gone, or an old backup of it is put back."""

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from random import Random

Damage = Callable[[Path], None]


def damage(seed: int) -> Damage:
    """Damages one of the files, drawn from a seed, the first time it is called."""
    random, done = Random(seed), list[Path]()
    stem = random.choice(["alerts.sqlite", "journal"])

    def work(folder: Path) -> None:
        if done:
            return
        found = sorted(each for each in folder.iterdir() if stem in each.name)
        done.extend(found)
        for each in folder.iterdir():
            _renew(each, each.read_bytes())
        for path in found if random.random() < 0.3 else random.sample(found, 1):
            spoil(path, random)

    return work


def roll_back(stems: Sequence[str], saved: int, restored: int) -> Damage:
    """Copies the files whose names have one of ``stems`` after one life, and puts the copies in
    their places after a later one."""
    kept: dict[str, bytes] = {}
    lives = count(1)

    def work(folder: Path) -> None:
        life = next(lives)
        found = [each for each in folder.iterdir() if any(stem in each.name for stem in stems)]
        if life == saved:
            kept.update({each.name: each.read_bytes() for each in found})
        if life == restored:
            for each in found:
                each.unlink()
            for name, content in kept.items():
                (folder / name).write_bytes(content)

    return work


def spoil(path: Path, random: Random) -> None:
    """Damage one file by chance."""
    raw = bytearray(path.read_bytes())
    match random.choice(["flip", "flip", "flip", "cut", "zeros", "garbage", "gone"]):
        case "flip" if raw:
            for _ in range(random.choice([1, 1, 3, 40])):
                raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
        case "cut":
            del raw[random.randrange(len(raw) + 1) :]
        case "zeros" if raw:
            at = random.randrange(len(raw))
            raw[at : at + 4096] = bytes(len(raw[at : at + 4096]))
        case "garbage":
            raw[:] = random.randbytes(random.choice([0, 1, 100, 20_000]))
        case "gone":
            path.unlink()
            return
    _renew(path, bytes(raw))


def _renew(path: Path, content: bytes) -> None:
    """A new file: the old one may still be mapped by what was killed in this process."""
    path.unlink()
    path.write_bytes(content)
