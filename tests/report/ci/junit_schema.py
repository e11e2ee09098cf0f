"""What a JUnit file may hold: junit-10.xsd of Jenkins' xUnit plugin, which refuses any other file;
GitLab, GitHub's actions and Jenkins' own reader take what it takes.
https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

# By element: attributes that it may have (those with ! it has to), and its children.
_SCHEMA = {
    "testsuites": ("name time tests failures errors", "testsuite"),
    "testsuite": (
        "name! tests! failures! errors! group time skipped timestamp hostname id package file log"
        " url",
        "testsuite properties testcase system-out system-err",
    ),
    "properties": ("", "property"),
    "property": ("name! value!", ""),
    "testcase": ("name! time classname group", "skipped error failure system-out system-err"),
    **dict.fromkeys(("failure", "error", "skipped"), ("type message", "")),
    **dict.fromkeys(("system-out", "system-err"), ("", "")),
}
_TIME = re.compile(r"[0-9]+(\.[0-9]*)?")


def violations(document: str) -> Iterator[str]:
    """What the schema does not allow."""
    root = ET.fromstring(document.encode())
    if root.tag not in ("testsuites", "testsuite"):
        yield f"{root.tag} is the root"
    for element in root.iter():
        attributes, children = (each.split() for each in _SCHEMA[element.tag])
        known = {each.rstrip("!") for each in attributes}
        yield from (f"{element.tag} has {each}" for each in element.attrib if each not in known)
        needed = {each.rstrip("!") for each in attributes if each.endswith("!")}
        yield from (f"{element.tag} lacks {each}" for each in needed - set(element.attrib))
        yield from (
            f"{element.tag} holds {each.tag}" for each in element if each.tag not in children
        )
        if (time := element.get("time")) is not None and not _TIME.fullmatch(time):
            yield f"{element.tag} took {time}"
