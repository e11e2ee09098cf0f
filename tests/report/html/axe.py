"""axe-core in Chromium: what a page keeps from people who use assistive technology."""

import json
from functools import cache
from pathlib import Path

from tests import requirements
from tests.servers.chromium import Tab

_PROGRAM = Path(__file__).parent.parent.parent / "servers/node/node_modules/axe-core/axe.min.js"
_RUN = """
(async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return JSON.stringify({
    violations: found.violations.map((each) =>
      each.id + ": " + each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")),
    passes: found.passes.length,
  });
})()
"""


@cache
def _program() -> str:
    if not _PROGRAM.exists():
        requirements.missing("axe-core", f"no {_PROGRAM.name}")
    return _PROGRAM.read_text(encoding="utf-8")


async def violations(tab: Tab) -> list[str]:
    """The rules that the open page breaks, and where; raises AssertionError if none was
    checked."""
    await tab.evaluate(f"{_program()}; undefined")
    found = json.loads(await tab.evaluate(_RUN))
    assert found["passes"] > 10
    return [str(each) for each in found["violations"]]
