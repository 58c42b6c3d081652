"""openedx/core/djangoapps/schedules/models.py"""

from django.db import models

from tests.openedx.student.models import CourseEnrollment


class Schedule(models.Model):
    enrollment = models.OneToOneField(CourseEnrollment, on_delete=models.CASCADE)
    start_date = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "schedules"

    def __str__(self) -> str:
        return f"{self.enrollment_id} from {self.start_date}"
