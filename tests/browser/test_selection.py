"""The browser's rule of who is chosen is the server's: both are run on the same cases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser

from nudge_xblock.communicator.selection import NAMED, NEVER, REASONS, RISKS, TIERS, UNKNOWN, bits

from .conftest import ROOT

pytestmark = pytest.mark.browser
SOURCE = ROOT / "frontend" / "src" / "learners" / "selection.js"
GOLDEN = json.loads(
    (ROOT / "tests" / "nudge_xblock" / "communicator" / "selections.json").read_text(encoding="utf-8")
)
RUN = """([learners, query]) => {
    const { parse, query: written, matches, Unreadable } = window.twin;
    try {
        const selection = parse(query, learners);
        const rows = learners.columns.seen.map((_, row) => row);
        return {
            matches: rows.filter((row) => matches(selection, learners, row)),
            canonical: written(selection),
            again: written(parse(written(selection), learners)),
        };
    } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        return null;
    }
}"""


@pytest.fixture(scope="module")
def twin(browser: Browser) -> Any:
    page = browser.new_page()
    names = "parse, query, matches, Unreadable"
    source = SOURCE.read_text(encoding="utf-8") + f"\nwindow.twin = {{ {names} }};"
    page.add_script_tag(type="module", content=source)
    page.wait_for_function("window.twin")
    learners = GOLDEN["learners"]
    modes = sorted({row["mode"] for row in learners})
    columns = {
        name: [UNKNOWN if row[name] is None else row[name] for row in learners]
        for name in ("pass", "complete", "leave", "progress")
    }
    columns["seen"] = [NEVER if row["seen"] == "never" else row["seen"] for row in learners]
    columns["mode"] = [modes.index(row["mode"]) for row in learners]
    columns["reasons"] = [int(bits(row["reasons"])) for row in learners]
    for key, known in NAMED.items():
        columns[key] = [known.index(row[key]) + 1 if row[key] else 0 for row in learners]
    lists = {"reasons": list(REASONS), "tiers": list(TIERS), "risks": list(RISKS)}
    told = {"columns": columns, "modes": modes, "names": [row["who"] for row in learners], **lists}
    yield lambda query: page.evaluate(RUN, [told, query])
    page.close()


def test_an_address_chooses_in_the_browser_whom_the_server_chooses(twin: Any) -> None:
    for case in GOLDEN["cases"]:
        found = twin(case["query"])
        assert found is not None, case
        assert found["matches"] == case["matches"], case
        assert found["canonical"] == found["again"] == case["canonical"], case


def test_what_the_server_refuses_the_browser_refuses(twin: Any) -> None:
    assert [query for query in GOLDEN["refused"] if twin(query) is not None] == []
