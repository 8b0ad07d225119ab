"""What lies here is data: the sample project's tests are run by its own pipeline."""

collect_ignore = ["sample-project"]
