"""Packaging of nudge-xblock: the plugin, its assets and the predictor."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent

setup(
    name="nudge-xblock",
    version="0.1.0",
    description="In-course help for Open edX, gated by an LSTM over the learner's event stream",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[
        *find_packages(include=["nudge_xblock", "nudge_xblock.*", "predictor", "predictor.*"]),
        "nudge_xblock.static",
        "nudge_xblock.templates",
    ],
    package_dir={"nudge_xblock.static": "static", "nudge_xblock.templates": "templates"},
    package_data={
        "nudge_xblock": ["locale/*/LC_MESSAGES/*", "py.typed"],
        "nudge_xblock.static": ["**/*"],
        "nudge_xblock.templates": ["**/*"],
        "predictor": ["py.typed", "report.css"],
    },
    install_requires=[
        "celery>=5.5,!=5.6.1",
        "Django>=4.2",
        "djangorestframework>=3.15",
        "drf-spectacular>=0.27",
        "edx-opaque-keys>=3.0",
        "nh3>=0.2.17",
        "numpy>=1.26",
        "orjson>=3.9",
        "requests>=2.31",
        "safetensors>=0.4",
        "web-fragments>=3.1",
        "XBlock>=5.2",
        "zstandard>=0.22",
    ],
    extras_require={
        "train": [
            "lightgbm>=4.3,<5",
            "pyarrow>=15,<24",
            "scikit-learn>=1.4",
            "scipy>=1.11",
            "torch>=2.2",
            "tqdm>=4.66",
        ],
    },
    entry_points={
        "xblock.v1": ["nudge = nudge_xblock.block:NudgeXBlock"],
        "lms.djangoapp": ["nudge_xblock = nudge_xblock.apps:NudgeConfig"],
        "cms.djangoapp": ["nudge_xblock = nudge_xblock.apps:NudgeConfig"],
        "openedx.course_tab": ["nudge_learners = nudge_xblock.coursetab:LearnersTab"],
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Framework :: Django :: 4.2",
        "Framework :: Django :: 5.2",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
    ],
)
