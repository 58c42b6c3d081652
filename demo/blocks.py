"""The demo course's own content: text, lectures and quizzes that emit what the platform's would."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.templatetags.static import static
from lxml import etree
from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.fields import Float, Integer, List, Scope, ScopeIds, String


class UnitBlock(XBlock):
    """One page: its blocks below each other."""

    has_children = True
    display_name = String(default="", scope=Scope.settings)
    week = Integer(default=1, scope=Scope.settings)

    def student_view(self, context: dict[str, Any] | None = None) -> Fragment:
        page = Fragment()
        page.add_content('<div class="vert-mod">')
        for child_id in self.children:
            child = self.runtime.get_block(child_id)
            fragment = child.render("student_view", context)
            page.add_fragment_resources(fragment)
            page.add_content(f'<div class="vert" data-id="{child_id}">{fragment.content}</div>')
        page.add_content("</div>")
        return page


class ContentBlock(XBlock):
    """What text, lectures and quizzes share: a title, a template, and parts read from OLX."""

    template = ""
    script = ""
    parts_tag = ""
    display_name = String(default="", scope=Scope.settings)
    parts = List(default=[], scope=Scope.content)

    @classmethod
    def parse_xml(cls, node: etree._Element, runtime: Any, keys: ScopeIds) -> XBlock:
        block = runtime.construct_xblock_from_class(cls, keys)
        block.display_name = node.get("display_name", "")
        block.parts = [cls.part(child) for child in node.iterchildren(tag=etree.Element)]
        return block

    @staticmethod
    def part(node: etree._Element) -> Any:
        raise NotImplementedError

    def student_view(self, context: dict[str, Any] | None = None) -> Fragment:
        key = str(self.scope_ids.usage_id)
        html = render_to_string(
            f"demo/{self.template}.html",
            {"title": self.display_name, "parts": self.parts, "key": key, "block": self},
        )
        fragment = Fragment(html)
        if self.script:
            fragment.add_javascript_url(static("demo/blocks.js"))
            fragment.initialize_js(self.script, {"key": key})
        return fragment


class TextBlock(ContentBlock):
    """A few paragraphs."""

    template = "text"

    @staticmethod
    def part(node: etree._Element) -> str:
        return (node.text or "").strip()


class LectureBlock(ContentBlock):
    """A short silent lecture: captioned slides on a clock, with a video player's controls and events."""

    template, script = "lecture", "DemoLecture"
    has_custom_completion = True

    @staticmethod
    def part(node: etree._Element) -> dict[str, Any]:
        return {
            "title": node.get("title"),
            "seconds": float(node.get("seconds", "6")),
            "figure": node.get("figure", ""),
            "text": (node.text or "").strip(),
        }

    @property
    def duration(self) -> float:
        """In seconds."""
        return sum(slide["seconds"] for slide in self.parts)

    @XBlock.json_handler
    def finish(self, data: dict[str, Any], suffix: str = "") -> dict[str, bool]:
        self.runtime.publish(self, "completion", {"completion": 1.0})
        return {"ok": True}


class QuizBlock(ContentBlock):
    """Multiple-choice questions, graded on the server, any number of attempts."""

    template, script = "quiz", "DemoQuiz"
    has_score = True
    attempts = Integer(default=0, scope=Scope.user_state)
    grade = Float(default=0.0, scope=Scope.user_state)

    @staticmethod
    def part(node: etree._Element) -> dict[str, Any]:
        choices = list(node.iterchildren("choice"))
        return {
            "text": node.get("text"),
            "choices": [(choice.text or "").strip() for choice in choices],
            "right": next(i for i, choice in enumerate(choices) if choice.get("correct") == "true"),
            "hint": node.get("hint", ""),
        }

    @XBlock.json_handler
    def check(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """Grade ``{"answers": [choice number, …]}`` and tell the tracker, as a problem does."""
        answers = list(data.get("answers", ()))
        right = [
            i < len(answers) and answers[i] == question["right"] for i, question in enumerate(self.parts)
        ]
        self.attempts += 1
        self.grade = float(sum(right))
        success = "correct" if all(right) else "incorrect"
        key = str(self.scope_ids.usage_id)
        self.runtime.publish(
            self,
            "problem_check",
            {
                "problem_id": key,
                "answers": {f"{key}_{i}": answer for i, answer in enumerate(answers)},
                "attempts": self.attempts,
                "grade": sum(right),
                "max_grade": len(right),
                "success": success,
                "correct_map": {
                    f"{key}_{i}": {"correctness": "correct" if ok else "incorrect"}
                    for i, ok in enumerate(right)
                },
            },
        )
        if all(right):
            self.runtime.publish(self, "completion", {"completion": 1.0})
        return {
            "success": success,
            "right": right,
            "attempts": self.attempts,
            "grade": sum(right),
            "of": len(right),
        }

    @XBlock.json_handler
    def show(self, data: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """The right answers."""
        self.runtime.publish(self, "showanswer", {"problem_id": str(self.scope_ids.usage_id)})
        return {"answers": [question["right"] for question in self.parts]}
