"""Who may do what: memberships, roles, permissions, invitations, and the pages for them."""
