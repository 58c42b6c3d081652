"""Prediction over learners' event streams; usable without any platform."""
