"""The XBlock `nudge`: a thin face over `api`.

A learner gets a card beside what was just done, course staff the analytics, an author the form.  Handlers
speak JSON; every one of them checks on the server who is asking.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from lxml import etree
from opaque_keys.edx.keys import CourseKey
from web_fragments.fragment import Fragment
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock
from xblock.exceptions import InvalidScopeError, JsonHandlerError
from xblock.fields import Boolean, Float, Integer, List, Scope, ScopeIds, String
from xblock.validation import Validation, ValidationMessage

from . import api, communicator_page, dashboard_texts, editing, olx, surroundings, texts, wording
from .triggers import WHENS

LOG = logging.getLogger(__name__)

REGISTER_AGAIN = 600.0
"""Seconds after which a process makes sure again that the database knows a placement as it is."""

PROGRESS = ("id", "running", "step", "progress", "failed", "promoted", "model_version")
"""What a course's staff may know of a night."""

_registered: dict[str, tuple[str, float]] = {}


@XBlock.needs("i18n", "user")
class NudgeXBlock(XBlock):  # type: ignore[misc]
    """One placement: a rule, and the wordings of what it says."""

    resources_dir = "static"
    public_dir = "nudge_xblock"
    has_author_view = True
    has_score = False
    completion_mode = XBlockCompletionMode.EXCLUDED
    icon_class = "other"

    display_name = String(default="Nudge", scope=Scope.settings)
    enabled = Boolean(default=True, scope=Scope.settings, help="Whether learners may see it at all.")
    when = String(default="problem_failed", scope=Scope.content, help="The trigger: one of triggers.WHENS.")
    item = String(
        default="", scope=Scope.content, help="What it waits for, type/name; empty: any in the unit."
    )
    attempts = Integer(default=1, scope=Scope.content, help="From which wrong try on.")
    threshold = Float(default=0.5, scope=Scope.content, help="Share of the points, 0 to 1.")
    days = Float(default=7.0, scope=Scope.content)
    hours = Float(default=48.0, scope=Scope.content)
    course_wide = Boolean(default=False, scope=Scope.content, help="May show in any unit of the course.")
    kind = String(default="review", scope=Scope.content, help="The kind of help: one of starters.KINDS.")
    audience = String(default="all", scope=Scope.content, help="all, verified or audit.")
    objective = String(
        default="vote", scope=Scope.content, help="What counts as success: one of objectives.OBJECTIVES."
    )
    objective_days = Float(
        default=7.0, scope=Scope.content, help="Days after it in which items completed count."
    )
    may_retire = Boolean(
        default=True,
        scope=Scope.settings,
        help="Whether it is held back by itself when learners complete less after it.",
    )
    variants = List(
        default=[], scope=Scope.content, help="heading, body, action_label and action_url of each."
    )

    # What it is

    @property
    def trigger(self) -> dict[str, Any]:
        """The rule as `triggers` reads it."""
        names = ("when", "attempts", "threshold", "days", "hours")
        item = surroundings.resolve(self.item, self.course_key)
        return {"item": item, **{name: getattr(self, name) for name in names}}

    @property
    def course_key(self) -> CourseKey | None:
        """The course run that this block is in; None in a library and outside any course."""
        key = self.context_key
        return key if isinstance(key, CourseKey) and not getattr(key, "library", None) else None

    def placement(self) -> dict[str, Any]:
        """All that the decision about this nudge needs, as `api.register` takes it."""
        return {
            **editing.published(self._editable()),
            "key": str(self.scope_ids.usage_id),
            "course_key": str(self.course_key),
            "variants": [
                {**variant, "action_url": self._address(variant["action_url"])} for variant in self.variants
            ],
        }

    def _address(self, url: str) -> str:
        """Studio's own short links lead to the learner's course."""
        return f"/courses/{self.course_key}{url}" if url.startswith("/jump_to_id/") else url

    def _register(self) -> bool:
        """Make sure that the database knows the placement as it is; whether this one can be shown."""
        placement = self.placement()
        content = json.dumps(placement, sort_keys=True)
        known, at = _registered.get(placement["key"], ("", 0.0))
        if content == known and time.monotonic() - at < REGISTER_AGAIN:
            return True
        try:
            api.register(placement)
        except ValidationError as error:
            LOG.warning("The nudge %s is not shown: %s", placement["key"], "; ".join(error.messages))
            return False
        except DatabaseError:
            LOG.exception("The nudge %s could not be registered", placement["key"])
            return False
        _registered[placement["key"]] = (content, time.monotonic())
        return True

    # Who is looking

    def _attribute(self, name: str) -> Any:
        user = self.runtime.service(self, "user").get_current_user()
        return user.opt_attrs.get(f"edx-platform.{name}")

    @property
    def _user_id(self) -> int | None:
        user_id = self._attribute("user_id")
        return (
            user_id if isinstance(user_id, int) and self._attribute("is_authenticated") is not False else None
        )

    def _learner(self) -> tuple[int, CourseKey] | None:
        """Whom this block may speak to, in which course; nobody in an exam, and no visitor."""
        user_id, course_key = self._user_id, self.course_key
        if user_id is None or course_key is None or not self.enabled or not self.variants:
            return None
        return None if surroundings.is_timed(self) else (user_id, course_key)

    def _staff_only(self) -> CourseKey:
        if not self._attribute("user_is_staff") or self.course_key is None:
            raise JsonHandlerError(403, _("Only the course's staff can see this."))
        return self.course_key

    # What they see

    @XBlock.supports("multi_device")  # type: ignore[untyped-decorator]
    def student_view(self, context: dict[str, Any] | None = None) -> Fragment:
        """The learner's card, or the staff's two tabs."""
        if self._attribute("user_is_staff") and self.course_key is not None:
            return self._staff_view()
        learner = self._learner()
        if learner is None or not self._register():
            return Fragment()
        item = self.trigger["item"]
        ways = surroundings.ways(self)
        watched = {key: way for key, way in ways.items() if item in ("", key)}
        fragment = self._fragment("learner", {})
        fragment.initialize_js(
            "NudgeCard",
            {
                "view": "learner",
                "text": texts.card(),
                "trigger": self.trigger,
                "problems": [key for key, way in watched.items() if way == editing.GRADED],
                "others": [key for key, way in watched.items() if way != editing.GRADED],
                "played": [key for key, way in watched.items() if way == editing.PLAYED],
                "wide": self.course_wide,
                "elsewhere": bool(item) and item not in ways,
                "letter": api.awaits(*learner),
            },
        )
        return fragment

    def public_view(self, context: dict[str, Any] | None = None) -> Fragment:
        """Nothing: visitors are not nudged."""
        return Fragment()

    def _staff_view(self) -> Fragment:
        if self.enabled and self.variants:
            self._register()
        learners = communicator_page.mount(self.course_key)
        fragment = self._fragment("staff", {**self._described(), "learners": learners is not None})
        dashboard = {
            "js": self.runtime.local_resource_url(self, "nudge_xblock/dashboard.js"),
            "css": self.runtime.local_resource_url(self, "nudge_xblock/dashboard.css"),
            "course": str(self.course_key),
            "placement": str(self.scope_ids.usage_id),
            "starts": bool(self._attribute("user_is_global_staff")),
            "text": dashboard_texts.dashboard(),
        }
        told: dict[str, Any] = {"view": "staff", "text": texts.staff(), "dashboard": dashboard}
        if learners is not None:
            script = self.runtime.local_resource_url(self, "nudge_xblock/communicator.js")
            told["communicator"] = {**learners, "js": script}
        fragment.initialize_js("NudgeCard", told)
        return fragment

    def author_view(self, context: dict[str, Any] | None = None) -> Fragment:
        """The unit page in Studio: the rule and the cards, as they will be."""
        fragment = self._fragment("author", {**self._described(), "warnings": self._warnings()})
        fragment.initialize_js("NudgeCard", {"view": "author", "text": texts.card()})
        return fragment

    def studio_view(self, context: dict[str, Any] | None = None) -> Fragment:
        """The form, which is the card."""
        items = [{"key": item.key, "label": item.label, "way": item.way} for item in surroundings.items(self)]
        state = {"fields": self._editable(), "items": items, "key": str(self.scope_ids.usage_id)}
        fragment = Fragment(render_to_string("nudge_xblock/studio.html", {"state": json.dumps(state)}))
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "nudge_xblock/studio.js"))
        fragment.initialize_js("NudgeStudio", {"text": texts.studio()})
        return fragment

    def _fragment(self, template: str, context: dict[str, Any]) -> Fragment:
        context = {"id": f"nudge-{crc32(str(self.scope_ids.usage_id).encode()):08x}", **context}
        fragment = Fragment(render_to_string(f"nudge_xblock/{template}.html", context))
        fragment.add_css_url(self.runtime.local_resource_url(self, "nudge_xblock/popup.css"))
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "nudge_xblock/popup.js"))
        return fragment

    def _described(self) -> dict[str, Any]:
        labels = {item.key: item.label for item in surroundings.items(self)}
        return {
            "sentence": wording.sentence(self.trigger, self.course_wide, labels),
            "audience": "" if self.audience == "all" else wording.AUDIENCES.get(self.audience, ""),
            "objective": wording.objective(self.objective, self.objective_days),
            "enabled": self.enabled,
            "wordings": wording.wordings(len(self.variants)),
            "previews": [
                {"letter": editing.letter(number), "variant": variant, "card": json.dumps(_card(variant))}
                for number, variant in enumerate(self.variants)
            ],
        }

    # What the page asks and says

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def ask(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """Whether to show a nudge at the moment `occasion`.  Nothing, whatever goes wrong."""
        learner = self._learner()
        if learner is None or not isinstance(data, dict) or self._attribute("user_is_staff"):
            return {"nudge": None}
        if not self._register():
            return {"nudge": None}
        occasion = data.get("occasion")
        key = str(self.scope_ids.usage_id)
        answer = api.ask(*learner, [key], occasion if isinstance(occasion, dict) else {})
        return answer.as_json()

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def respond(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """Take down that the learner's own nudge was shown, voted on, followed, put off or unwanted."""
        if self._user_id is None:
            raise JsonHandlerError(403, _("Please sign in first."))
        if not isinstance(data, dict):
            raise JsonHandlerError(400, _("An answer has a decision and what was done."))
        decision, what, key = (str(data.get(name, "")) for name in ("decision", "what", "key"))
        try:
            return api.respond(self._user_id, decision, what, _moment(data.get("at")), key)
        except PermissionDenied as error:
            raise JsonHandlerError(403, _("This nudge was shown to somebody else.")) from error
        except ValidationError as error:
            raise JsonHandlerError(400, "; ".join(error.messages)) from error

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def preferences(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """Read or, with {"stopped": bool}, change whether the learner gets nudges at all."""
        if self._user_id is None:
            raise JsonHandlerError(403, _("Please sign in first."))
        stopped = data.get("stopped") if isinstance(data, dict) else None
        if stopped is None:
            return api.preferences(self._user_id).as_json()
        return api.set_preferences(self._user_id, opted_out=bool(stopped)).as_json()

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def analytics(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """One view of the staff tab."""
        course_key = self._staff_only()
        asked = {str(name): value for name, value in data.items()} if isinstance(data, dict) else {}
        try:
            return api.analytics(course_key, str(asked.pop("view", "overview")), **asked)
        except (TypeError, ValueError) as error:
            raise JsonHandlerError(400, str(error)) from error

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def night(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """Start tonight's job now, or, with {"status": true}, tell how far it is.

        The job is the whole site's: a course's staff can watch it, but neither start it nor read its reports.
        """
        self._staff_only()
        site_wide = bool(self._attribute("user_is_global_staff"))
        if isinstance(data, dict) and data.get("status"):
            told = api.night_status()
            return told if site_wide else {name: told[name] for name in PROGRESS if name in told}
        if not site_wide:
            raise JsonHandlerError(403, _("Only staff of the whole site may do this."))
        return api.night_status(api.start_night().pk)

    # What the author does

    def _editable(self) -> dict[str, Any]:
        names = ("display_name", "course_wide", "kind", "audience", "enabled", *editing.AIM)
        return {**self.trigger, **{name: getattr(self, name) for name in names}, "variants": self.variants}

    def _warnings(self) -> list[str]:
        return editing.warnings(self._editable(), surroundings.items(self), surroundings.is_timed(self))

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def studio_submit(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """Save the form, unless something is wrong with it; with {"check": true} only say what is."""
        if not isinstance(data, dict):
            raise JsonHandlerError(400, _("The form is not complete."))
        cleaned = editing.clean(data, self._editable())
        if cleaned.errors:
            return {"ok": False, "errors": cleaned.errors, "warnings": []}
        found = editing.warnings(cleaned.fields, surroundings.items(self), surroundings.is_timed(self))
        if data.get("check"):
            return {"ok": True, "errors": {}, "warnings": found}
        try:
            for name, value in cleaned.fields.items():
                setattr(self, name, value)
            self.save()
        except InvalidScopeError as error:
            raise JsonHandlerError(403, _("A nudge can be changed in Studio only.")) from error
        return {"ok": True, "errors": {}, "warnings": found}

    def validate(self) -> Validation:
        """What Studio's unit page says about this block."""
        validation = super().validate()
        if not self.variants:
            text = _("This nudge has no message yet. Choose Edit and write one, or pick a ready one.")
            validation.add(ValidationMessage(ValidationMessage.WARNING, text))
        for text in self._warnings():
            validation.add(ValidationMessage(ValidationMessage.WARNING, text))
        return validation

    # OLX

    @classmethod
    def parse_xml(cls, node: etree._Element, runtime: Any, keys: ScopeIds) -> NudgeXBlock:
        """Read a nudge from OLX; olx.py says how it looks.  Raises BrokenOlx, with what to write instead."""
        block: NudgeXBlock = runtime.construct_xblock_from_class(cls, keys)
        for name, text in node.items():
            if name in block.fields and name not in ("parent", "children", "variants"):
                setattr(block, name, olx.field(name, block.fields[name], text))
        olx.known("when", block.when, WHENS)
        olx.known("audience", block.audience, wording.AUDIENCES)
        olx.known("objective", block.objective, wording.OBJECTIVES)
        block.variants = olx.read(node)
        return block

    def add_xml_to_node(self, node: etree._Element) -> None:
        """Write the nudge as OLX."""
        super().add_xml_to_node(node)
        node.attrib.pop("variants", None)
        for name in list(node.attrib):
            node.set(name, olx.plain(node.get(name)))
        if "item" in node.attrib:
            node.set("item", surroundings.short(self.item))
        olx.write(node, self.variants)

    @staticmethod
    def workbench_scenarios() -> list[tuple[str, str]]:
        """One nudge alone, for the workbench."""
        return [
            (
                "A nudge when the unit is seen",
                '<nudge when="unit_seen"><variant><heading>This builds on last week</heading>'
                "<body>Ten minutes with the summary will make today easier.</body></variant></nudge>",
            )
        ]


def _card(variant: dict[str, str]) -> dict[str, Any]:
    action = {"label": variant["action_label"], "url": variant["action_url"]}
    return {
        "heading": variant["heading"],
        "body": variant["body"],
        "action": action if action["label"] else None,
    }


def _moment(milliseconds: Any) -> datetime | None:
    """The time that a browser's clock gave, or None where it gave none."""
    try:
        return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
