"""Labels, training, judgement and promotion alone."""

from __future__ import annotations

from nudge_xblock import api

from . import nudge_nightly


class Command(nudge_nightly.Command):
    """The exit codes of nudge_nightly."""

    help = (
        "Label, train, judge and promote models from the events already stored, without reading logs or "
        "refreshing predictions; run nudge_refresh afterwards."
    )
    work = staticmethod(api.train)
