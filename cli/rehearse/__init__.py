"""What `lastday demo` is made of: the set, the watching, the expectations.  It uses the verbs, and decides nothing."""
