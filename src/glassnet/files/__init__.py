"""What is kept in files, as data: networks, estimators, and trainings that go on later."""
