"""The staff's way from what is predicted to what is said: choose learners, write to them once."""
