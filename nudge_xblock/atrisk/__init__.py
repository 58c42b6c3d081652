"""At risk, and why: nightly assessments, their reasons in words, and cases for whoever can help."""
