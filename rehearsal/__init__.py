"""What `lastday demo` is made of: environment, scenario, watching, expectations.  It is given the verbs, uses them, and decides nothing."""
