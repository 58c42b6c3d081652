"""openedx/core/djangoapps/content/course_overviews/models.py"""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class CourseOverview(models.Model):
    id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
    org = models.TextField(max_length=255, default="outdated_entry")
    display_name = models.TextField(null=True)  # noqa: DJ001 - as the platform has it
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    self_paced = models.BooleanField(default=False)
    lowest_passing_grade = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    effort = models.TextField(null=True)  # noqa: DJ001
    language = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        app_label = "course_overviews"

    def __str__(self) -> str:
        return str(self.id)
