"""``python -m tests.dashboards FOLDER [SECONDS]``: pictures of all dashboards, from a lab with
faults that is watched for so long (150 s)."""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from dashboards.build import FOLDER
from tests.dashboards.drawing import picture
from tests.dashboards.scene import scene
from tests.servers.chromium import Chromium


async def main(target: Path, seconds: float) -> None:
    """Draw them as SVG and PNG."""
    with tempfile.TemporaryDirectory() as work:
        async with scene(Path(work)) as made, Chromium(Path(work)) as chromium:
            start = time.time()
            await asyncio.sleep(seconds / 3)
            made.lab.set_knob("primary.error", "486")
            await asyncio.sleep(seconds / 3)
            made.lab.set_knob("backend.redis", "down")
            await asyncio.sleep(seconds / 3)
            for path in sorted(FOLDER.glob("*.json")):
                document = json.loads(path.read_text(encoding="utf-8"))
                if not document["panels"]:
                    continue
                drawn = target / f"{path.stem}.svg"
                drawn.write_text(
                    await picture(document, made.prometheus, start, time.time()), encoding="utf-8"
                )
                async with await chromium.tab() as tab:
                    await tab.screen(1360, 900)
                    await tab.open(drawn.resolve().as_uri())
                    drawn.with_suffix(".png").write_bytes(await tab.screenshot())
                print(drawn.with_suffix(".png"))


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 150.0))
