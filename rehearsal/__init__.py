"""The parts of `lastday demo`: environment, scenario, watching, expectations.  It uses the CLI's commands, which the caller passes in."""
