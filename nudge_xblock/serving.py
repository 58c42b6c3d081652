"""The models that serve, read once per process and looked at again every half minute; numpy alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from django.conf import settings

from predictor.helpfulness import HelpfulnessModel
from predictor.store import ModelStore
from predictor.streaming import Streamer

LOG = logging.getLogger(__name__)

ENGAGEMENT = "engagement"
HELPFULNESS = "helpfulness"
RECHECK_SECONDS = 30.0
NO_MODEL = "no_model"
BROKEN_MODEL = "broken_model"

Model = TypeVar("Model")


class Served(NamedTuple, Generic[Model]):
    """A model and its version, or None and why there is none."""

    model: Model | None
    version: str
    why: str


class Shelf(Generic[Model]):
    """The current model of one kind.  Never raises: no model, and a broken one, are answers."""

    def __init__(self, kind: str, load: Callable[[ModelStore, str], Model]) -> None:
        self._kind = kind
        self._load = load
        self._lock = Lock()
        self._served: Served[Model] = Served(None, "", NO_MODEL)
        self._checked: tuple[str, float] | None = None

    def current(self) -> Served[Model]:
        """Return what serves now, as of at most RECHECK_SECONDS ago."""
        place, now = str(settings.NUDGE_MODEL_DIR), time.monotonic()
        if self._checked and self._checked[0] == place and now - self._checked[1] < RECHECK_SECONDS:
            return self._served
        # Who comes while another thread looks gets the model of a moment ago rather than wait for the disk.
        if self._lock.acquire(blocking=self._checked is None):
            try:
                self._served = self._look(place)
                self._checked = (place, now)
            finally:
                self._lock.release()
        return self._served

    def forget(self) -> None:
        """Look at the disk again at the next question: after a promotion in this very process."""
        self._checked = None

    def _look(self, place: str) -> Served[Model]:
        store = ModelStore(place)
        try:
            version = store.current(self._kind)
            if version is None:
                return Served(None, "", NO_MODEL)
            if version == self._served.version and self._served.model is not None:
                return self._served
            return Served(self._load(store, version), version, "")
        except Exception:
            LOG.exception("The %s model in %s cannot serve", self._kind, place)
            return Served(None, "", BROKEN_MODEL)


def _helpfulness(store: ModelStore, version: str) -> HelpfulnessModel:
    tensors, manifest = store.load(HELPFULNESS, version)
    return HelpfulnessModel.from_tensors(tensors, manifest["names"], manifest.get("engagement", ""))


engagement: Shelf[Streamer] = Shelf(ENGAGEMENT, Streamer.load)
helpfulness: Shelf[HelpfulnessModel] = Shelf(HELPFULNESS, _helpfulness)
