"""What `lastday demo` is made of: the environment, the scenario, the watching, the expectations.  It uses the verbs, and decides nothing."""
