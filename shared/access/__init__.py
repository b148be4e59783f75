"""Who may do what: tenants, scopes and principals."""
