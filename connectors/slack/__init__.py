"""Slack: Web API, SCIM and Audit Logs, through slack-sdk."""

from connectors.slack.connector import SlackConnector, connect
from connectors.slack.manifest import MANIFEST
from connectors.slack.settings import Settings

__all__ = ["MANIFEST", "Settings", "SlackConnector", "connect"]
