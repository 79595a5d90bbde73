"""The evidence store: a case's files, encrypted under the case's own key."""
