"""Reads a Dockerfile and a .dockerignore, as far as ours go."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

# Names of variables that must stand in no file.
SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|_KEY|WEBHOOK|DSN|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, its flags, and what follows them on one line."""

    name: str
    flags: dict[str, str]
    value: str

    @property
    def words(self) -> list[str]:
        """The exec form's list, or the words of a plain list such as COPY's."""
        if self.value.startswith("["):
            return [str(word) for word in json.loads(self.value)]
        return self.value.split()

    @property
    def command(self) -> list[str]:
        """What RUN, CMD and ENTRYPOINT start: the exec form as it is, a shell for the other."""
        return self.words if self.value.startswith("[") else ["/bin/sh", "-c", self.value]

    @property
    def pairs(self) -> dict[str, str]:
        """The NAME=VALUE of ENV, LABEL and ARG; an ARG without a value has an empty one."""
        split = (word.partition("=") for word in shlex.split(self.value))
        return {name: value for name, _, value in split}


@dataclass(frozen=True, slots=True)
class Stage:
    """A FROM and what follows up to the next; the base may be the name of an earlier stage."""

    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]

    def last(self, name: str) -> Instruction:
        """The one that counts. Raises LookupError if there is none."""
        found = self.all(name)
        if not found:
            raise LookupError(f"no {name} in the stage from {self.base}")
        return found[-1]

    @property
    def environment(self) -> dict[str, str]:
        """All of ENV, in which $NAME still stands for itself."""
        return {name: value for env in self.all("ENV") for name, value in env.pairs.items()}

    @property
    def healthcheck(self) -> Instruction:
        """HEALTHCHECK's CMD. Raises LookupError if there is none."""
        return _instruction(self.last("HEALTHCHECK").value)


def read_dockerfile(text: str) -> list[Stage]:
    """The stages in their order. Raises ValueError for what this reader doesn't know."""
    stages: list[Stage] = []
    for line in _logical_lines(text):
        instruction = _instruction(line)
        if instruction.name == "FROM":
            base, *rest = instruction.words
            stages.append(Stage(base, rest[1] if rest else None))  # FROM base [AS name]
        elif stages:
            stages[-1].instructions.append(instruction)
        else:
            raise ValueError(f"{instruction.name} before the first FROM")
    return stages


def _logical_lines(text: str) -> Iterator[str]:
    """Lines with their continuations; comments go, also from between continuations."""
    if "<<" in text:
        raise ValueError("this reader knows no here-documents")
    whole = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not line.strip():
            continue
        whole += line.rstrip().removesuffix("\\")
        if not line.rstrip().endswith("\\"):
            yield whole.strip()
            whole = ""


def _instruction(line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    flags = {}
    while match := re.match(r"\s*--([\w-]+)=(\S+)\s+", rest):
        flags[match[1]] = match[2]
        rest = rest[match.end() :]
    return Instruction(name.upper(), flags, rest.strip())


class Ignore:
    """A .dockerignore: the last pattern that a path or a folder above it matches decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        patterns = [line for line in lines if line and not line.startswith("#")]
        self._rules = [(not line.startswith("!"), _matcher(line)) for line in patterns]

    def excludes(self, path: PurePosixPath) -> bool:
        """Whether the file stays out of the build."""
        tries = [path, *path.parents][:-1] if path.parts else []
        excluded = False
        for excludes, matcher in self._rules:
            if any(matcher.fullmatch(str(candidate)) for candidate in tries):
                excluded = excludes
        return excluded

    def context(self, root: Path) -> Iterator[PurePosixPath]:
        """The files below root that go into the build."""
        for entry in sorted(root.iterdir()):
            if not self.excludes(PurePosixPath(entry.name)):  # so no `!` below it is known here
                yield from self._below(root, entry)

    def _below(self, root: Path, entry: Path) -> Iterator[PurePosixPath]:
        files = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
        for file in files:
            path = PurePosixPath(file.relative_to(root).as_posix())
            if file.is_file() and not self.excludes(path):
                yield path


def _matcher(pattern: str) -> re.Pattern[str]:
    """`*` within a name, `**/` for any folders, as Docker reads them."""
    escaped = re.escape(pattern.removeprefix("!").strip("/"))
    return re.compile(escaped.replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*"))
