"""An emulated Slack: Web API, SCIM v1 and v2, Audit Logs, on one host."""

from emulators.slack.tenant import Tenant

__all__ = ["Tenant"]
