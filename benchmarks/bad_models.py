"""Planted bad models and good ones before the product's own judges: who is refused, who is accepted.

    python -m benchmarks.bad_models [--bad N] [--good N]

Of either kind of model.  The helpfulness models learn from made logs of nudges (`vote_world`), the engagement
models from the tests' small campus, whose outcomes are made noisy here; training needs torch.  Each is handed
to the night's own judgement and promotion, beside a serving model that is good.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

BAD, GOOD = 200, 48
FLOW = ("NUDGE_COMPAT", "NUDGE_VOCABULARY_MIN_COUNT", "NUDGE_HELD_OUT_SHARE", "NUDGE_TRAINING")


class Result(NamedTuple):
    """What became of one model: `why` holds the codes of the objections."""

    plant: str
    refused: bool
    why: tuple[str, ...]


def main(argv: list[str] | None = None) -> int:
    """Plant, judge and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bad_models", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--bad", type=int, default=BAD, help="bad models of both kinds together (200)")
    parser.add_argument("--good", type=int, default=GOOD, help="good models of both kinds together (48)")
    options = parser.parse_args(argv)
    everyone: list[Result] = []
    for kind, room in (("helpfulness", "planted_votes"), ("engagement", "planted_readings")):
        with site():
            planted = importlib.import_module(f"benchmarks.{room}")
            results = list(planted.results(options.bad // 2, options.good // 2))
        show(kind, results)
        everyone += results
    good = [each for each in everyone if each.plant == "good"]
    through = [each for each in everyone if each.plant != "good" and not each.refused]
    accepted = sum(not each.refused for each in good)
    print(
        f"\nin all {len(through)} bad models came through, {accepted} of {len(good)} good ones were accepted"
    )
    return 1 if through or accepted < 0.95 * len(good) else 0


class site:
    """A site of its own: database and stores in a folder that goes away."""

    def __enter__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        os.environ["NUDGE_FLOW_DIR"] = str(folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        from tests.flow import settings as flow

        django.setup()
        for name in FLOW:
            setattr(settings, name, getattr(flow, name))
        settings.NUDGE_EVENTS_DIR, settings.NUDGE_MODEL_DIR = str(folder / "events"), str(folder / "models")
        settings.NUDGE_TRACKING_LOGS = [str(folder / "logs" / "tracking.log*")]
        connection.close()  # the one before was another site's: each is in memory
        call_command("migrate", verbosity=0)

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()


def show(kind: str, results: list[Result]) -> None:
    """A line per plant."""
    plants = sorted({each.plant for each in results if each.plant != "good"})
    bad = [each for each in results if each.plant != "good"]
    good = [each for each in results if each.plant == "good"]
    accepted = sum(not each.refused for each in good)
    print(f"\n{kind}: {sum(each.refused for each in bad)} of {len(bad)} bad models refused, "
          f"{accepted} of {len(good)} good ones accepted")  # fmt: skip
    for plant in [*plants, "good"]:
        mine = [each for each in results if each.plant == plant]
        why = Counter(code for each in mine for code in each.why)
        told = ", ".join(f"{code} {count}" for code, count in why.most_common(4))
        print(
            f"  {plant:<28} refused {sum(each.refused for each in mine)} of {len(mine)}  {told}", flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
