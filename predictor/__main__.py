"""The command line: `python -m predictor ingest | train | evaluate | predict | serve | offpolicy`.

Results go where they are asked for, progress and errors to stderr. A command that cannot do what it was asked
says so in one line and ends with 2; interrupted, with 130.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from . import commands, riskcommands, study
from .roster import INSTALL, NAMES, MissingExtra
from .store import BrokenModel, NoModel

EXPECTED = (ValueError, OSError, LookupError, BrokenModel, NoModel, FloatingPointError, MissingExtra)
OPTIONAL = {"numpy", "pyarrow", "scipy", "sklearn", "torch", "tqdm"}

Command = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where to read more, end with 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> Parser:
    """All commands and their options."""
    top = Parser(prog="python -m predictor", description="Prediction over learners' event streams.")
    subs = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    _ingest(subs.add_parser("ingest", help="tracking logs or event tables into an event store"))
    _train(subs.add_parser("train", help="fit the engagement model and let it serve"))
    _evaluate(subs.add_parser("evaluate", help="compare models on courses they have not seen"))
    _predict(subs.add_parser("predict", help="probabilities of every enrolment at a time"))
    _serve(subs.add_parser("serve", help="the predictor behind HTTP"))
    _offpolicy(subs.add_parser("offpolicy", help="what another policy would have earned"))
    return top


def _ingest(command: Parser) -> None:
    command.add_argument("logs", nargs="+", metavar="LOG", help="file, folder or glob; - for standard input")
    command.add_argument("--out", required=True, metavar="EVENTS_DIR", help="event store, made where missing")
    command.add_argument("--workers", type=int, help="helper processes for large logs (one per core)")
    command.set_defaults(run=commands.ingest)


def _train(command: Parser) -> None:
    _inputs(command)
    _clock(command)
    command.add_argument(
        "--target", required=True, action="append", metavar="NAME", help="outcome column; may be repeated"
    )
    command.add_argument("--store", required=True, metavar="DIR", help="model store")
    command.add_argument(
        "--leave-days", type=float, metavar="N", help="also predict 'leave': no event for N days (2)"
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a field of TrainConfig: epochs=8",
    )
    command.add_argument(
        "--promote",
        choices=("earned", "always", "never"),
        default="earned",
        help="let it serve: if it is no worse than the one that does (earned), always or never",
    )
    command.add_argument(
        "--no-stack",
        dest="stack",
        action="store_false",
        help="the LSTM alone, in a third of the time; else `predict` stacks it with boosting",
    )
    _seed_and_threads(command)
    _model(command, "fit", commands.train, riskcommands.train)


def _evaluate(command: Parser) -> None:
    _inputs(command)
    _clock(command)
    command.add_argument("--target", required=True, metavar="NAME", help="outcome column")
    command.add_argument("--at", required=True, help="moments since the clock's zero, e.g. 7d,14d or 1w,2w")
    command.add_argument("--json", required=True, metavar="OUT", help="result; a page lies beside it")
    command.add_argument("--folds", type=int, metavar="N", help="course folds (5)")
    command.add_argument("--test-events", metavar="E2", help="test on these events instead of folds")
    command.add_argument("--test-outcomes", metavar="O2", help="outcomes of the test events")
    command.add_argument("--models", default="all", help=f"comma list of {', '.join(NAMES)}; or all")
    command.add_argument(
        "--undersample",
        type=float,
        default=2.0,
        metavar="RATIO",
        help="in the paper's models (2); 0: no",
    )
    command.add_argument(
        "--inflation", action="store_true", help="also test with every course in training; doubles the time"
    )
    command.add_argument(
        "--slices",
        default="",
        metavar="GROUPS",
        help="table of learners, or comma list of columns of the outcome table, to compare groups by",
    )
    _seed_and_threads(command)
    command.set_defaults(run=study.evaluate)


def _predict(command: Parser) -> None:
    command.add_argument("--events", required=True, metavar="E", help="event store or table")
    command.add_argument("--store", required=True, metavar="DIR", help="model store")
    command.add_argument("--at", required=True, metavar="TIME", help="ISO time; UTC where it tells no offset")
    command.add_argument("--out", required=True, metavar="FILE", help="CSV, or Parquet by its ending")
    command.add_argument("--outcomes", metavar="O", help="table of learners and course starts to predict for")
    _model(command, "ask", commands.predict, riskcommands.predict)


def _serve(command: Parser) -> None:
    command.add_argument("--store", required=True, metavar="DIR", help="model store")
    command.add_argument("--host", default="127.0.0.1", help="address (127.0.0.1)")
    command.add_argument("--port", type=int, default=8765, help="port (8765); 0 takes a free one")
    command.add_argument("--token-file", metavar="FILE", help="callers must send the token in it")
    command.set_defaults(run=commands.serve)


def _offpolicy(command: Parser) -> None:
    command.add_argument(
        "--decisions", required=True, metavar="TABLE", help="decision_id, arm, propensity, reward, p_<arm>…"
    )
    command.add_argument("--json", required=True, metavar="OUT", help="result")
    command.add_argument("--seed", type=int, default=0, help="of the reward model's folds (0)")
    command.set_defaults(run=commands.offpolicy)


def _inputs(command: Parser) -> None:
    command.add_argument("--events", required=True, metavar="E", help="event store or table (CSV, Parquet)")
    command.add_argument("--outcomes", required=True, metavar="O", help="outcome table (CSV, Parquet)")


def _model(command: Parser, verb: str, engagement: Command, risk: Command) -> None:
    command.add_argument(
        "--model",
        choices=("engagement", "risk"),
        default="engagement",
        help=f"which to {verb}: the LSTM with its stack, or who is at risk and why (engagement)",
    )
    command.add_argument(
        "--features",
        metavar="TABLE",
        help="of the risk model: numbers of learners, such as assignments.missed",
    )
    command.set_defaults(run=lambda options: (risk if options.model == "risk" else engagement)(options))


def _clock(command: Parser) -> None:
    command.add_argument(
        "--clock",
        choices=("course", "learner"),
        default="course",
        help="from whose start (course)",
    )


def _seed_and_threads(command: Parser) -> None:
    command.add_argument("--seed", type=int, default=0, help="of everything random (0)")
    command.add_argument("--threads", type=int, metavar="N", help="threads of the numeric libraries")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = parser().parse_args(arguments)
    run: Command = options.run
    try:
        return run(options)
    except KeyboardInterrupt:
        return _complain(options.command, "interrupted; the same command goes on where it stopped", 130)
    except ImportError as error:
        return _complain(options.command, _missing(error), 2)
    except EXPECTED as error:
        return _complain(options.command, _one_line(error), 2)


def _missing(error: ImportError) -> str:
    package = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in OPTIONAL:
        return f"this needs {package}: {INSTALL}"
    return _one_line(error)


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the system'}: {error.strerror}"
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(text.split()) or type(error).__name__


def _complain(command: str, message: str, status: int) -> int:
    print(f"python -m predictor {command}: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
