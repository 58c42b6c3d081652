"""Course-general names of learner actions.

An Open edX event type is either a name (`play_video`) or, for requests logged by the platform's middleware,
the path of a URL. Both are folded by meaning into one set of tokens that means the same in every course. The
names follow the list published with Le & Pardos' Communicator study wherever the meaning is the same.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

ASSET = "page asset or background request"
BEHIND = "request of a page or block to its server"
AUTHORING = "course authoring"
OUTSIDE = "outside any course"
UNUSABLE = "unusable event type"
UNIT_PAGE = "unit page"
"""Not yet a token: a unit's own page, opened by a learner or by Studio, as the request's query tells."""
LONGEST_NAME = 120


class Folded(NamedTuple):
    """What an event type means: a `token`, or the `reason` why it is no learner action."""

    token: str = ""
    reason: str = ""
    course: str = ""
    """Course run named by the path, not yet checked."""
    item: str = ""


# The platform's log has the older name beside the newer one; live events and phones bring the newer alone.
OTHER_NAMES = {
    "edx.course.home.resume_course.clicked": "resume_course",
    "edx.ui.lms.sequence.next_selected": "seq_next",
    "edx.ui.lms.sequence.previous_selected": "seq_prev",
    "edx.ui.lms.sequence.tab_selected": "seq_goto",
    "edx.video.completed": "complete_video",
    "edx.video.language_menu.hidden": "video_hide_cc_menu",
    "edx.video.language_menu.shown": "video_show_cc_menu",
    "edx.video.loaded": "load_video",
    "edx.video.paused": "pause_video",
    "edx.video.played": "play_video",
    "edx.video.position.changed": "seek_video",
    "edx.video.seeked": "seek_video",
    "edx.video.speed.changed": "speed_change_video",
    "edx.video.stopped": "stop_video",
    "edx.video.transcript.hidden": "hide_transcript",
    "edx.video.transcript.shown": "show_transcript",
}

BROWSER_COPIES = {
    "problem_check": "problem_check",
    "problem_graded": "problem_check",
    "problem_reset": "reset_problem",
    "problem_save": "save_problem",
}
"""Names that a browser emits for an action that the server logs too, and better: name -> the server's."""

_COURSE = r"(?P<course>[^/+]+:[^/]+|[^/]+/[^/]+/[^/]+)"
_IN_COURSE = re.compile(rf"^/(?:learning/)?courses?/{_COURSE}(?:/(?P<rest>.*))?$", re.DOTALL)
_API = re.compile(r"^/api/.*?(?P<course>course-v1:[^/?]+)")
_USAGE = re.compile(r"(?:block-v1|i4x|ccb-block-v1):[^/?#]+|i4x://[^/]+/[^/]+/[^/]+/[^/?#]+")
_UNIT_PAGE = re.compile(r"^/xblock/(?=(?:block-v1|i4x|ccb-block-v1):)[^/]+(?:;_[^/]+)*/?$")
_AUTHORING = re.compile(
    r"^/(?:course|container|unit|subsection|settings|import|import_status|export|export_status|assets|tabs|textbooks"
    r"|course_team|course_info|course_info_update|checklists|group_configurations|videos|xblock"
    r"|transcripts|preview|home|organizations|orphan|utilities|library|library_team)(?:/|$)"
)
_STATIC_ASSET = re.compile(
    r"\.(?:js|css|png|jpe?g|gif|svg|ico|woff2?|map|ttf)$|^/(?:static|jsi18n|i18n\.js|asset|c4x)"
)

_VERBS = {
    "close": "close",
    "delete": "delete",
    "downvote": "downvote",
    "endorse": "endorse",
    "flagAbuse": "flag",
    "follow": "follow",
    "pin": "pin",
    "reply": "reply",
    "unFlagAbuse": "unflag",
    "unfollow": "unfollow",
    "unpin": "unpin",
    "unvote": "unvote",
    "update": "update",
    "upvote": "upvote",
}
_POSTS = {"thread": "thread discussion", "comment": "discussion comment"}

# Path inside a course -> token; the first match wins.
_PAGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), token)
    for pattern, token in (
        (r"^(?:course|home)?/?$", "homepage"),
        (r"^info(?:/|$)", "info page"),
        (r"^(?:progress|dates_progress)(?:/|$)", "progress page"),
        (r"^about(?:/|$)", "about page"),
        (r"^syllabus(?:/|$)", "syllabus page"),
        (r"^dates(?:/|$)", "dates page"),
        (r"^bookmarks(?:/|$)", "bookmarks page"),
        (r"^teams(?:/|$)", "teams page"),
        (r"^notes(?:/|$)|^edxnotes", "notes page"),
        (r"^search(?:/|$)|^courseware_search", "course search"),
        (r"^jump_to_id(?:/|$)", "jump_to_id"),
        (r"^jump_to(?:/|$)", "jump_to"),
        (r"^(?:courseware|courseware-.*)(?:/|$)", "courseware_load"),
        (r"^(?:pdfbook|htmlbook|book)(?:/|$)", "book"),
        (r"^(?:wiki|course_wiki)(?:/|$)", "wiki homepage"),
        (
            r"^(?:instructor|legacy_instructor_dash|submission_history|list_forum_members|gradebook)",
            "instructor page",
        ),
        (r"^discussion/upload", "upload to discussion"),
        (r"^discussion/users$", "view users"),
        (r"^discussion/(?:forum/)?users/", "view users"),
        (r"^discussion/forum/search", "edx.forum.searched"),
        (r"^discussion/forum/[^/]+/inline", "inline discussion"),
        (r"^discussion/forum/[^/]+/threads/", "thread discussion"),
        (r"^discussion/forum(?:/|$)|^discussion/?$", "forum homepage"),
        (r"^discussion/[^/]+/threads/create", "create discussion"),
        (r"^discussion/[^/]+/(?:un)?follow", "follow topic discussion"),
        (r"^discussion/[^/]+/inline", "inline discussion"),
        (r"^discussion(?:/|$)", "other discussion"),
        (r"^(?:[0-9a-f]{32}|tab/.*|[0-9a-f]{8}-[0-9a-f-]{27})/?$", "static page"),
    )
)
_POST = re.compile(r"^discussion/(?P<kind>thread|comment)s/[^/]+/(?P<verb>\w+)")


def post_action(rest: str) -> str:
    """The token of a request that changes one forum post, or nothing."""
    match = _POST.match(rest)
    if not match or match["verb"] not in _VERBS:
        return ""
    return f"{_VERBS[match['verb']]} {_POSTS[match['kind']]}"


def usage_key(text: str) -> str:
    """The first block's key in a path, `i4x:;_;_Org` escapes undone; nothing when there is none."""
    match = _USAGE.search(text.replace(";_", "/"))
    return match[0] if match else ""


def fold_course_path(course: str, rest: str) -> Folded:
    """Meaning of the path `rest` inside `course`."""
    if rest.startswith(("xblock/", "modx/", "aside/")):
        return Folded(reason=BEHIND, course=course)
    token = post_action(rest) or next((name for pattern, name in _PAGES if pattern.match(rest)), "other page")
    return Folded(token, course=course, item=usage_key(rest))


def fold_path(path: str) -> Folded:
    """Meaning of the URL path that the platform's middleware logged."""
    plain = unquote(path.partition("?")[0])
    if _STATIC_ASSET.search(plain):
        return Folded(reason=ASSET)
    inside = _IN_COURSE.match(plain)
    if inside and not plain.startswith("/course/"):
        return fold_course_path(inside["course"], inside["rest"] or "")
    if _UNIT_PAGE.match(plain):
        return Folded(UNIT_PAGE, item=usage_key(plain))
    if _AUTHORING.match(plain):
        return Folded(reason=AUTHORING)
    if api := _API.match(plain):
        return Folded(reason=BEHIND, course=api["course"])
    return Folded(reason=OUTSIDE)


@lru_cache(maxsize=65536)
def fold(event_type: str) -> Folded:
    """Meaning of an event type, whether a name or a URL path. Same input, same answer; never raises."""
    if event_type.startswith("/"):
        return fold_path(event_type)
    if event_type.startswith(("http://", "https://")):
        return fold_path("/" + event_type.partition("://")[2].partition("/")[2])
    name = OTHER_NAMES.get(event_type, event_type)
    if len(name) > LONGEST_NAME or not name.isprintable():
        return Folded(reason=UNUSABLE)
    return Folded(name)
