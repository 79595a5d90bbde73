"""What Slack's logs tell of an account: the Audit Logs on Enterprise, what little there is on other plans."""

from connectors.slack.activity.reading import ActivityReader, record
from connectors.slack.activity.sources import sources_for
from connectors.slack.activity.words import describe

__all__ = ["ActivityReader", "describe", "record", "sources_for"]
