"""Tracking-log lines in the shape that the platform writes, made up and the same for the same seed."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
START: Final = datetime(2016, 1, 11, tzinfo=UTC)

# Kinds of lines and how often they come, in the order of the list published with the Communicator study; a
# browser's copy of problem_check and requests to a block's handler come beside it, as they do in real logs.
KINDS: Final = {
    "play_video": 16,
    "/courses/{course}/courseware/{chapter}/{sequence}/": 13,
    "page_close": 10,
    "pause_video": 9,
    "load_video": 8,
    "seq_goto": 7,
    "seek_video": 6,
    "problem_check": 9,
    "browser problem_check": 4,
    "problem_graded": 3,
    "/courses/{course}/xblock/{problem}/handler/xmodule_handler/problem_get": 4,
    "seq_next": 4,
    "/courses/{course}/info": 3,
    "showanswer": 2,
    "/courses/{course}/discussion/forum": 1,
    "/courses/{course}/progress": 1,
}


def lines(count: int, courses: int = 20, learners: int = 1500, seed: int = 1) -> Iterator[bytes]:
    """`count` lines over `courses` course runs with `learners` each, in order of time."""
    draw = random.Random(seed)
    kinds = draw.choices(list(KINDS), weights=list(KINDS.values()), k=4096)
    moment = START
    step = timedelta(days=70) / count
    for number in range(count):
        moment += step
        kind = kinds[(number * 31 + draw.randrange(64)) % len(kinds)]
        course = draw.randrange(courses)
        learner = course * learners + int(learners * draw.random() ** 2) + 1
        yield json.dumps(record(kind, course, learner, moment, draw.randrange(40), draw)).encode() + b"\n"


def record(
    kind: str, course: int, learner: int, moment: datetime, item: int, draw: random.Random
) -> dict[str, Any]:
    """One line's record."""
    course_id = f"course-v1:Made+C{course:03d}+2016"
    problem = f"block-v1:Made+C{course:03d}+2016+type@problem+block@{item:032x}"
    by_server = kind.startswith("/") or kind in ("problem_check", "showanswer")
    event_type = kind.removeprefix("browser ").format(
        course=course_id, chapter=f"{item // 8:032x}", sequence=f"{item // 4:032x}", problem=problem
    )
    page = f"https://learn.example.org/courses/{course_id}/courseware/{item // 8:032x}/{item // 4:032x}/"
    return {
        "username": f"learner{learner}",
        "event_source": "server" if by_server else "browser",
        "name": event_type,
        "accept_language": "en-US,en;q=0.9",
        "time": moment.isoformat(),
        "agent": AGENT,
        "page": None if by_server else page,
        "host": "learn.example.org",
        "session": f"{learner * 7919:032x}",
        "referer": page,
        "context": {
            "user_id": learner,
            "org_id": "Made",
            "course_id": course_id,
            "path": event_type if kind.startswith("/") else "/event",
            "course_user_tags": {},
        },
        "ip": "203.0.113.7",
        "event": payload(kind, course, item, problem, draw),
        "event_type": event_type,
    }


def payload(kind: str, course: int, item: int, problem: str, draw: random.Random) -> Any:
    """What the platform puts under `event`: an object from the server, JSON as text from browsers."""
    if kind == "problem_check":
        return graded(problem, draw.random() < 0.6)
    if kind == "showanswer":
        return {"problem_id": problem}
    if kind.startswith("/"):
        return json.dumps({"POST": {}, "GET": {}})
    if kind.endswith("_video"):
        video = {
            "id": f"{item:032x}",
            "currentTime": round(draw.random() * 300, 3),
            "code": "hls",
            "duration": 301.4,
        }
        return json.dumps(video)
    if kind.startswith("seq_"):
        sequence = f"block-v1:Made+C{course:03d}+2016+type@sequential+block@{item // 4:032x}"
        return json.dumps({"old": item % 4, "new": item % 4 + 1, "id": sequence})
    if kind == "page_close":
        return "{}"
    if kind.startswith("edx."):
        return {"course_id": f"course-v1:Made+C{course:03d}+2016", "component_usage_id": problem}
    return json.dumps(f"input_{item:032x}_2_1=choice_1")


def graded(problem: str, right: bool) -> dict[str, Any]:
    """The payload of the server's problem_check."""
    part = problem.rpartition("@")[2] + "_2_1"
    return {
        "problem_id": problem,
        "success": "correct" if right else "incorrect",
        "grade": int(right),
        "max_grade": 1,
        "attempts": 1,
        "answers": {part: "choice_1"},
        "correct_map": {
            part: {
                "correctness": "correct" if right else "incorrect",
                "npoints": None,
                "msg": "",
                "hint": "",
                "hintmode": None,
                "queuestate": None,
                "answervariable": None,
            }
        },
        "state": {
            "seed": 1,
            "student_answers": {},
            "correct_map": {},
            "done": None,
            "input_state": {part: {}},
        },
        "submission": {
            part: {
                "question": "Which of these are primes?",
                "answer": "2, 3 and 5",
                "response_type": "choiceresponse",
                "input_type": "checkboxgroup",
                "correct": right,
                "variant": "",
                "group_label": "",
            }
        },
    }
