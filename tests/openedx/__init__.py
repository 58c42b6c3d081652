"""The platform's tables as far as compat.py reads them: same app labels, names and column types.

Written down from the models of edx-platform (common/djangoapps/student, lms/djangoapps/grades and
certificates and bulk_email and program_enrollments, openedx/core/djangoapps/content/course_overviews and
learning_sequences, schedules and user_api), of openedx/completion and of openedx/edx-when.
"""

APPS = [
    f"tests.openedx.{name}"
    for name in (
        "course_overviews",
        "student",
        "grades",
        "certificates",
        "completion",
        "user_api",
        "bulk_email",
        "edx_when",
        "schedules",
        "program_enrollments",
        "learning_sequences",
    )
]
