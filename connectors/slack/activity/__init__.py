"""Slack's logs of an account: the Audit Logs on Enterprise; on other plans access log, integration log and files."""
