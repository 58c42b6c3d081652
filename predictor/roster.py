"""The models that `evaluate` knows, by name; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from .moments import Model

INSTALL = 'pip install "nudge-xblock[train]"'


class MissingExtra(RuntimeError):
    """A package of the `train` extra is not installed."""


def _undersampled(module: str, name: str) -> Callable[[float], Model]:
    def make(ratio: float) -> Model:
        model: Model = getattr(import_module(module), name)(ratio)
        return model

    return make


def _from_everyone(module: str, name: str) -> Callable[[float], Model]:
    def make(ratio: float) -> Model:
        del ratio
        model: Model = getattr(import_module(module), name)()
        return model

    return make


_MAKERS: dict[str, Callable[[float], Model]] = {
    "logistic": _undersampled("predictor.baselines", "logistic"),
    "forest": _undersampled("predictor.baselines", "forest"),
    "knn": _undersampled("predictor.baselines", "knn"),
    "ensemble": _undersampled("predictor.baselines", "Ensemble"),
    "boosting": _from_everyone("predictor.boosting", "Boosting"),
    "lstm_features": _undersampled("predictor.recurrent", "LstmFeatures"),
    "lstm_raw": _undersampled("predictor.recurrent", "LstmRaw"),
    "risk": _from_everyone("predictor.atrisk", "Risk"),
    "ours": _from_everyone("predictor.ours", "Ours"),
    "lstm": _from_everyone("predictor.ours", "LSTM"),
}
NAMES = tuple(name for name in _MAKERS if name != "lstm")
"""What `all` stands for: not the part of ours that is the LSTM alone, which is compared when it is named."""
PAPERS = ("logistic", "forest", "knn", "ensemble", "lstm_features", "lstm_raw")
"""The paper's own models, which learn from undersampled courses."""


def chosen(text: str) -> tuple[str, ...]:
    """Model names from a comma list or "all"; ValueError names one that is not known."""
    if text.strip() == "all":
        return NAMES
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in _MAKERS]
    if unknown or not names:
        raise ValueError(
            f"--models does not know '{', '.join(unknown)}'; choose from {', '.join(NAMES)} or all"
        )
    return names


def make(name: str, ratio: float) -> Model:
    """A fresh model; MissingExtra says what to install."""
    try:
        return _MAKERS[name](ratio)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"the model {name} needs {error.name}: {INSTALL}") from None


def require(names: Sequence[str]) -> None:
    """Fail at once, not after an hour, where a model's packages are missing."""
    for name in names:
        make(name, 2.0)
