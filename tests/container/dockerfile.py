"""The Dockerfile's stages and instructions, as dockerfile-parse reads them."""

import json
import re
import shlex
from pathlib import Path

from dockerfile_parse import DockerfileParser
from msgspec import Struct, field

# Names of variables that must stand in no file.
SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|_KEY|WEBHOOK|DSN|CREDENTIAL", re.IGNORECASE)


class Instruction(Struct, frozen=True):
    """One instruction: its name in capitals and what follows it, without flags, on one line."""

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
    def pairs(self) -> dict[str, str]:
        """The NAME=VALUE of ENV, LABEL and ARG; an ARG without a value has an empty one."""
        split = (word.partition("=") for word in shlex.split(self.value))
        return {name: value for name, _, value in split}


class Stage(Struct, frozen=True):
    """A FROM and what follows up to the next."""

    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        """Every instruction of this name, in order."""
        return [instruction for instruction in self.instructions if instruction.name == name]

    def last(self, name: str) -> Instruction:
        """The one that counts. Raises IndexError if there is none."""
        return self.all(name)[-1]

    @property
    def environment(self) -> dict[str, str]:
        """All of ENV, in which $NAME still stands for itself."""
        return {name: value for env in self.all("ENV") for name, value in env.pairs.items()}


def read_dockerfile(path: Path) -> list[Stage]:
    """The stages in their order."""
    stages: list[Stage] = []
    for part in DockerfileParser(str(path)).structure:
        name, value = part["instruction"], part["value"]
        if name == "FROM":
            base, *rest = value.split()
            stages.append(Stage(base, rest[1] if rest else None))  # FROM base [AS name]
        elif name != "COMMENT":
            stages[-1].instructions.append(_instruction(name, value))
    return stages


def _instruction(name: str, rest: str) -> Instruction:
    flags = {}
    while match := re.match(r"\s*--([\w-]+)=(\S+)\s+", rest):
        flags[match[1]] = match[2]
        rest = rest[match.end() :]
    return Instruction(name.upper(), flags, rest.strip())
