"""The page's side of service workers: how its script comes into documents."""
