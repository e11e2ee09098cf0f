"""YAML that people read: several lines stay several lines. Loads PyYAML when it is used."""


def dump(document: object) -> str:
    """A document as YAML, keys in their order."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes long texts as blocks."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            """Lists are indented below their key."""
            super().increase_indent(flow, False)

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    written: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return written
