"""Who may do what: keys and their scopes, logins, limits, the audit log, headers."""
