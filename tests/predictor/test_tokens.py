"""Event types are folded by meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.tokens import ASSET, AUTHORING, BEHIND, OUTSIDE, UNUSABLE, Folded, fold, usage_key

PLACES = ["/courses/course-v1:a+b+c", "/courses/Org/Course/Run", "/courses/course-v1%3Aa%2Bb%2Bc"]
PAGES = {
    "": "homepage",
    "/": "homepage",
    "/about": "about page",
    "/bookmarks/": "bookmarks page",
    "/course/": "homepage",
    "/courseware": "courseware_load",
    "/courseware/a/b/1?activate_block_id=x": "courseware_load",
    "/dates": "dates page",
    "/discussion/comments/1/endorse": "endorse discussion comment",
    "/discussion/comments/1/flagAbuse": "flag discussion comment",
    "/discussion/comments/1/reply": "reply discussion comment",
    "/discussion/forum": "forum homepage",
    "/discussion/forum/": "forum homepage",
    "/discussion/forum/search": "edx.forum.searched",
    "/discussion/forum/t1/inline": "inline discussion",
    "/discussion/forum/t1/threads/2": "thread discussion",
    "/discussion/forum/users/3": "view users",
    "/discussion/t1/threads/create": "create discussion",
    "/discussion/threads/1/delete": "delete thread discussion",
    "/discussion/threads/1/follow": "follow thread discussion",
    "/discussion/threads/1/reply": "reply thread discussion",
    "/discussion/threads/1/unfollow": "unfollow thread discussion",
    "/discussion/threads/1/update": "update thread discussion",
    "/discussion/threads/1/upvote": "upvote thread discussion",
    "/discussion/upload": "upload to discussion",
    "/info": "info page",
    "/instructor/api/list_forum_members": "instructor page",
    "/jump_to_id/x": "jump_to_id",
    "/pdfbook/0/chapter/1": "book",
    "/progress": "progress page",
    "/progress/41": "progress page",
    "/tidal_table": "other page",
    "/wiki/C/": "wiki homepage",
}
SHARED = {
    "play_video": "play_video",
    "edx.video.played": "play_video",
    "edx.video.seeked": "seek_video",
    "edx.video.language_menu.hidden": "video_hide_cc_menu",
    "edx.ui.lms.sequence.previous_selected": "seq_prev",
    "textbook.pdf.page.scrolled": "textbook.pdf.page.scrolled",
    "openassessmentblock.peer_assess": "openassessmentblock.peer_assess",
}
REASONS = {
    "/": OUTSIDE,
    "/dashboard": OUTSIDE,
    "/favicon.ico": ASSET,
    "/static/x": ASSET,
    "/api/courseware/course/course-v1:a+b+c": BEHIND,
    "/courses/course-v1:a+b+c/xblock/block-v1:a+b+c+type@problem+block@p/handler/problem_get": BEHIND,
    "/course/course-v1:a+b+c": AUTHORING,
    "/settings/details/course-v1:a+b+c": AUTHORING,
    "/xblock/container/block-v1:a+b+c+type@vertical+block@v": AUTHORING,
    "x" * 200: UNUSABLE,
    "bell\x07": UNUSABLE,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("page", PAGES)
def test_pages_mean_the_same_in_every_course(place: str, page: str) -> None:
    folded = fold(place + page)
    assert folded.token == PAGES[page]
    assert folded.course == place.removeprefix("/courses/").replace("%3A", ":").replace("%2B", "+")
    assert fold("https://learn.example" + place + page) == folded


@pytest.mark.parametrize("name", SHARED)
def test_names_of_one_action_share_a_token(name: str) -> None:
    assert fold(name) == Folded(SHARED[name])


@pytest.mark.parametrize("event_type", REASONS)
def test_what_is_no_action_in_a_course_has_a_reason(event_type: str) -> None:
    assert fold(event_type).token == ""
    assert fold(event_type).reason == REASONS[event_type]


@given(st.text(max_size=60) | st.text(max_size=60).map(lambda text: "/courses/" + text))
def test_every_text_has_a_meaning_or_a_reason(event_type: str) -> None:
    folded = fold(event_type)
    assert bool(folded.token) != bool(folded.reason) or not event_type


def test_usage_keys_are_found_in_both_forms() -> None:
    assert usage_key("xblock/i4x:;_;_Org;_Course;_problem;_p/handler/x") == "i4x://Org/Course/problem/p"
    assert usage_key("jump_to/block-v1:a+b+c+type@video+block@v") == "block-v1:a+b+c+type@video+block@v"
    assert usage_key("courseware/a/b") == ""
