"""common/djangoapps/student/models/user.py, course_enrollment.py"""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField

from tests.openedx.course_overviews.models import CourseOverview


class UserProfile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, related_name="profile", on_delete=models.CASCADE)
    name = models.CharField(blank=True, max_length=255)
    language = models.CharField(blank=True, max_length=255)
    year_of_birth = models.IntegerField(blank=True, null=True)
    gender = models.CharField(blank=True, null=True, max_length=6)  # noqa: DJ001
    level_of_education = models.CharField(blank=True, null=True, max_length=6)  # noqa: DJ001
    country = models.CharField(blank=True, null=True, max_length=2)  # noqa: DJ001

    class Meta:
        app_label = "student"

    def __str__(self) -> str:
        return str(self.user_id)


class CourseEnrollment(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course = models.ForeignKey(CourseOverview, db_constraint=False, on_delete=models.DO_NOTHING)
    created = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    mode = models.CharField(default="audit", max_length=100)

    class Meta:
        app_label = "student"

    def __str__(self) -> str:
        return f"{self.user_id} in {self.course_id}"


class CourseAccessRole(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    org = models.CharField(max_length=64, db_index=True, blank=True)
    course_id = CourseKeyField(max_length=255, db_index=True, blank=True)
    role = models.CharField(max_length=64, db_index=True)

    class Meta:
        app_label = "student"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"
