"""lms/djangoapps/grades/models.py"""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class PersistentCourseGrade(models.Model):
    user_id = models.IntegerField(db_index=True)
    course_id = CourseKeyField(max_length=255)
    percent_grade = models.FloatField()
    letter_grade = models.CharField(max_length=255)
    passed_timestamp = models.DateTimeField(blank=True, null=True)

    class Meta:
        app_label = "grades"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.percent_grade}"


class PersistentSubsectionGrade(models.Model):
    user_id = models.IntegerField()
    course_id = CourseKeyField(max_length=255)
    usage_key = UsageKeyField(max_length=255)
    earned_graded = models.FloatField()
    possible_graded = models.FloatField()
    first_attempted = models.DateTimeField(null=True, blank=True)
    modified = models.DateTimeField()

    class Meta:
        app_label = "grades"
        unique_together = [("course_id", "user_id", "usage_key")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.earned_graded} of {self.possible_graded}"
