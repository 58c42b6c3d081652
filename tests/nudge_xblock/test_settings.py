"""Settings: documented, annotated, never in an operator's way, and wired into the platform's own."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.schedules import crontab
from eventtracking.django.django_tracker import DjangoTracker
from openedx_filters import PipelineStep

from nudge_xblock import filters, tracking
from nudge_xblock.apps import NudgeConfig
from nudge_xblock.settings import common, production, wiring
from predictor.tokens import BROWSER_COPIES, OTHER_NAMES, fold

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
SOURCE = "".join(
    (ROOT / f"nudge_xblock/settings/{name}.py").read_text(encoding="utf-8")
    for name in ("common", "mail", "risk")
)
READ = sorted(
    {
        name
        for folder in ("nudge_xblock", "demo")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"settings\.(NUDGE_[A-Z_]+)", path.read_text(encoding="utf-8"))
    }
)


def platform(**values: Any) -> SimpleNamespace:
    """The platform's settings as far as the plugin looks at them."""
    own: dict[str, Any] = {
        "EVENT_TRACKING_BACKENDS": {"tracking_logs": {"ENGINE": "x"}, "segmentio": {"ENGINE": "y"}},
        "OPEN_EDX_FILTERS_CONFIG": {},
        "CELERYBEAT_SCHEDULE": {},
    }
    return SimpleNamespace(**(own | values))


@pytest.mark.parametrize("name", sorted(common.defaults()))
def test_a_setting_is_documented_and_annotated_with_its_default(name: str) -> None:
    assert f"## {name}\n" in DOCS, f"docs/reference/settings.md says nothing of {name}"
    assert SOURCE.count(f".. setting_name: {name}\n") == 1
    annotated = re.search(rf"setting_name: {name}\n\s+# \.\. setting_default: (.+)\n", SOURCE)
    documented = re.search(rf"## {name}\n\nDefault: `(.+)`\n", DOCS)
    assert annotated
    assert documented
    assert annotated[1] == documented[1]
    if not annotated[1].startswith("the "):
        assert eval(annotated[1]) == common.defaults()[name]


def test_the_page_names_no_setting_that_there_is_not() -> None:
    assert set(re.findall(r"^## (NUDGE_\w+)$", DOCS, re.MULTILINE)) == set(common.defaults())


@pytest.mark.parametrize("name", READ)
def test_every_setting_that_is_read_has_a_default(name: str) -> None:
    assert name in common.defaults()


def test_every_setting_is_read_somewhere() -> None:
    assert set(common.defaults()) - set(READ) == set()


def test_an_operators_value_wins_before_and_after_the_platforms_own_file() -> None:
    settings = platform(NUDGE_CAP_PER_DAY=0)
    common.plugin_settings(settings)
    settings.NUDGE_CAP_PER_WEEK = 9  # as a configuration file sets it between the two calls
    production.plugin_settings(settings)
    assert (settings.NUDGE_CAP_PER_DAY, settings.NUDGE_CAP_PER_WEEK) == (0, 9)


def test_mutable_defaults_are_not_shared_between_settings() -> None:
    one, other = platform(), platform()
    common.plugin_settings(one)
    common.plugin_settings(other)
    one.NUDGE_TRAINING["epochs"] = 1
    assert other.NUDGE_TRAINING == {}


def test_the_event_backend_stands_beside_the_platforms_and_can_be_built(settings: Any) -> None:
    host = platform()
    common.plugin_settings(host)
    assert set(host.EVENT_TRACKING_BACKENDS) == {"tracking_logs", "segmentio", "nudge"}
    settings.EVENT_TRACKING_BACKENDS = {"nudge": host.EVENT_TRACKING_BACKENDS["nudge"]}
    built = DjangoTracker().backends["nudge"]
    assert isinstance(built.backends["inbox"], tracking.InboxBackend)
    assert built.processors[0].whitelist == frozenset(wiring.LIVE_EVENTS)


def test_the_event_backend_follows_a_list_that_an_operator_gives_later() -> None:
    host = platform()
    common.plugin_settings(host)
    host.NUDGE_LIVE_EVENTS = ["play_video"]
    production.plugin_settings(host)
    entry = host.EVENT_TRACKING_BACKENDS["nudge"]
    assert entry["OPTIONS"]["processors"][0]["OPTIONS"]["whitelist"] == ["play_video"]


def test_an_empty_list_turns_live_events_off() -> None:
    host = platform()
    common.plugin_settings(host)
    host.NUDGE_LIVE_EVENTS = []
    production.plugin_settings(host)
    assert set(host.EVENT_TRACKING_BACKENDS) == {"tracking_logs", "segmentio"}


def test_an_operators_own_entry_is_left_alone() -> None:
    own = {"ENGINE": "eventtracking.backends.routing.RoutingBackend", "OPTIONS": {"backends": {}}}
    host = platform(EVENT_TRACKING_BACKENDS={"nudge": own})
    common.plugin_settings(host)
    assert {"nudge": own} == host.EVENT_TRACKING_BACKENDS


def test_a_host_without_the_platforms_settings_is_given_none_of_them() -> None:
    host = SimpleNamespace()
    common.plugin_settings(host)
    assert all(name.startswith("NUDGE_") for name in vars(host))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, [wiring.UNIT_STEP]),
        ({"fail_silently": False, "pipeline": ["other.Step"]}, ["other.Step", wiring.UNIT_STEP]),
        (["other.Step"], ["other.Step", wiring.UNIT_STEP]),
        ("other.Step", ["other.Step", wiring.UNIT_STEP]),
    ],
)
def test_the_filter_step_joins_those_already_there(found: Any, expected: list[str]) -> None:
    host = platform(OPEN_EDX_FILTERS_CONFIG={} if found is None else {wiring.UNIT_RENDERED: found})
    common.plugin_settings(host)
    production.plugin_settings(host)
    config = host.OPEN_EDX_FILTERS_CONFIG[wiring.UNIT_RENDERED]
    assert config["pipeline"] == expected
    assert config.get("fail_silently", True) is not isinstance(found, dict)


def test_each_filter_step_is_a_class_that_there_is() -> None:
    for step in wiring.STEPS.values():
        module, _, name = step.rpartition(".")
        assert issubclass(getattr(import_module(module), name), PipelineStep)


def test_the_instructor_dashboard_finds_our_section_once() -> None:
    host = platform(MAKO_TEMPLATE_DIRS_BASE=["/openedx/edx-platform/lms/templates"])
    common.plugin_settings(host)
    production.plugin_settings(host)
    assert host.MAKO_TEMPLATE_DIRS_BASE == ["/openedx/edx-platform/lms/templates", wiring.TEMPLATES]
    assert (wiring.TEMPLATES / "nudge_xblock" / "instructor" / f"{filters.SECTION}.html").is_file()


def test_there_is_a_beat_entry_only_where_an_hour_is_named() -> None:
    host = platform()
    common.plugin_settings(host)
    assert host.CELERYBEAT_SCHEDULE == {}
    host.NUDGE_NIGHT_AT = "03:15"
    production.plugin_settings(host)
    assert host.CELERYBEAT_SCHEDULE[wiring.NIGHT] == {
        "task": "nudge_xblock.tasks.night",
        "schedule": crontab(hour=3, minute=15),
    }


def test_an_hour_that_is_none_says_so() -> None:
    with pytest.raises(ValueError, match="NUDGE_NIGHT_AT must be"):
        common.plugin_settings(platform(NUDGE_NIGHT_AT="three"))


def test_tasks_go_to_the_plugins_queue_unless_an_operator_routed_them() -> None:
    host = platform(EXPLICIT_QUEUES={wiring.NIGHT_TASK: {"queue": "night"}}, NUDGE_QUEUE="nudges")
    wiring.route_tasks(host)
    assert host.EXPLICIT_QUEUES.pop(wiring.NIGHT_TASK) == {"queue": "night"}
    assert all(route == {"queue": "nudges"} for route in host.EXPLICIT_QUEUES.values())


def test_every_task_is_routed() -> None:
    from celery import current_app

    import_module("nudge_xblock.tasks")
    ours = {name for name in current_app.tasks if name.startswith("nudge_xblock.")}
    assert ours == set(wiring.TASKS)


def test_the_running_settings_route_the_tasks(settings: Any) -> None:
    assert set(wiring.TASKS) <= set(settings.EXPLICIT_QUEUES)


@pytest.mark.parametrize("name", wiring.LIVE_EVENTS)
def test_every_live_event_means_something_to_the_predictor(name: str) -> None:
    assert fold(name).token
    assert name not in BROWSER_COPIES or BROWSER_COPIES[name] == name


def test_every_newer_name_of_an_event_is_read_live() -> None:
    assert set(OTHER_NAMES) <= set(wiring.LIVE_EVENTS)
    assert list(wiring.LIVE_EVENTS) == sorted(set(wiring.LIVE_EVENTS))


@pytest.mark.parametrize("project", ["lms.djangoapp", "cms.djangoapp"])
@pytest.mark.parametrize("kind", ["common", "production", "devstack"])
def test_the_platform_finds_the_settings(project: str, kind: str) -> None:
    where = NudgeConfig.plugin_app["settings_config"][project][kind]["relative_path"]
    assert callable(import_module(f"nudge_xblock.{where}").plugin_settings)
