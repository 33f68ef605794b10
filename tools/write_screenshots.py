"""Pictures of the page to step through, for the site: python tools/write_screenshots.py (needs chromium)."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# (file, width, height, dark, how often the arrow is pressed)
SHOTS = [
    ("stepping-light.png", 1240, 780, False, 7),
    ("stepping-dark.png", 1240, 780, True, 7),
    ("stepping-phone.png", 390, 780, False, 7),
]

if __name__ == "__main__":
    from PIL import Image
    from playwright.sync_api import sync_playwright
    from tools.pages.stepping import write

    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if browser is None:
        sys.exit("no browser: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        page = write(Path(folder) / "stepping.html")
        started = play.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, width, height, dark, presses in SHOTS:
            tab = started.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
            )
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]")
            for _ in range(presses):
                tab.keyboard.press("ArrowRight")
            tab.wait_for_timeout(600)
            image = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
            # As few colours as do: the files stay small.
            image.quantize(96, dither=Image.Dither.NONE).save(
                ROOT / "docs" / "_static" / name, optimize=True
            )
        started.close()
