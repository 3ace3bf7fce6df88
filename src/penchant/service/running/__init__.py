"""What keeps a service running and shows how it does: metrics, logs, the gate, alert rules, backups."""
