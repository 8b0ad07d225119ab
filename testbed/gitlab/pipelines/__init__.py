"""Pipelines at work: starting, compiling the configuration, moving jobs along, handing them to runners."""
