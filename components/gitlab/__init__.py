"""The forge: group, projects, runners, agents and pipeline templates, each beside the data that describes it."""
