"""How a course run stands in an address."""

# Course keys of today (course-v1:Org+Course+Run) and of old (Org/Course/Run).
COURSE = r"^courses/(?P<course_key>[^/+]+(?:/|\+)[^/+]+(?:/|\+)[^/?]+)/"
