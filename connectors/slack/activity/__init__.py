"""Slack's logs of an account: the Audit Logs on Enterprise; on other plans access log, integration log and files."""

from connectors.slack.activity.describing import describe
from connectors.slack.activity.reading import ActivityReader
from connectors.slack.activity.records import record
from connectors.slack.activity.sources import sources_for

__all__ = ["ActivityReader", "describe", "record", "sources_for"]
