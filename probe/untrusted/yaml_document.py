"""YAML as Prometheus reads it (go-yaml, strict): a key that is written twice is a mistake, and a
few lines of aliases can't stand for millions of values. Loads PyYAML when it is used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

MAX_VALUES = 200_000
"""Values in one document, each one counted as often as an alias repeats it."""


class InvalidYaml(ValueError):
    """The text can't be used; the message names line and remedy, and repeats no value.

    ``line`` counts from 1; None where no line can be named.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.problem, self.line = problem, line


@dataclass(frozen=True)
class YamlDocument:
    """What a text says. ``value`` consists of what YAML's safe tags make."""

    value: Any
    root: "yaml.Node | None" = field(default=None, repr=False)

    def line_of(self, place: Sequence[int | str]) -> int | None:
        """The line of the value with these keys and positions, from the outside in; the line of
        the last that is there. None for an empty document."""
        node = self.root
        line = None if node is None else _line(node)
        for part in place:
            found = _child(node, part)
            if found is None:
                break
            line, node = _line(found[0]), found[1]
        return line


def read_yaml(text: str, limit: int = MAX_VALUES) -> YamlDocument:
    """The one document of a text. Raises InvalidYaml."""
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return YamlDocument(None)
        _check(root, limit)
        return YamlDocument(loader.construct_document(root), root)
    except InvalidYaml:
        raise
    except RecursionError:
        raise InvalidYaml("it is nested too deeply") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidYaml("a control character is not valid YAML: remove it", line) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InvalidYaml(_remedy(error), None if mark is None else mark.line + 1) from None
    except (ValueError, OverflowError, TypeError):
        # Some values are left to what they are made with: dates, numbers.
        raise InvalidYaml("it holds a date or number that is none: quote it") from None


def _remedy(error: Exception) -> str:
    # The rest of PyYAML's message may repeat a value, which may be a secret.
    problem = str(getattr(error, "problem", ""))
    if r"'\t'" in problem:
        return "this is not YAML: indent with spaces instead of tabs"
    if "another document" in problem:
        return "this begins a second document: keep one"
    if "undefined alias" in problem:
        return "this is not YAML: quote a text that begins with *"
    if "constructor for the tag" in problem:
        return "this is not YAML of plain values: quote a text that begins with !"
    return "this is not YAML: check indentation, quotes and brackets"


def _check(root: "yaml.Node", limit: int) -> None:
    """Raise InvalidYaml for what is written twice, refers to itself, or is too much."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: "yaml.Node") -> int:
        key = id(node)
        if key in open_nodes:
            raise InvalidYaml("an alias refers to what it is in: remove it", _line(node))
        if key not in sizes:
            open_nodes.add(key)
            _refuse_repeated(node)
            sizes[key] = 1 + sum(map(size, _children(node)))
            open_nodes.discard(key)
        if sizes[key] > limit:
            raise InvalidYaml(f"more than {limit} values: use fewer aliases", _line(node))
        return sizes[key]

    size(root)


def _refuse_repeated(node: "yaml.Node") -> None:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidYaml("a list or mapping is no key: write a text", _line(key))
        name = (key.tag, key.value)
        if name in first:
            before = f"{key.value[:80]!r} is written twice, first in line {first[name]}"
            raise InvalidYaml(f"the key {before}: remove one of them", _line(key))
        first[name] = _line(key)


def _children(node: "yaml.Node") -> Iterator["yaml.Node"]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _child(node: "yaml.Node | None", part: int | str) -> "tuple[yaml.Node, yaml.Node] | None":
    """Where it begins, and the value."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _line(node: "yaml.Node") -> int:
    return int(node.start_mark.line) + 1
