"""Write the snapshot anew: ``python -m tests.contract``. What vanishes from it is a break."""

import asyncio
import json
import tempfile
from pathlib import Path

from tests.contract import SNAPSHOT
from tests.contract.live import live
from tests.contract.surface import database_files, static, toml_keys


async def _all() -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        files = await database_files(Path(folder) / "data")
        facts = await live(Path(folder))
    # What a busy machine shows and an idle one doesn't.
    facts = {
        section: [line for line in lines if "disturbed" not in line]
        for section, lines in facts.items()
    }
    return {**static(), "probe.toml": toml_keys(), "database": files, **facts}


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(asyncio.run(_all()), indent=1) + "\n", encoding="utf-8")
