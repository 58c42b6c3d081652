"""openedx/core/djangoapps/content/learning_sequences/models.py"""

from django.db import models
from opaque_keys.edx.django.models import LearningContextKeyField, UsageKeyField


class LearningContext(models.Model):
    context_key = LearningContextKeyField(max_length=255, db_index=True, unique=True)
    title = models.CharField(max_length=255)

    class Meta:
        app_label = "learning_sequences"

    def __str__(self) -> str:
        return self.title


class CourseContext(models.Model):
    learning_context = models.OneToOneField(
        LearningContext, on_delete=models.CASCADE, primary_key=True, related_name="course_context"
    )

    class Meta:
        app_label = "learning_sequences"

    def __str__(self) -> str:
        return str(self.learning_context)


class LearningSequence(models.Model):
    learning_context = models.ForeignKey(LearningContext, on_delete=models.CASCADE, related_name="sequences")
    usage_key = UsageKeyField(max_length=255)
    title = models.CharField(max_length=1000)

    class Meta:
        app_label = "learning_sequences"

    def __str__(self) -> str:
        return self.title


class Visible(models.Model):
    hide_from_toc = models.BooleanField(default=False)
    visible_to_staff_only = models.BooleanField(default=False)

    class Meta:
        abstract = True
        app_label = "learning_sequences"


class CourseSection(Visible):
    course_context = models.ForeignKey(CourseContext, on_delete=models.CASCADE, related_name="sections")
    usage_key = UsageKeyField(max_length=255)
    title = models.CharField(max_length=1000)
    ordering = models.PositiveIntegerField()

    class Meta:
        app_label = "learning_sequences"

    def __str__(self) -> str:
        return self.title


class CourseSectionSequence(Visible):
    course_context = models.ForeignKey(
        CourseContext, on_delete=models.CASCADE, related_name="section_sequences"
    )
    section = models.ForeignKey(CourseSection, on_delete=models.CASCADE)
    sequence = models.ForeignKey(LearningSequence, on_delete=models.CASCADE)
    ordering = models.PositiveIntegerField()

    class Meta:
        app_label = "learning_sequences"

    def __str__(self) -> str:
        return f"{self.section}: {self.sequence}"
