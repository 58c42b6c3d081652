"""The page around a unit of the demo: as tall as what is in it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser
TALL = 3000
MORE = f"(body) => body.insertAdjacentHTML('beforeend', '<p id=more style=height:{TALL}px>')"
FRAMED = """(condition) => {
    const frame = document.getElementById("unit-iframe");
    const tall = frame.clientHeight;
    const fits = tall === frame.contentDocument.body.scrollHeight;
    return fits && (condition === "grown" ? tall > TALL : tall < TALL);
}""".replace("TALL", str(TALL))


def test_the_frame_is_as_tall_as_its_unit_also_when_that_shrinks(visit: Any) -> None:
    page = visit().open().page
    unit = page.frame_locator("#unit-iframe")
    unit.locator(".demo-quiz fieldset").first.wait_for()
    unit.locator("body").evaluate(MORE)
    page.wait_for_function(FRAMED, arg="grown")
    unit.locator("#more").evaluate("(more) => more.remove()")
    page.wait_for_function(FRAMED, arg="shrunk")
