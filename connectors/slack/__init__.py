"""Slack: Web API, SCIM and Audit Logs, through slack-sdk."""

from connectors.slack.connector import SlackConnector, connect
from connectors.slack.settings import Settings

__all__ = ["Settings", "SlackConnector", "connect"]
